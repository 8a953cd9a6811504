#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a read of the image that is overtaken by a write never has new data
# ALONE
# CORE
# DISKS: origin=64M oracle=64M

. "$(dirname "$0")/common.sh"

need_module
modprobe dm-delay
fill "$DISK_origin" 1
# Reads of the origin are slow and writes are not: a write that had begun to
# preserve a block before the image was read gets to the disk before that read.
dm_delay slow "$DISK_origin" 15 0
shadow_with_oracle /dev/mapper/slow memory:268435456 "$DISK_origin"

result=$(run ora_torn "$oracle_image" "$DISK_oracle" /dev/mapper/slow 15 1) || true
diag "$result"
like "$result" "torn=0" "no read had new data"
retries=$(shadowadm stats /dev/mapper/slow --json | jq '.volumes[0].image_retries')
check "reads were overtaken: $retries" [ "$retries" -gt 50 ]
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
check "the origin is not" differ "$DISK_origin" "$DISK_oracle"
