#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writers and coordinator die at every step: the other hears it at once (scenario 9)
# CORE

. "$(dirname "$0")/protocol.sh"

need_module
channel coordinator-dies writer-dies

bg 60 nl_writers engaged >"$SCRATCH/engaged"
wait_for 20 grep -q "^ok" "$SCRATCH/engaged"
expect_fail 'in use' rmmod shadow
kill -9 "$(pgrep -x nl_writers)"
wait_for 10 rmmod shadow
check "the module can go when the coordinator is dead" [ ! -d /sys/module/shadow ]
