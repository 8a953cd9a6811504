# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Backups and restores in tests of the protocol.

# two_volumes: filesystems on the disks a and b
two_volumes() {
	local disk

	for disk in a b; do
		local -n device=DISK_$disk
		mkfs_on ext4 "$device"
		mount_at "$device" "$SCRATCH/$disk"
	done
}

# backup DIRECTORY [OPTION...]: what it says is in $SCRATCH/said, how it ended in $status
backup() {
	local directory=$1

	shift
	betest backup "$@" "$directory"
}

# restore DIRECTORY... [-- OPTION...]: the same
restore() {
	local directories=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		directories+=("$1")
		shift
	done
	shift $(($# > 0))
	betest restore "$@" "${directories[@]}"
}

betest() {
	local began=${EPOCHREALTIME/./}

	status=0
	shadow-betest "$@" >"$SCRATCH/said" 2>&1 || status=$?
	diag "shadow-betest $*: $status, $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
	diag "$(<"$SCRATCH/said")"
}

# ended STATUS DESC: how the last one did
ended() {
	is "$status" "$1" "$2"
}

# said REGEX DESC: what the last one did
said() {
	like "$(<"$SCRATCH/said")" "$1" "$2"
}

# tree DIRECTORY: all that is in it, and what belongs to it, but for the times when it was read
tree() {
	(
		cd "$1" || exit
		find . -mindepth 1 ! -type d -printf '%y %m %U:%G %s %n %T@ %P %l\n' \
			-o -mindepth 1 -type d -printf '%y %m %U:%G %T@ %P\n' | sort
	)
	digests "$1"
}

# noted: what writers noted in $SCRATCH/noted, and nothing of it from now on
noted() {
	cat "$SCRATCH/noted" 2>/dev/null || :
	rm -f "$SCRATCH/noted"
}
