#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a write that is under way when tracking begins does not change an image
# CORE
# DISKS: origin=16M oracle=16M

. "$(dirname "$0")/common.sh"

need_module
modprobe dm-delay
fill "$DISK_origin" 1
dm_delay slow "$DISK_origin" 0 4000
# Not the slow device itself: dm-delay does not count the writes that it holds
# back (Documentation/overview.rst), what lies on it does.
dm_linear top /dev/mapper/slow
# Nobody has seen this write: adding the volume waits for it, or is refused.
bg 30 dd if=/dev/zero of=/dev/mapper/top bs=64k count=1 seek=9 conv=notrunc \
	oflag=direct status=none
writer=$BG
top=$(basename "$(readlink -f /dev/mapper/top)")
under_way() {
	read -r _ writes <"/sys/block/$top/inflight"
	[ "$writes" -gt 0 ]
}
wait_for 10 under_way
answer=$(holder --auto-release /dev/mapper/top -- add 2>&1) || true
if [ -n "$answer" ]; then
	like "$answer" "error=ETIMEDOUT phase=ATTACH reason=DRAIN" "it is refused for that reason"
	bg_wait "$writer"
	exit
fi
shadow_with_oracle /dev/mapper/top memory:8388608 "$DISK_origin"
bg_wait "$writer"
check "the image is the oracle after the write" ora_compare "$oracle_image" "$DISK_oracle"
