#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a cut that leaves no room is refused, one that is begun gives way to writes; no shadow goes
# DISKS: origin=32M oracle=32M store=41M
# TIMEOUT: 200

. "$(dirname "$0")/change.sh"

begin_slow
overwrite "$DISK_origin" 0 16
expect_fail 'ENOSPC reason=20 moved=0' parts resize "$DISK_origin" 0 16
is "$(part "$DISK_origin" allocated) $(part "$DISK_origin" state)" "$((40 << 20)) ready" \
	"nothing has changed"
# Room for what is there, with a little more.
add_part memory:20
dm_reload slow "0 $(sectors "$DISK_store") delay $DISK_store 0 400 $DISK_store 0 0"
resize_begin 0 0
expect_fail 'EBUSY reason=31' parts resize "$DISK_origin" 1 24
overwrite "$DISK_origin" 16 8
resize_ends 'ENOSPC reason=20 moved=[0-9]'
is "$(part "$DISK_origin" max) $(part "$DISK_origin" state)" "$((40 << 20)) ready" \
	"the part is what it was"
overwrite "$DISK_origin" 24 8
dm_reload slow "0 $(sectors "$DISK_store") linear $DISK_store 0"
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
is "$(volume "$DISK_origin" lost) $(volume "$DISK_origin" evicted)" "0 0" "no shadow went"
drop_all
unload
