#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: requester and coordinator are killed at each step: nothing stays frozen, held or begun (scenarios 8, 9)
# DISKS: a=64M
# TIMEOUT: 600

. "$(dirname "$0")/protocol.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module

calls=(init-backup gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/mnt\"}" prepare-backup
	create-set hold)

# nothing_left: as if nobody had asked for anything
nothing_left() {
	wait_for 20 eval '[ "$(shadow_count)" = 0 ]'
	wait_for 20 touch "$SCRATCH/mnt/file"
}

coordinator
for event in identify prepare-backup prepare-snapshot freeze thaw post-snapshot; do
	for victim in requester shadowd; do
		: >"$SCRATCH/told"
		test_writer slow --delay "$event=3000"
		writer=$BG
		bg 120 python3 -IS "$TREE/selftests/protocol/requester.py" "${calls[@]}" >"$SCRATCH/answers"
		wait_for 60 eval "heard | grep -q 'slow $event'"
		if [ $victim = requester ]; then
			pkill -9 -f requester.py
		else
			pkill -9 -x shadowd
		fi
		nothing_left
		ok "$victim is killed while a writer is told $event"
		case $event in
		prepare* | freeze | thaw)
			wait_for 20 eval 'heard | grep -q "slow abort"'
			wait_for 20 eval 'heard | grep -q "slow backup-shutdown"'
			ok "the writer hears abort, and that the backup is over"
			;;
		post-snapshot)
			wait_for 20 eval 'heard | grep -q "slow backup-shutdown"'
			is "$(heard | grep -c abort)" 0 "the writer hears that the backup is over"
			;;
		esac
		bg_stop "$writer"
		if [ $victim = shadowd ]; then
			wait_for 20 eval '! pgrep -f requester.py'
			: >"$SCRATCH/shadowd"
			coordinator
		fi
	done
done
test_writer last
requester "${calls[@]::6}"
is "$(answer 6 .result.consistency)" application "after all of that a set is made"
pkill -TERM -x shadowd
wait_for 20 rmmod shadow
