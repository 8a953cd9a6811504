#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a set freezes, and in which order, on machines that are recorded only.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"
# shellcheck source=userspace/tests/machine.sh
. "$here/machine.sh"

shadowadm=${BUILD:?}/tests/shadowadm-fake
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A machine of its own for each test.
new() {
	export FAKE_SYSROOT=$scratch/$1
	machine_new "$FAKE_SYSROOT"
}

# order VOLUME...: the devices that would be frozen, in order; + has a shadow
order() {
	"$shadowadm" create --dry-run --json "$@" 2>/dev/null | jq -r '
		if .error then .error.message else
		[.plan[] | (.device | ltrimstr("/dev/") | ltrimstr("mapper/")) +
			(if .shadow then "+" else "" end) +
			(if .freeze then "" else "!" end)] | join(" ") end'
}

# consistency VOLUME...: of those that get a shadow
consistency() {
	"$shadowadm" create --dry-run --json "$@" 2>/dev/null |
		jq -r '[.plan[] | select(.shadow) | .consistency] | join(" ")'
}

warning() {
	"$shadowadm" create --dry-run --json "$@" 2>/dev/null |
		jq -r '[.plan[] | select(.shadow) | .warning // empty] | join("; ")'
}

echo KTAP version 1

new simple
disk vda 254:0
partition vda vda1 254:1
partition vda vda2 254:2
partition vda vda3 254:3
disk vdb 254:16
mounted vda1 / ext4
mounted vda2 /home xfs
mounted vdb /srv ext4
mounted tmpfs /tmp tmpfs
mounted proc /proc proc
swap vda3
is "$(order /dev/vda2)" "vda2+" "a partition alone"
is "$(order vda2)" "vda2+" "by its kernel name"
is "$(order 254:2)" "vda2+" "by its number"
is "$(order /home)" "vda2+" "by its mount point"
is "$(consistency /home)" filesystem "a mounted filesystem is frozen"
is "$(order /dev/vda)" "vda2 vda1 vda+" "a disk: its partitions before it, root last, no swap"
is "$(consistency /dev/vda)" filesystem "a disk is as consistent as its partitions"
is "$(order / /srv /home)" "vdb+ vda2+ vda1+" "root last in a set"
is "$(order /dev/vda3)" "vda3+!" "swap that is named gets a shadow, and is not frozen"
is "$(consistency /dev/vda3)" raw "without a filesystem it is raw"
like "$(order /home/user)" "inside the filesystem mounted on /home.*Name the mount point" \
	"a path inside names the mount point"
like "$(order /tmp)" "tmpfs, from tmpfs.*no block device" "no block device below"
like "$(order /nowhere)" "inside the filesystem mounted on /," "a path that is not there"
like "$(order /dev/vdz)" "no such block device" "a device that is not there"
like "$(order 250:9)" "no block device of this number" "a number that is not there"
like "$(order / /dev/vda1)" "was named twice" "twice the same volume"

new lvm
disk vda 254:0
partition vda vda1 254:1
disk vdb 254:16
holder vda1 vdb dm-0 253:0 vg-root
holder vda1 dm-1 253:1 vg-home
holder vdb dm-2 253:2 vg-srv
holder dm-1 dm-3 253:3 luks-home
mounted dm-0 / ext4
mounted dm-3 /home xfs
mounted dm-2 /srv ext4
is "$(order /home)" "luks-home+" "on top of a stack nothing else"
is "$(order /dev/vda1)" "luks-home vg-home vg-root vda1+" "a physical volume"
is "$(order /dev/vda)" "luks-home vg-home vg-root vda1 vda+" "the disk below"
is "$(order /dev/vda /dev/vdb)" "vg-srv luks-home vg-home vg-root vdb+ vda1 vda+" \
	"both disks: one above two is frozen once, and before both"
is "$(order /dev/vdb /home)" "luks-home+ vg-srv vg-root vdb+" "volumes on two levels"
is "$(consistency /dev/vda1)" filesystem "what is mounted two levels up counts"

new raid
disk sda 8:0
disk sdb 8:16
partition sda sda1 8:1
partition sdb sdb1 8:17
holder sda1 sdb1 md0 9:0
partition md0 md0p1 259:0
mounted md0p1 / ext4
is "$(order /dev/sda)" "md0p1 md0 sda1 sda+" "a member of a mirror: partitions of the md above"
is "$(order /dev/sda /dev/sdb)" "md0p1 md0 sda1 sda+ sdb1 sdb+" "both members"

new loops
disk vda 254:0
disk vdb 254:16
mounted vda / ext4
mounted vdb /images xfs
loop loop0 7:0 /images/a.img
loop loop1 7:1 /images/deep/b.img
loop loop2 7:2 /other.img
loop loop3 7:3 "/images/gone.img (deleted)"
holder loop1 dm-0 253:0 inner
mounted loop0 /mnt/a ext4
mounted dm-0 /mnt/b ext4
loop loop4 7:4 /mnt/b/nested.img
mounted loop4 /mnt/n ext4
is "$(order /images)" "loop0 loop3 loop4 inner loop1 vdb+" \
	"loop devices over files of the volume, and what is on them"
is "$(order /mnt/b)" "loop4 inner+" "a loop device on a loop device"
loop loop5 7:5 /dev/loop0
is "$(order /mnt/a)" "loop5 loop0+" "a loop device over a device"
is "$(order / /images)" "loop2 loop3 loop5 loop0 loop4 inner loop1 vdb+ vda+" "root last again"

new namespaces
disk vda 254:0
partition vda vda1 254:1
mounted tmpfs / tmpfs
mkdir -p "$FAKE_SYSROOT/sys/fs/xfs/vda1"
is "$(order /dev/vda)" "vda1 vda+" "a device with nothing visible on it is frozen all the same"
is "$(consistency /dev/vda)" filesystem "a filesystem mounted in another namespace is seen"
is "$("$shadowadm" create --dry-run --json /dev/vda1 | jq -r '.plan[0].fstype')" xfs \
	"with its type"

new btrfs1
disk vda 254:0
disk vdb 254:16
mounted vda / btrfs
btrfs 11111111-2222-3333-4444-555555555555 vda
is "$(order /)" "vda+" "btrfs by its mount point: the number is not the device's"
is "$(consistency /)" filesystem "6.1 freezes a btrfs on one device"
echo 6.12.1 >"$FAKE_SYSROOT/proc/sys/kernel/osrelease"
is "$(consistency /)" crash "6.12 does not"
is "$(warning /)" "crash-consistent (btrfs not frozen)" "and it is said"
echo 6.17.0 >"$FAKE_SYSROOT/proc/sys/kernel/osrelease"
is "$(consistency /)" filesystem "6.17 does"

new btrfs2
disk vda 254:0
disk vdb 254:16
partition vda vda1 254:1
mounted vda1 /data btrfs
btrfs 11111111-2222-3333-4444-555555555555 vda1 vdb
is "$(consistency /dev/vda1 /dev/vdb)" "crash crash" "6.1 does not freeze a btrfs on two devices"
like "$(warning /data)" "more devices than are in the set" "one device of two is incomplete"
echo 6.17.0 >"$FAKE_SYSROOT/proc/sys/kernel/osrelease"
is "$(consistency /dev/vda1 /dev/vdb)" "filesystem filesystem" "6.17 does, on both"
is "$(consistency /dev/vda)" crash "the disk below one of them is crash-consistent"

new fuse
disk vda 254:0
mounted vda /mnt fuseblk
like "$(warning /mnt)" "user space not frozen" "a filesystem in user space is not frozen"

new circle
disk vda 254:0
holder vda dm-0 253:0 a
ln -s "$(device_dir vda)" "$(device_dir dm-0)/holders/vda"
like "$(order /dev/vda)" "stacked on each other in a circle" "a circle is refused"

new many
disk vda 254:0
for ((i = 1; i <= 255; i++)); do
	partition vda "vda$i" "254:$i"
done
is "$(order /dev/vda | wc -w)" 256 "as many devices as a set can freeze"
partition vda vda256 259:1
like "$(order /dev/vda)" "more devices are stacked.*several sets" "one more"

done_testing
