#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume that has grown since it was added, or since the last hold, is held as a whole
# DISKS: a=64M

. "$(dirname "$0")/hold.sh"

# grow MIB
grow() {
	dm_reload grown "0 $(($1 << 11)) linear $DISK_a 0"
}

# waits MIB: a write there waits for the release
waits() {
	bg 30 devio /dev/mapper/grown "write:$1m:64k"
	write=$BG
	sleep 0.5
	check "a write at $1 MiB waits" kill -0 "$write"
	resume
	check "and goes on" bg_wait "$write"
}

dm_linear grown "$DISK_a" 0 $((16 << 11))
need_module
owner --timeout 60000 /dev/mapper/grown --only-held -- add pause hold pause release pause \
	hold pause release print pause
paused
grow 32
resume
paused 2
waits 24
paused 3
grow 48
resume
paused 4
waits 40
paused 5
like "$(said)" 'state=NEW .*error=0' "it was held twice"
kill_owner
nothing_left
