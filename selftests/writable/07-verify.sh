#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: two images and their origin are written at once, and each has its own
# DISKS: origin=64M oracle=64M store=256M
# TIMEOUT: 240

. "$(dirname "$0")/writable.sh"

# verify DEVICE SEED: write all of it in random order, from 512 bytes to 64k, and read it back
verify() {
	bg 150 fio --name=verify --filename="$1" --rw=randwrite --bsrange=512-64k \
		--blockalign=512 --ioengine=libaio --iodepth=8 --direct=1 --verify=crc32c \
		--do_verify=1 --verify_fatal=1 --randseed="$2" --size=24m --offset=8m \
		--output="$RESULTS/fio.$2"
}

has fio
fill "$DISK_origin" 1
dd if="$DISK_origin" of="$DISK_oracle" bs=1M oflag=direct status=none
need_module
take "$DISK_origin" --store "$DISK_store"
older=$IMAGE
take_writable "$DISK_origin"
a=$IMAGE
take_writable "$DISK_origin"
b=$IMAGE
take "$DISK_origin"
newer=$IMAGE
jobs=()
verify "$DISK_origin" 11
jobs+=("$BG")
verify "$a" 12
jobs+=("$BG")
verify "$b" 13
jobs+=("$BG")
sleep 3
for image in "$older" "$newer"; do
	check "$image is the oracle meanwhile" ora_compare "$image" "$DISK_oracle"
done
for job in "${jobs[@]}"; do
	check "what was written was read back" bg_wait "$job"
done
for image in "$older" "$newer"; do
	check "$image is the oracle" ora_compare "$image" "$DISK_oracle"
done
for image in "$a" "$b"; do
	check "$image is the oracle where it was not written" cmp -n $((8 << 20)) "$image" \
		"$DISK_oracle"
	check "and behind that" cmp -i $((40 << 20)) -n $((24 << 20)) "$image" "$DISK_oracle"
done
check "nothing was lost" [ "$(shadowadm list --json | jq -r '[.shadows[].state] | unique[]')" = created ]
limit=$(volume "$DISK_origin" memory_limit)
check "memory has kept to its bound" [ "$(volume "$DISK_origin" memory_peak)" -le "$limit" ]
sums="$(checksum "$a") $(checksum "$b")"
sealed "$a" "$b"
is "$(checksum "$a") $(checksum "$b")" "$sums" "sealed, they have what was written"
drop_all
unload
