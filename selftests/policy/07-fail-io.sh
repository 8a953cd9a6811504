#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fail-io: writes fail, shadows stay, reads go on; the fault is told and cleared (E-08 to E-11)
# CORE
# DISKS: origin=24M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"

fio_has_ended() {
	! kill -0 "$FIO"
}

fill "$DISK_origin" 1
need_module
listen
track "$DISK_origin"
policy "$DISK_origin" fail-io
shot "$DISK_origin" $((8 << 20))
devio "$DISK_origin" write:0:3m
shot "$DISK_origin" $((8 << 20))
devio "$DISK_origin" write:4m:3m
fio_under "$DISK_origin" --offset=4m --size=2m --rate_iops=100
expect_fail "Input/output error" devio "$DISK_origin" write:8m:4m
is "$(volume "$DISK_origin" '| "\(.state) \(.fault)"')" "faulted store-full" "the volume is faulted"
wait_for 10 event faulted store-full
is "$(of faulted .fault)" store-full "an event told why"
expect_fail "Input/output error" devio "$DISK_origin" write:4m:4k
expect_fail "Input/output error" devio "$DISK_origin" discard:4m:4k
wait_for 20 fio_has_ended
check "fio saw the error" grep -q 'err= 5' "$SCRATCH/fio"
is_right "${SHOTS[@]}"
is "$(images)" "${SHOTS[*]}" "all shadows are there"
check "the volume can be read" dd if="$DISK_origin" of=/dev/null bs=1M iflag=direct status=none
check "refused writes are counted" [ "$(volume "$DISK_origin" bios_refused)" -ge 3 ]
before=$(checksum "$DISK_origin")
expect_fail "writes to the volume fail, to protect its shadows" shadowadm create "$DISK_origin"
is "$(checksum "$DISK_origin")" "$before" "what is on it stays as it is"

# With the store full still, the next one is a fault again.
shadowadm volume clear-fault "$DISK_origin"
wait_for 10 event cleared
check "writes pass that need nothing" devio "$DISK_origin" write:4m:4k
expect_fail "Input/output error" devio "$DISK_origin" write:12m:4m
is "$(volume "$DISK_origin" fault)" store-full "a second fault"

drop "${SHOTS[0]}"
shadowadm volume clear-fault "$DISK_origin"
check "with room they all pass" devio "$DISK_origin" write:12m:2m
is "$(volume "$DISK_origin" '| "\(.state) \(.fault)"')" "preserving null" "without a fault"
is_right "${SHOTS[1]}"
is "$(volume "$DISK_origin" '| "\(.evicted) \(.lost)"')" "0 0" "no shadow was evicted or lost"
