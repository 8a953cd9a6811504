#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fail-io where the store fails: shadows are read from memory, and stored when it is well again (E-10)
# DISKS: origin=24M store=64M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"
. "$(dirname "$0")/../writable/writable.sh"

faulted() {
	[ "$(volume "$DISK_origin" fault)" = "$1" ]
}

has_ended() {
	! waits "$1"
}

fill "$DISK_origin" 1
dm_linear store "$DISK_store"
need_module
listen
track "$DISK_origin"
policy "$DISK_origin" fail-io
shot "$DISK_origin" /dev/mapper/store
devio "$DISK_origin" write:0:2m
dm_reload store "0 $(sectors "$DISK_store") error"
devio "$DISK_origin" write:4m:512k || true
wait_for 20 faulted cow-write
wait_for 10 event faulted store-error
expect_fail "Input/output error" devio "$DISK_origin" write:12m:4k
dm_reload store "0 $(sectors "$DISK_store") linear $DISK_store 0"
is_right "${SHOTS[@]}"

# Not before the fault is cleared is anything sent; the first time it fails again.
dm_reload store "0 $(sectors "$DISK_store") error"
shadowadm volume clear-fault "$DISK_origin"
wait_for 20 faulted cow-write
dm_reload store "0 $(sectors "$DISK_store") linear $DISK_store 0"
shadowadm volume clear-fault "$DISK_origin"
check "writes pass" devio "$DISK_origin" write:8m:4m
sleep 2
is "$(volume "$DISK_origin" '| "\(.fault) \(.memory) \(.lost)"')" "null 0 0" "all is stored"
is_right "${SHOTS[@]}"

# No memory of it is left: what is read now is the store's.
shot "$DISK_origin" /dev/mapper/store
devio "$DISK_origin" write:0:1m
is_right "${SHOTS[@]}"

# Meanwhile writes to an image use its part of the memory, and end then.
take_writable "$DISK_origin" --store /dev/mapper/store
dm_reload store "0 $(sectors "$DISK_store") error"
devio "$DISK_origin" write:2m:512k || true
wait_for 20 faulted cow-write
bg 60 devio "$IMAGE" write:0:23m
writer=$BG
wait_for 20 has_ended "$writer"
if bg_wait "$writer"; then
	not_ok "a write to an image failed that would have waited"
else
	ok "a write to an image failed that would have waited"
fi
drop "$IMAGE"
dm_reload store "0 $(sectors "$DISK_store") linear $DISK_store 0"
shadowadm volume clear-fault "$DISK_origin"
is_right "${SHOTS[@]}"
