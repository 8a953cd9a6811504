#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadows of ext4 and XFS are mounted as they were, a set into subdirectories, and unmounted
# DISKS: a=32M b=64M

. "$(dirname "$0")/cli.sh"

umount_shadows() {
	umount -q "$SCRATCH"/to/* "$SCRATCH/to" || true
}

not_mounted() {
	! mountpoint -q "$1"
}

modprobe -q xfs || skip "no XFS"
mounted ext4 "$DISK_a" ext4
mounted xfs "$DISK_b" xfs
need_module
cleanup drop_all
mkdir "$SCRATCH/to"
name_a=$(basename "$(readlink -f "$DISK_a")")
name_b=$(basename "$(readlink -f "$DISK_b")")
cleanup umount_shadows

adm 0 create "$SCRATCH/ext4" "$SCRATCH/xfs" --json
set=$(parse .set)
is "$(parse '[.shadows[].consistency] | join(" ")')" "filesystem filesystem" "both were frozen"
echo after >"$SCRATCH/ext4/file"
echo after >"$SCRATCH/xfs/file"
sync

for image in 0 1; do
	adm 0 mount "/dev/shadow$image" "$SCRATCH/to" --json
	is "$(parse '.mounts[0] | .device + " " + .mountpoint')" "/dev/shadow$image $SCRATCH/to" \
		"JSON of mount"
	like "$(cat "$SCRATCH/to/file")" " before$" "a file is as it was at the instant"
	expect_fail 'Read-only' touch "$SCRATCH/to/new"
	adm 0 list --json
	is "$(parse ".shadows[$image] | .mountpoint + \" \" + (.openers > 0 | tostring)")" \
		"$SCRATCH/to true" "list says where it is mounted"
	adm 0 umount "/dev/shadow$image"
	check "it is unmounted" not_mounted "$SCRATCH/to"
done

adm 0 mount "$set" "$SCRATCH/to"
is "$(cat "$SCRATCH/to/$name_a/file" "$SCRATCH/to/$name_b/file")" "ext4 before
xfs before" "a set is mounted on subdirectories named after the volumes"
adm 0 umount "$SCRATCH/to/"
is "$(ls "$SCRATCH/to")" "" "they are gone after umount of the directory"

adm 0 mount "${set:0:8}" "$SCRATCH/to" -o noexec,nodev
like "$(findmnt -no OPTIONS "$SCRATCH/to/$name_a")" "ro,nodev,noexec" "options are passed on"
adm 0 umount "$set"
check "umount of the set" not_mounted "$SCRATCH/to/$name_a"
rmdir "$SCRATCH"/to/* 2>/dev/null || true

adm 1 mount "$set" "$SCRATCH/none"
like "$ERR" "cannot mount on $SCRATCH/none: No such file or directory. Make the directory first" \
	"without the directory it says so"
adm 0 delete "$set"
