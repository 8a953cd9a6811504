#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a signal ends the clearing out of a part; it is as large as before, and can be tried again
# DISKS: origin=32M oracle=32M store=41M
# TIMEOUT: 200

. "$(dirname "$0")/change.sh"

begin_slow
overwrite "$DISK_origin" 0 24
add_part memory:40
readers_start "$oracle_image" "$DISK_oracle" 2

# ended_by SIGNAL ANSWER
ended_by() {
	local used

	used=$(part "$DISK_origin" used 0)
	dm_reload slow "0 $(sectors "$DISK_store") delay $DISK_store 0 500 $DISK_store 0 0"
	resize_begin 0 0
	wait_for 20 eval '[ "$(part "$DISK_origin" used 0)" -lt '"$used"' ]'
	kill -"$1" "$(pgrep -P "$RESIZE")"	# its parent is what bg bounds it with
	resize_ends "$2"
	check "what was moved stays moved" [ "$(part "$DISK_origin" used 0)" -lt "$used" ]
	is "$(part "$DISK_origin" max 0) $(part "$DISK_origin" state 0)" "$((40 << 20)) ready" \
		"the part is what it was"
	dm_reload slow "0 $(sectors "$DISK_store") linear $DISK_store 0"
}

ended_by USR1 'EINTR reason=29 moved=[1-9]'
overwrite "$DISK_origin" 24 4
ended_by KILL ''
overwrite "$DISK_origin" 28 4
readers_see 2
resize 0 0
is "$(numbers)" 1 "at last it is gone"
readers_stop 2
drop_all
unload
