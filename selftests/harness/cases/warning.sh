#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: makes the kernel complain
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

echo "WARNING: at nowhere" >/dev/kmsg
ok "not that it minds"
