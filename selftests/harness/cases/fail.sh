#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fails by one wrong result
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

ok "right"
is 1 2 "wrong"
ok "right again"
