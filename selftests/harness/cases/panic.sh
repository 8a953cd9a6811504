#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: kills the kernel
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

ok "so far"
echo c >/proc/sysrq-trigger
