#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: load, create, delete, unload, a hundred times under load
# DISKS: a=32M,iops=1000 b=32M store=64M
# TIMEOUT: 600

. "$(dirname "$0")/life.sh"

# Quicker than with udev's look at each image
udevadm control --stop-exec-queue
cleanup 'udevadm control --start-exec-queue'
writers=(--writers 2 --slots 16)
write_under "${writers[@]}" "$DISK_a"
for ((i = 1; i <= 100; i++)); do
	insmod "$BUILT/kmod/shadow.ko"
	holder "$DISK_a" --store "$DISK_store" "$DISK_b" -- add take
	ledger check "${writers[@]}" /dev/shadow0 >/dev/null ||
		fail "$i: the image is not of one instant"
	shadowadm delete -q --all
	rmmod shadow
done
ok "a hundred times, and each image was of one instant"
none_lost "${writers[@]}" "$DISK_a"
