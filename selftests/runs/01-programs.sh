#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm run: restic, borg, rsync and tar back up two busy volumes as they were at one instant
# DISKS: a=64M b=64M
# TIMEOUT: 900
# MEM: 2048

. "$(dirname "$0")/runs.sh"

A=$SCRATCH/a
B=$SCRATCH/a/nested
TO=$SCRATCH/to
export RESTIC_REPOSITORY=$SCRATCH/restic RESTIC_PASSWORD=secret BORG_REPO=$SCRATCH/borg
export RESTIC_CACHE_DIR=$SCRATCH/cache BORG_BASE_DIR=$SCRATCH/cache
# An interpreter writes what it has compiled otherwise, if it can.
export PYTHONDONTWRITEBYTECODE=1

# backed_up WITH COMMAND...: by COMMAND, into $TO by restore_WITH; as good as it can be
backed_up() {
	local with=$1 before

	shift
	mkdir -p "$A/things"
	things "$A/things"
	before=$(round "$A" "$B")
	check "$with runs" run_on_shadows "$A/things" --volumes "$A,$B" -- "$@"
	wait_for 60 round_beyond "$((before + 1))" "$A" "$B"
	ok "the volumes go on"
	nothing_left
	rm -rf "$TO"
	mkdir "$TO"
	check "$with restores" quietly "restore_$with"
	check "it is of one instant" one_instant "$before" "$TO$A" "$TO$B"
	check "what was destroyed on the volume is there" same_things "$TO$A/things"
}

# by tar, of the names that the volumes have
restore_tar() {
	tar -C "$TO" -xpf "$SCRATCH/tar"
}

# It has copied already.
restore_rsync() {
	mkdir -p "$TO$A"
	rsync -aH "$SCRATCH/rsync/" "$TO$A/"
}

restore_restic() {
	restic restore latest --target "$TO"
}

restore_borg() {
	(cd "$TO" && borg extract ::backup)
}

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$A"
mkdir "$B"
mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$B"
need_module
cleanup drop_all
busy "$A" "$B"

backed_up tar tar -cf "$SCRATCH/tar" "$A"
backed_up rsync rsync -aH "$A/" "$SCRATCH/rsync/"
if [ -n "$(type -P restic)" ]; then
	quietly restic init
	backed_up restic restic --quiet backup "$A"
	backed_up restic restic --quiet backup "$A"
	is "$(restic snapshots --json | jq length)" 2 "restic has two snapshots"
	check "and finds its repository sound" quietly restic check
else
	diag "no restic"
fi
if [ -n "$(type -P borg)" ]; then
	quietly borg init -e none
	backed_up borg borg create ::backup "$A"
	check "borg finds its repository sound" quietly borg check
else
	diag "no borg"
fi
