#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store that is too full for what is known of changes costs that, and says why; damage, too
# DISKS: origin=64M store=9M
# TIMEOUT: 300
# EXPECT_LOG: I/O error|could not be saved|cannot be written

. "$(dirname "$0")/saved.sh"

need_module
fill "$ORIGIN" 1 32
persistent
shadowadm volume policy "$ORIGIN" fail-io
dd if=/dev/zero of="$ORIGIN" bs=64k seek=64 count=300 oflag=direct status=none && not_ok "writes fail"
detach_store
saved_is no-room
attach_store
is "$(tracking | cut -d ' ' -f 1,2)" "5 0" "nothing is known, since there was no room for it"
is "$(shadow_count)" 1 "the shadow is there"
is "$(delta bases)" "" "but no changes since"
drop_all

settle
persistent
operate write:1m:4k
persistent
known 1 2

# What is saved is damaged meanwhile.
detach_store
saved_is saved
at=$(disklog "$DISK_store" | sed -n 's/^saved state=1 .* at=\([0-9]*\) .*/\1/p')
check "it is known where it was saved: $at" [ "${at:-0}" -gt 1048576 ]
printf x | dd of="$DISK_store" bs=1 seek=$((at + 100)) conv=notrunc,fsync status=none
saved_is damaged
attach_store
is "$(tracking | cut -d ' ' -f 1,2)" "6 0" "what is damaged is not known"
is "$(shadow_count)" 2 "both shadows are there"
drop_all
unload
