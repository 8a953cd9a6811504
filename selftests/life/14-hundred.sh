#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: load, create, delete, unload, a hundred times under load
# DISKS: a=32M,iops=400 b=32M store=64M
# TIMEOUT: 600

. "$(dirname "$0")/life.sh"

# Quicker than with udev's look at each image
udevadm control --stop-exec-queue
cleanup 'udevadm control --start-exec-queue'
write_under "$DISK_a"
for ((i = 1; i <= 100; i++)); do
	insmod "$TREE/kmod/shadow.ko"
	image=/dev/shadow0
	holder "$DISK_a" --store "$DISK_store" "$DISK_b" -- add take
	ledger check "$image" >"$SCRATCH/check" || fail "$i: the image is not of one instant"
	ledger check "$image" | cmp -s - "$SCRATCH/check" || fail "$i: the image has changed"
	shadowadm delete -q --all
	rmmod shadow
done
ok "a hundred times, and each image was of one instant"
none_lost "$DISK_a"
