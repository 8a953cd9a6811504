#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fails by a result that is not in its output
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

check "wrong" false >/dev/null
ok "right"
