#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: mistakes where there is a shadow already are answered with what, where, why and what to do
# DISKS: a=32M b=16M

. "$(dirname "$0")/cli.sh"

mkdir "$SCRATCH/to"
need_module
take "$DISK_b" --store memory:4M
mistake 1 'it is itself a shadow.*Name the volume that it was made of, or for a store another device' create "$IMAGE"
mistake 1 'has shadows and with them a store already: change that with .*store resize.*or give no size' \
	create "$DISK_b" --store memory:8M
mistake 1 'has another store already, and a volume has one only.*Leave --store out' \
	create "$DISK_b" --store "$DISK_a"
mistake 1 'find the shadow deadbeef: no shadow and no set has this name\. "shadowadm list" shows' \
	show deadbeef
mistake 1 'neither a UUID nor /dev/shadowN nor a number.*at least four digits' delete xyz
mistake 1 "cannot mount $IMAGE: no filesystem was recognised on it\\. The device can be read as a whole" \
	mount "$IMAGE" "$SCRATCH/to"
mistake 1 "cannot mount on $SCRATCH/nowhere: No such file or directory\\. Make the directory first" \
	mount "$IMAGE" "$SCRATCH/nowhere"
mistake 1 'nothing to unmount: no shadow is mounted' umount "$SCRATCH/to/"
mistake 1 'cannot stop tracking .*: it is not tracked\. "shadowadm volume list" shows' volume untrack "$DISK_a"
is "$(shadow_count)" 1 "there is one shadow still"
