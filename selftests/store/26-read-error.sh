#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what cannot be read stays where it is, and so do its shadows
# DISKS: origin=16M oracle=16M store=33M
# TIMEOUT: 200

. "$(dirname "$0")/change.sh"

fill "$DISK_origin" 1
dm_create bad "0 $(sectors "$DISK_store") linear $DISK_store 0"
need_module
shadow_with_oracle "$DISK_origin" /dev/mapper/bad "$DISK_origin"
overwrite "$DISK_origin" 0 16
add_part memory:24
wait_for 10 eval '[ "$(volume "$DISK_origin" memory)" = 0 ]'
dm_reload bad "0 20480 linear $DISK_store 0
20480 8 error
20488 $(($(sectors "$DISK_store") - 20488)) linear $DISK_store 20488"
expect_fail 'EIO reason=21 moved=[1-9]' parts resize "$DISK_origin" 0 0
is "$(part "$DISK_origin" state 0)" ready "the part is in use"
is "$(volume "$DISK_origin" lost)" 0 "no shadow is lost"
dm_reload bad "0 $(sectors "$DISK_store") linear $DISK_store 0"
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
resize 0 0
is "$(numbers)" 1 "once it can be read it goes"
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
drop_all
unload
