#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: typical mistakes are answered with what, where, why and what to do; nothing is done
# DISKS: a=32M b=16M small=2M other=16M

. "$(dirname "$0")/cli.sh"

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$TREE/userspace/build/shadowadm" "$@"
}

mounted ext4 "$DISK_a" mnt
mkdir "$SCRATCH/mnt/dir" "$SCRATCH/to"
mkfs_on ext4 "$DISK_other"
mount_at "$DISK_other" "$SCRATCH/other"

mistake 1 'cannot open /dev/shadow-control: the kernel module "shadow" is not loaded\. Load it with "modprobe shadow"' \
	list
need_module
cleanup drop_all
expect_fail 'cannot open /dev/shadow-control: only root may control shadow copies\. Run it as root' \
	as_nobody list

adm 2
like "$ERR" 'what to do\? A command is missing' "without a command it asks for one"
mistake 2 'there is no command "crate"; did you mean "create"\?' crate
mistake 2 "unrecognized option '--stor'.*Try \"shadowadm list --help\"" list --stor
mistake 2 'name a volume at least: a block device or a mount point' create
mistake 2 'Try "shadowadm create --help"' create "$DISK_a" --timeout 0
mistake 2 '--timeout 1000: it must be between 0.01 and 600 seconds' create "$DISK_a" --timeout 1000
mistake 2 'there is no context "backups".*did you mean "backup"' create "$DISK_a" --context backups
mistake 2 '--store /dev/nowhere=memory: /dev/nowhere is none of the volumes named' \
	create "$DISK_a" --store /dev/nowhere=memory
mistake 2 'cannot have the same store device; give each its own with --store VOLUME=STORE' \
	create "$DISK_a" "$DISK_b" --store "$DISK_small"
mistake 2 'name one shadow or set, and the directory' mount 0

mistake 1 'find the volume /dev/nowhere: there is no such block device or mount point\. "lsblk" shows' \
	create /dev/nowhere
mistake 1 "$SCRATCH/mnt/dir: it lies inside the filesystem mounted on $SCRATCH/mnt, and only a whole volume can be shadow-copied\\. Name the mount point instead: $SCRATCH/mnt" \
	create "$SCRATCH/mnt/dir"
mistake 1 'cannot find the volume /proc: .*\(proc, from .*\) has no block device below it\. Only block devices' \
	create /proc
mistake 1 'no block device has this tag\. "lsblk' create LABEL=nowhere
mistake 1 'cannot make the store .* is all that it has, and a store has 4M at least.*Name a larger device' \
	create "$DISK_a" --store "$DISK_small"
mistake 1 'cannot make the store: 1M was said, and a store has 4M at least\. Give it more' \
	create "$DISK_a" --store memory:1M
mistake 1 "it is in use \\(mounted at $SCRATCH/other\\)\\. Name another device; or unmount" \
	create "$DISK_a" --store "$DISK_other"
mistake 1 "it is in use \\(mounted at $SCRATCH/other\\)\\. Name another device; or unmount" \
	create "$DISK_a" --store "$DISK_other" --force
mistake 1 'the store lies on the volume.*Name a device outside the volume, a file on' \
	create "$DISK_b" --store "$DISK_b"
mistake 1 'the file has other contents, which would be lost' \
	create "$DISK_b" --store "$SCRATCH/mnt/file"
mistake 1 'needs a store that survives a reboot, and memory does not\. Name a device, or a file on' \
	create "$DISK_b" --persistent --store memory
mistake 1 'cannot shadow-copy .*: it was named twice\. Name each volume once' \
	create "$DISK_b" "$DISK_b"
if ! freezing_nests; then
	fsfreeze --freeze "$SCRATCH/mnt"
	mistake 1 'is frozen already by someone else.*thaw it with "fsfreeze --unfreeze' \
		create "$DISK_a"
	fsfreeze --unfreeze "$SCRATCH/mnt"
fi
is "$(shadow_count) $(volume_count)" "0 0" "until now nothing was made"
