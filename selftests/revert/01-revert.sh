#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume becomes what it was at a shadow's instant, and all shadows stay what they are (B-31, K-11)
# DISKS: origin=64M store=160M a=64M b=64M c=64M
# TIMEOUT: 400
# CORE

. "$(dirname "$0")/revert.sh"

mnt=$SCRATCH/mnt
need_module
listen

# The first two shadows are of an ext4 filesystem, the third one of raw data in its place.
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$mnt"
fill "$mnt/one" 1 8
sync
shot "$DISK_a"
first=$IMAGE
rm "$mnt/one"
fill "$mnt/two" 2 12
umount_at "$mnt"
shot "$DISK_b"
second=$IMAGE
change 0 4
change 40 8
shot "$DISK_c"
third=$IMAGE
change 20 8
equal "$DISK_a" "$DISK_b" "$DISK_c"

# To the oldest one, then forward again.
# What is in the page cache now must not be seen later.  Without waiting: who waits has partitions
# read again, which empties it as well.
cat "$DISK_origin" >"$SCRATCH/pages"
reverted "$first" "$DISK_a" --no-wait
equal "$DISK_a" "$DISK_b" "$DISK_c"
revert_is state "done"
revert_is percent 100
check "something was written" [ "$(revert_of written)" -gt 0 ]
check "an event told that it began" event revert-begun
check "and that it is done" event revert-done
reverted "$third" "$DISK_c"
equal "$DISK_a" "$DISK_b" "$DISK_c"
reverted "$second" "$DISK_b"
equal "$DISK_a" "$DISK_b" "$DISK_c"

# Once more there is nothing to do.
reverted "$second" "$DISK_b"
revert_is written 0
check "it knows what it looked at" [ "$(revert_of all)" -gt 0 ]

# A script can do that, too.
reverted "$first" "$DISK_a"
echo "revert $(shadow "$second" uuid)" >"$SCRATCH/script"
run shadowadm script "$SCRATCH/script"
check "by a script" ora_compare "$DISK_origin" "$DISK_b"

# The filesystem is as it was.
check "fsck finds nothing wrong" e2fsck -fn "$DISK_origin"
mount_at "$DISK_origin" "$mnt"
check "the file is there" same "seed:2" "$mnt/two"
check "and the other one is not" [ ! -e "$mnt/one" ]
fill "$mnt/three" 3 4
umount_at "$mnt"
equal "$DISK_a" "$DISK_b" "$DISK_c"

# A shadow that was reverted to is one like others.
drop "$second"
equal "$DISK_a" "$DISK_c"
reverted "$first" "$DISK_a"
check "fsck finds a journal to be replayed at the most" e2fsck -fp "$DISK_origin"
equal "$DISK_a" "$DISK_c"
drop_all
unload
