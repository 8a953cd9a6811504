#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: passes, with the disks that it asked for
# DISKS: a=16M,iops=1000 b=8M,bus=scsi c=4M,bus=nvme
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

is "$(sectors "$DISK_a")" 32768 "a virtio disk of the right size"
is "$(sectors "$DISK_b")" 16384 "a SCSI disk of the right size"
is "$(sectors "$DISK_c")" 8192 "an NVMe disk of the right size"
fill "$DISK_a" 7
sum=$(checksum "$DISK_a")
fill "$DISK_b" 7
is "$(head -c 8M "$DISK_a" | sha256sum)" "$(sha256sum <"$DISK_b")" "data from one seed is the same"
disk_limit a bps=8M
start=$(date +%s%N)
is "$(checksum "$DISK_a")" "$sum" "the data is still there"
took=$((($(date +%s%N) - start) / 1000000))
check "the limit held: $took ms for 16 MiB at 8 MB/s" [ $took -gt 1500 ]
check "the host counts" jq -e '.rd_bytes > 16777215' <<<"$(disk_statistics a)"
mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
expect_fail "Is a directory" cat "$SCRATCH/mnt"
dm_delay slow "$DISK_b" 5
check "a delayed device" test -b /dev/mapper/slow
bg 60 sleep 50
