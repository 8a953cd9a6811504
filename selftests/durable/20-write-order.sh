#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: no write is begun before all that it rests upon is on stable storage (H-20, J-23)
# DISKS: big=64M
# TIMEOUT: 300

. "${BASH_SOURCE[0]%/*}/durable.sh"

mnt=$SCRATCH/mnt
origin_mib=40
store_mib=24
need_module
modprobe dm-mod
insmod "$BUILT/selftests/modules/recorder.ko"
cleanup 'rmmod recorder'

# shadow_begins: a persistent shadow; the record has the moment of its instant
shadow_begins() {
	local answer

	answer=$(holder --timeout 60000 --persistent "$DISK_origin" --store "$DISK_store" --freeze \
		-- add hold "exec:dmsetup message seen 0 mark instant" take release keep print)
	like "$answer" "image0=/dev/shadow" "a shadow is made"
	settle
}

# write_random KIND KIB FIO-OPTION...: to the file
write_random() {
	local kind=$1 kib=$2

	shift 2
	fio --name=w --filename="$mnt/file" --size=6m --rw="$kind" --io_size="${kib}k" \
		--randrepeat=0 --output=/dev/null "$@"
}

# keep_store NUMBER: its headers and its first blocks, for the fuzzer ("make fuzz-store")
keep_store() {
	{
		dd if="$DISK_store" bs=4k count=1 iflag=direct
		dd if="$DISK_store" bs=4k skip=16 count=1 iflag=direct
		dd if="$DISK_store" bs=4k skip=256 count=20 iflag=direct
	} >"$RESULTS/store-$1" 2>/dev/null
}

dm_create seen "0 $(sectors "$DISK_big") recorder $DISK_big 128"
dm_create origin "0 $((origin_mib * 2048)) linear /dev/mapper/seen 0"
dm_create store "0 $((store_mib * 2048)) linear /dev/mapper/seen $((origin_mib * 2048))"
DISK_origin=/dev/mapper/origin
DISK_store=/dev/mapper/store
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$mnt" -o discard
fill "$mnt/file" 1 6
sync

shadow_begins
for round in 1 2 3 4 5 6; do
	write_random randwrite 1024 --bsrange=4k-32k --fsync=8
	write_random randwrite 200 --bs=4k --direct=1 --sync=1
	write_random randwrite 1024 --bs=4k --direct=1 --ioengine=libaio --iodepth=8
	cp "$mnt/file" "$mnt/copy" && sync && rm "$mnt/copy"
	keep_store "$round"
	if [ $((round % 2)) -eq 0 ]; then
		# Free space told of, a deletion, the beginning of the volume, a store that went.
		shadowadm create -q --persistent "$DISK_origin" >/dev/null
		drop "$(images | head -n 1)"
		umount_at "$mnt"
		[ "$round" -ne 4 ] || {
			parts detach "$DISK_origin"
			attach 1
		}
		mount "$DISK_origin" "$mnt"
		shadow_begins
		drop "$(images | head -n 1)"
	fi
done
sync
diag "$(parts log "$DISK_origin")"
umount_at "$mnt"
drop_all

write_order /dev/recorder 0 $((origin_mib << 20)) $((origin_mib << 20)) $((store_mib << 20)) \
	>"$RESULTS/order" || not_ok "a write came too early"
diag "$(tail -n 30 "$RESULTS/order")"
for rule in DATA SAME GROUP WRITE HEAD REUSE DUMP CACHE; do
	check "$rule was put to the test" grep -qE " $rule=[1-9]" "$RESULTS/order"
done
check "no write came before what it rests upon" grep -q ' broken=0$' "$RESULTS/order"
dm_remove origin
dm_remove store
dm_remove seen
cleanup_now
unload
