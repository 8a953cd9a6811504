#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume that faults while a part is cleared out ends that; more store helps it on
# DISKS: origin=24M oracle=24M store=17M
# TIMEOUT: 200

. "$(dirname "$0")/change.sh"

begin_slow
shadowadm volume policy "$DISK_origin" fail-io
overwrite "$DISK_origin" 0 12
add_part memory:4
# More than there is: writes fail from now on, and the shadow lives.
overwrite "$DISK_origin" 12 12 2>/dev/null || diag "a write has failed"
check "the volume is faulted" [ "$(volume "$DISK_origin" fault)" != null ]
resize "$PART" 40
expect_fail 'EIO reason=33' parts resize "$DISK_origin" 0 0
is "$(part "$DISK_origin" state 0)" ready "the part is in use"
shadowadm volume clear-fault "$DISK_origin"
resize 0 0
check "writes pass again" overwrite "$DISK_origin" 12 12
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
is "$(volume "$DISK_origin" lost)" 0 "no shadow was lost"
drop_all
unload
