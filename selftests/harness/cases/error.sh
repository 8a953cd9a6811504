#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fails by a command that nobody expects to
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

cleanup 'echo cleaned up'
ls /nowhere
ok "not reached"
