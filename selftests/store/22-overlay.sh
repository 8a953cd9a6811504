#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is written to an image is moved while it is written again and read
# CORE
# DISKS: origin=16M store=41M other=41M
# TIMEOUT: 300

. "$(dirname "$0")/change.sh"

fill "$DISK_origin" 1
modprobe dm-delay
dm_delay slow "$DISK_store" 4 0
need_module
take "$DISK_origin" --writable --store /dev/mapper/slow
bg 140 ora_overlay "$IMAGE" 8 70 1 >"$SCRATCH/result" 2>&1
oracle=$BG
wait_for 20 eval '[ "$(shadow "$IMAGE" overlay)" -gt 3000000 ]'
total=0
for round in 1 2 3; do
	add_part "$DISK_other"
	resize 0 0
	total=$((total + MOVED))
	is "$(numbers)" "1" "the slow part is gone ($round)"
	check "it is written to still" kill -0 "$oracle"
	add_part /dev/mapper/slow
	resize 1 0
	total=$((total + MOVED))
done
check "much was moved: $total" [ "$total" -gt $((8 << 20)) ]
status=0
bg_wait "$oracle" || status=$?
diag "$(cat "$SCRATCH/result")"
is $status 0 "no read had anything else"
like "$(cat "$SCRATCH/result")" "wrong=0" "none at all"
check "the origin is as it was" same seed:1 "$DISK_origin"
drop "$IMAGE"
unload
