#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: with nothing configured the store is a file on the volume itself, and grows (E-05, J-11, J-14)
# TIMEOUT: 300
# DISKS: vol=512M

. "$(dirname "$0")/assoc.sh"

# room: what is free on the volume
room() {
	sync -f "$SCRATCH/vol"
	df --output=avail -B 1M "$SCRATCH/vol" | tail -n 1 | tr -d ' '
}

need_module
on ext4 vol
for i in 1 2 3; do
	dd if=/dev/urandom of="$SCRATCH/vol/file$i" bs=1M count=50 status=none
done
sync -f "$SCRATCH/vol"
sums=$(cd "$SCRATCH/vol" && sha256sum file*)
free=$(room)
listen

OUT=$(shadowadm create "$SCRATCH/vol" --dry-run --json)
is "$(parse '.plan[] | select(.shadow) | "\(.store) \(.rule)"')" "$SCRATCH/vol/ own-volume" \
	"its own filesystem would be chosen"
is "$(room)" "$free" "nothing was made for that"
OUT=$(shadowadm create "$SCRATCH/vol" --json)
cleanup drop_all
IMAGE=$(parse '.shadows[0].device')
is "$(parse '.shadows[0].store | "\(.rule) \(.parts[0].kind) \(.parts[0].store)"')" \
	"own-volume file $SCRATCH/vol/" "and is"
settle
is "$(store '"\(.store) \(.state) \(.on_volume) \(.in_use) \(.associated) \(.allocated)"')" \
	"$SCRATCH/vol/ ready true true false $((64 << 20))" "the list shows it, with its initial size"
check "it may become larger" [ "$(store .max)" -gt $((100 << 20)) ]
check "the rest is not taken from the volume" [ $((free - $(room))) -lt 80 ]
is "$(find "$SCRATCH/vol" -type f -printf '%f\n' | sort | paste -sd' ')" "file1 file2 file3" \
	"it is in no directory"
check "nothing is configured" [ ! -e "$CONF" ]

# More than it begins with, so it has to grow.
for i in 1 2; do
	dd if=/dev/urandom of="$SCRATCH/vol/file$i" bs=1M count=50 conv=notrunc,fsync status=none
done
diag "$(shadowadm store list)"
check "it has grown" [ "$(store .allocated)" -gt $((90 << 20)) ]
wait_for 20 event store-grown
ok "an event told it"
is "$(jq -s '[.[] | select(.event == "store-grown") | .allocated] | . == sort and .[-1] > 94371840' "$EVENTS")" \
	true "with what the store has"
no_event lost
mount_at "$IMAGE" "$SCRATCH/image" -o ro,noload
is "$(cd "$SCRATCH/image" && sha256sum file*)" "$sums" "the shadow is as the volume was"
umount_at "$SCRATCH/image"
expect_fail 'busy' umount "$SCRATCH/vol"

# Its size can be changed by any directory of its filesystem.
adm 0 store resize "$SCRATCH/vol" "$SCRATCH/vol" 200M
is "$(store .max)" $((200 << 20)) "its maximum was changed"
check "which writes no line" [ ! -e "$CONF" ]
mistake 1 'it is the only part of the store, and the volume has shadows.*Move it elsewhere with "shadowadm store migrate"' \
	store remove "$SCRATCH/vol" "$SCRATCH/vol"

drop "$IMAGE"
is "$(store .store)" "" "it is gone with the shadow"
check "and its room is free" [ $((free - $(room))) -lt 4 ]
umount_at "$SCRATCH/vol"
check "the filesystem is sound" e2fsck -fn "$DISK_vol"
