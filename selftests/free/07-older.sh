#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a block that is free in the newest shadow and live in an older one is preserved for that
# DISKS: origin=128M
# TIMEOUT: 180

. "$(dirname "$0")/free.sh"

mkfs_on ext4 "$ORIGIN"
mount_at "$ORIGIN" "$MNT"
populate "$MNT"
fill "$MNT/victim" 5 16
sync -f "$MNT"
first=$(digests "$MNT")
need_module
take_used "$MNT"
oldest=$IMAGE
rm "$MNT/victim"
sync -f "$MNT"
second=$(digests "$MNT")
take_used "$MNT"
middle=$IMAGE
take_used "$MNT"
newest=$IMAGE
check "the newest knows of more free space" [ "$(known "$newest")" -gt "$(known "$oldest")" ]

before=$(volume "$ORIGIN" blocks_preserved)
new_files 90		# nearly all that there is, much of the victim's blocks too
now=$(($(volume "$ORIGIN" blocks_preserved) - before))
check "$now blocks were preserved, at most the victim's 4096 and few others" \
	[ $now -ge 500 -a $now -le 5200 ]
for image in "$oldest" "$middle" "$newest"; do
	check "$image passes fsck" fsck_image ext4 "$image"
	run shadowadm mount "$image" "$SCRATCH/image"
	want=$second
	[ "$image" != "$oldest" ] || want=$first
	is "$(digests "$SCRATCH/image")" "$want" "all files of $image are as they were"
	shadowadm umount "$image"
done

# Without the oldest nobody needs them: deleted, and written again, they cost nothing.
rm -r "$MNT/new"
sync -f "$MNT"
drop "$oldest"
before=$(volume "$ORIGIN" blocks_preserved)
new_files 90
now=$(($(volume "$ORIGIN" blocks_preserved) - before))
check "$now blocks were preserved without the oldest" [ $now -le 1000 ]
drop "$newest"
check "$middle passes fsck" fsck_image ext4 "$middle"
run shadowadm mount "$middle" "$SCRATCH/image"
is "$(digests "$SCRATCH/image")" "$second" "all files are as they were"
shadowadm umount "$middle"
