#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a copy that somebody else makes of a volume is of the instant of another one's shadow
# CORE
# DISKS: a=16M b=16M copy=16M

. "$(dirname "$0")/hold.sh"

copy="dd if=$DISK_b of=$DISK_copy bs=1M iflag=direct oflag=direct status=none"

# at_one_instant STEP...: with a's shadow and b's copy made by these steps
at_one_instant() {
	owner --auto-release --timeout 60000 "$DISK_a" "$DISK_b" --only-held -- add pause "$@" \
		print pause
	paused
	is "$(volume "$DISK_b" 'store // "none"') $(volume "$DISK_b" shadows)" "none 0" \
		"what is only to be held has no store"
	write_under "$DISK_a" "$DISK_b"
	resume
	paused 2
	like "$(said)" 'state=TAKEN volumes=2 held=0 .*error=0' "$*: released"
	goes_on
	check "shadow and copy are of one instant" \
		ledger check "$(said | grep -o '/dev/shadow[0-9]*')" "$DISK_copy"
	check "and the volumes have gone on" [ "$(volume "$DISK_a" bios_gated)" -ge 1 ]
	is "$(volume_count)" 1 "what was only held is not tracked any more"
	settle
	resume
	ended
	none_lost "$DISK_a" "$DISK_b"
	nothing_left
}

need_module
at_one_instant hold "exec:$copy" take release
at_one_instant hold take "exec:$copy" release

# Alone: nothing changes from hold to release, which can be repeated.
owner --timeout 60000 "$DISK_b" --only-held -- add pause hold "exec:$copy; sleep 1" \
	"exec:dd if=$DISK_b bs=1M iflag=direct status=none | cmp - $DISK_copy" release \
	hold release print pause
paused
write_under "$DISK_a" "$DISK_b"
resume
paused 2
like "$(said)" 'state=NEW volumes=1 held=0 .*error=0' "a set without a shadow is held twice"
kill_owner
none_lost "$DISK_a" "$DISK_b"
nothing_left
unload
