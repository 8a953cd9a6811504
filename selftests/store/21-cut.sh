#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: parts get larger and smaller; a read that has found a block finds it, however slow it is
# DISKS: origin=16M oracle=16M store=41M
# TIMEOUT: 200

. "$(dirname "$0")/change.sh"

begin_slow
overwrite "$DISK_origin" 0 12
is "$(part "$DISK_origin" max)" $((40 << 20)) "the part is the device"
resize 0 24
is "$MOVED $(part "$DISK_origin" allocated) $(part "$DISK_origin" max)" \
	"0 $((24 << 20)) $((24 << 20))" "what is not in use is cut off at once"
resize 0 40
is "$(part "$DISK_origin" allocated)" $((40 << 20)) "and comes back"
expect_fail 'EINVAL reason=18' parts resize "$DISK_origin" 0 41
expect_fail 'EINVAL reason=18' parts resize "$DISK_origin" 0 3
expect_fail 'ENOENT reason=38' parts resize "$DISK_origin" 1 8
expect_fail 'EBUSY reason=39' parts resize "$DISK_origin" 0 0
add_part memory:8
resize 1 16
is "$(part "$DISK_origin" allocated 1)" $((16 << 20)) "memory becomes more"
resize 1 4
is "$(part "$DISK_origin" allocated 1)" $((4 << 20)) "and less"

# The last half MiB is read all the time, and each read of the device takes a while.
wait_for 10 eval '[ "$(part "$DISK_origin" used)" = $((12 << 20)) ]'
dm_reload slow "0 $(sectors "$DISK_store") delay $DISK_store 0 3000 $DISK_store 0 0"
dd if="$DISK_oracle" of="$SCRATCH/piece" bs=512k skip=23 count=1 status=none
for i in 1 2 3 4 5 6; do
	# shellcheck disable=SC2016
	bg 60 bash -c 'sleep 0.$3; while :; do
		dd if="$1" bs=512k skip=23 count=1 iflag=direct status=none |
			cmp - "$2" || exit 1
		done' reader "$oracle_image" "$SCRATCH/piece" "$i"
	READERS[i]=$BG
done
sleep 4
resize 0 11
check "about a MiB was moved" [ "$MOVED" -ge $((1 << 20)) ]
resize 0 40
# Memory takes three of them, and then its place is the first that is free; in one go, before
# the reads are over that had begun when it was moved.
devio "$DISK_origin" write:12m:4m
for i in 1 2 3 4 5 6; do
	check "reader $i" kill -0 "${READERS[i]}"
done
check "it is in use again" [ "$(part "$DISK_origin" used 0)" -gt $((11 << 20)) ]
sleep 4
for i in 1 2 3 4 5 6; do
	check "reader $i goes on" kill -0 "${READERS[i]}"
	bg_stop "${READERS[i]}"
done
dm_reload slow "0 $(sectors "$DISK_store") linear $DISK_store 0"
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
drop_all
unload
