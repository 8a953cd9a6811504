#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: nbdcopy and qemu-img copy a shadow from nbdkit's plugin, and leave out what was free
# DISKS: origin=48M
# TIMEOUT: 240

. "$(dirname "$0")/nbd.sh"

mkfs_on ext4 "$ORIGIN"
mount_at "$ORIGIN" "$SCRATCH/mnt"
fill "$SCRATCH/mnt/first" 1 8
fill "$SCRATCH/mnt/gone" 2 8
fill "$SCRATCH/mnt/second" 3 4
sync
rm "$SCRATCH/mnt/gone"
need_module
take_used "$ORIGIN"
uuid=$(shadow "$IMAGE" uuid)
fill "$SCRATCH/mnt/first" 4 8
fill "$SCRATCH/mnt/later" 5 8
sync

serve "$IMAGE"
extents >"$SCRATCH/extents"
is "$(cat "$SCRATCH/extents")" "$(expected "$uuid")" "nbdinfo --map: what the module tells"
is "$(bytes_of_type 3 <"$SCRATCH/extents")" "$(shadow "$IMAGE" free)" \
	"as much is a hole as was free"
check "which is most of it" [ "$(bytes_of_type 3 <"$SCRATCH/extents")" -gt $((20 << 20)) ]
is "$(bytes_of_type 1 <"$SCRATCH/extents")" 0 "nothing is as it was: there is no base"

nbdcopy "$URI" "$SCRATCH/copy"
check "nbdcopy: the file is the image" is_image "$SCRATCH/copy" "$IMAGE"
check "and has holes" [ "$(($(stat -c %b "$SCRATCH/copy") * 512))" -lt $((28 << 20)) ]
nbdcopy --no-extents --connections=4 "$URI" "$SCRATCH/whole"
check "whoever reads all of it has the same" is_image "$SCRATCH/whole" "$IMAGE"
qemu-img convert -f raw -O raw "$URI" "$SCRATCH/raw"
check "qemu-img: the file is the image" is_image "$SCRATCH/raw" "$IMAGE"
qemu-img convert -f raw -O qcow2 -c "$URI" "$SCRATCH/qcow2"
qemu-img convert -O raw "$SCRATCH/qcow2" "$SCRATCH/raw"
check "also by way of qcow2" is_image "$SCRATCH/raw" "$IMAGE"

# What is at no boundary, and past the end.
/usr/bin/python3 - "$URI" "$IMAGE" >"$SCRATCH/said" 2>&1 <<'END' || true
import nbd, os, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
image = os.open(sys.argv[2], os.O_RDONLY)
size = h.get_size()
for at, count in ((0, 1), (511, 2), (4095, 8194), (1048577, 3145727), (size - 1, 1), (size - 4097, 4097)):
    same = h.pread(count, at) == os.pread(image, count, at)
    print(at if at < size - 5000 else at - size, count, "same" if same else "different")
print(h.can_multi_conn(), h.is_read_only(), h.get_block_size(nbd.SIZE_MINIMUM))
END
is "$(cat "$SCRATCH/said")" "0 1 same
511 2 same
4095 8194 same
1048577 3145727 same
-1 1 same
-4097 4097 same
True True 1" "reads at any place, of any length; several connections; read-only"
stop_serving
