#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the last detaching: also of what is mounted read-only, and writes fail afterwards
# DISKS: origin=48M store=96M other=48M otherstore=64M
# TIMEOUT: 300
# EXPECT_LOG: I/O error|lost sync page write|Remounting|EXT4-fs

. "$(dirname "$0")/saved.sh"

mnt=$SCRATCH/mnt
ended="sed s,@SBINDIR@,$TREE/userspace/build, $TREE/userspace/systemd/shutdown.in"

# ended: what systemd runs at the end of a shutdown
ended() {
	$ended | sh -s poweroff
}

! grep -q '^shadow ' /proc/modules || rmmod shadow
check "without the module nothing happens" ended
check "and it is not loaded" [ ! -d /sys/module/shadow ]

need_module
check "without a store nothing happens" ended
mkfs_on ext4 "$ORIGIN"
mkfs_on ext4 "$DISK_other"
persistent
mount_at "$ORIGIN" "$mnt"
fill "$mnt/file" 1 1
sync
holder --persistent "$DISK_other" --store "$DISK_otherstore" -- add hold take release keep >/dev/null
settle

status=0
shadowadm store detach "$ORIGIN" 2>"$SCRATCH/err" || status=$?
is "$status" 1 "a volume that is mounted is not detached"
status=0
shadowadm store detach "$ORIGIN" --final 2>"$SCRATCH/err" || status=$?
is "$status" 1 "nor is one that is mounted read-write, at the end"
like "$(<"$SCRATCH/err")" "it is mounted read-write at $mnt" "which is said"
mount --bind "$mnt" "$mnt"
mount -o remount,bind,ro "$mnt"
expect_fail 'mounted read-write' shadowadm store detach "$ORIGIN" --final
umount "$mnt"
is "$(shadow_count)" 2 "the shadows are there"

mount -o remount,ro "$mnt"
persistent
status=0
shadowadm store detach --all --final --json >"$SCRATCH/out" || status=$?
is "$status $(jq -r '[.stores[].shadows] | sort | join(" ")' "$SCRATCH/out")" "0 1 2" \
	"one that is mounted read-only is, and all others"
is "$(shadow_count)" 0 "no shadow is there"
saved_is saved
check "it can be read" grep -qac "" "$mnt/file"
expect_fail 'Input/output error|I/O error' devio "$ORIGIN" write:1m:4k fsync
expect_fail 'Input/output error|I/O error' devio "$DISK_other" write:1m:4k fsync
is "$(volume "$ORIGIN" fault)" "store-removed" "the volume says why"
check "once more nothing happens" ended
umount "$mnt"

# It was no shutdown.
attach_store
delta check "${IMAGE_OF[@]:0:2}" "${UUID_OF[@]:0:2}" >/dev/null
ok "and what has changed is known"
devio "$ORIGIN" write:1m:4k fsync
ok "it can be written again"
umount "$mnt" 2>/dev/null || true

# As it is run.
parts attach "$DISK_other" "$DISK_otherstore" >/dev/null
settle
check "systemd's last step" ended
is "$(shadow_count)" 0 "has detached both"
saved_is saved
