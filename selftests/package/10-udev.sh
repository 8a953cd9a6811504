#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: udev gives shadows their own links; by-uuid, LVM, md and btrfs stay with the volumes
# DISKS: ext=64M pv=64M ma=64M mb=64M btr=160M part=64M
# TIMEOUT: 240

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

has lvs mdadm mkfs.btrfs

# links_to_shadows DIRECTORY: print those below /dev/disk/DIRECTORY that lead to a shadow
links_to_shadows() {
	find "/dev/disk/$1" -type l 2>/dev/null | while read -r link; do
		[[ $(readlink -f "$link") != /dev/shadow* ]] || echo "$link"
	done
}

# stolen: print all links but our own that lead to a shadow
stolen() {
	find /dev -type l ! -path '/dev/disk/by-shadow*' ! -path '/dev/char/*' ! -path '/dev/block/*' |
		while read -r link; do
			[[ $(readlink -f "$link") != /dev/shadow* ]] || echo "$link"
		done
}

# property DEVICE NAME
property() {
	udevadm info --query=property "$1" | sed -n "s/^$2=//p"
}

getent group shadowcopy >/dev/null || groupadd --system shadowcopy
mkdir -p /run/udev/rules.d
cp "$TREE/userspace/udev/59-shadowcopy.rules" /run/udev/rules.d/
udevadm control --reload
cleanup 'rm /run/udev/rules.d/59-shadowcopy.rules; udevadm control --reload'

modprobe -a raid1 btrfs || skip "no md or no btrfs"
mkfs_on ext4 "$DISK_ext" -L shadowtest
mkfs_on btrfs "$DISK_btr"
mount_at "$DISK_btr" "$SCRATCH/btr"
pvcreate -q "$DISK_pv"
vgcreate -q shadowtest "$DISK_pv"
lvcreate -q -n one -L 16M shadowtest
cleanup 'vgchange -q -an shadowtest'
run mdadm --create /dev/md7 --run --level=1 --metadata=1.2 --raid-devices=2 "$DISK_ma" "$DISK_mb"
cleanup 'mdadm --stop /dev/md7'
partition "$DISK_part" 2048:32768
mkfs_on ext4 "${DISK_part}1"
settle

uuid=$(blkid -s UUID -o value "$DISK_ext")
links_before=$(find /dev/disk -type l -printf '%p %l\n' | sort)
lvs_before=$(lvs --noheadings -o vg_name,lv_name,devices 2>&1)
need_module
# Not all kernels freeze a btrfs, which is a warning then, the only one.
said=$SCRATCH/said
json=$(shadowadm create "$DISK_ext" "$DISK_pv" "$DISK_ma" "$DISK_mb" "$DISK_btr" "$DISK_part" \
	--store memory:32M --json 2>"$said") ||
	[ "$? $(grep -c . "$said") $(grep -c 'btrfs not frozen' "$said")" = "3 1 1" ]
taken "$json"
is "${#IMAGES[@]}" 6 "six shadows"

is "$(find /dev/disk -type l ! -path '/dev/disk/by-shadow*' -printf '%p %l\n' | sort)" \
	"$links_before" "no other link came, went or changed"
is "$(stolen)" "" "no link leads to a shadow but its own"
is "$(readlink -f "/dev/disk/by-uuid/$uuid")" "$DISK_ext" "by-uuid is the volume"
is "$(readlink -f /dev/disk/by-label/shadowtest)" "$DISK_ext" "by-label, too"

set=$(shadow "$IMAGE" set)
is "$(readlink -f "/dev/disk/by-shadow/$(shadow "$IMAGE" uuid)")" "$IMAGE" "a link by its UUID"
for i in "${!IMAGES[@]}"; do
	name=$(shadow "${IMAGES[i]}" volume)
	is "$(readlink -f "/dev/disk/by-shadow-set/$set/$name")" "${IMAGES[i]}" \
		"a link by set and volume $name"
done
wait_for 5 test -b "${IMAGES[5]}p1"
settle
is "$(readlink -f "/dev/disk/by-shadow/$(shadow "${IMAGES[5]}" uuid)-part1")" "${IMAGES[5]}p1" \
	"a link to its partition"
is "$(property "$IMAGE" UDISKS_IGNORE)$(property "${IMAGES[5]}p1" UDISKS_IGNORE)" 11 \
	"udisks is told to leave it alone"
is "$(property "$IMAGE" ID_FS_UUID)$(property "$IMAGE" SYSTEMD_READY)" "" \
	"it has no filesystem for other rules, and is ready for units"
is "$(udevadm info --query=property "$IMAGE" | grep ^SHADOWCOPY_ | sort)" \
	"$(shadowadm show "$IMAGE" --export | sort)" "udev knows what the command says of it"
is "$(stat -c '%a %U %G' "$IMAGE" | sed 's/ $//')" "640 root shadowcopy" "the group may read it"
is "$(links_to_shadows by-shadow | wc -l) $(links_to_shadows by-shadow-set | wc -l)" "7 7" \
	"nothing more"

is "$(lvs --noheadings -o vg_name,lv_name,devices 2>&1)" "$lvs_before" "lvs sees no duplicate"
is "$(pvs --noheadings -o pv_name 2>&1 | tr -d ' ')" "$DISK_pv" "pvs sees no duplicate"
pvscan --cache "${IMAGES[1]}" >"$SCRATCH/pvscan" 2>&1 || true
is "$(pvs --noheadings -o pv_name 2>&1 | tr -d ' ')" "$DISK_pv" "not after a scan either"

is "$(grep -c ^md /proc/mdstat)" 1 "no array came out of the shadows"
mdadm --incremental "${IMAGES[2]}" >"$SCRATCH/mdadm" 2>&1 || true
diag "$(cat "$SCRATCH/mdadm")"
mdadm --assemble --scan >"$SCRATCH/mdadm" 2>&1 || true
diag "$(cat "$SCRATCH/mdadm")"
is "$(sed -n 's/^md7 : \(.*\)/\1/p' /proc/mdstat | tr ' ' '\n' | grep -c shadow)" 0 \
	"a shadow is no part of an array"

is "$(btrfs filesystem show --mounted "$SCRATCH/btr" | grep -c "path $DISK_btr")" 1 \
	"btrfs has the volume"
umount_at "$SCRATCH/btr"
mount "$DISK_btr" "$SCRATCH/btr"
is "$(findmnt -no SOURCE "$SCRATCH/btr")" "$DISK_btr" "and mounts it"

drop "${IMAGES[0]}"
settle
check "its links go with it" [ ! -e "/dev/disk/by-shadow-set/$set/${DISK_ext#/dev/}" ]
drop "${IMAGES[@]:1}"
settle
is "$(find /dev/disk/by-shadow* 2>/dev/null)" "" "all are gone"
is "$(find /dev/disk -type l -printf '%p %l\n' | sort)" "$links_before" "and all is as it was"
unload
