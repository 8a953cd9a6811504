#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is written between tracking and attaching counts; a failed attaching costs nothing that is known
# DISKS: origin=48M store=96M other=48M
# TIMEOUT: 300

. "$(dirname "$0")/saved.sh"

need_module
fill "$ORIGIN" 1
persistent
operate write:1m:64k
persistent
operate write:3m:8k
detach_store
unload

need_module
track "$ORIGIN"
operate write:20m:64k write:40m:4k
attach_store
exact 0 1
persistent
exact 1 2
known 0 2

# It goes on being tracked while it is detached.
operate write:5m:4k
detach_store
operate write:6m:4k
attach_store
operate write:7m:4k
persistent
exact 2 3
known 0 3

# A base that was begun meanwhile is there beside those that were saved.
detach_store
operate write:8m:4k
instant "$ORIGIN"
operate write:9m:4k
delta keep "${UUID_OF[4]}"
drop "${IMAGE_OF[4]}"
bases=$(delta bases | cut -d ' ' -f 1-2)
expect_fail 'EMEDIUMTYPE' parts attach "$ORIGIN" "$DISK_other"
is "$(delta bases | cut -d ' ' -f 1-2)" "$bases" "a store that is none costs nothing"
attach_store
operate write:10m:4k
persistent
known 4 5
known 3 4
known 3 5
known 0 5
is "$(shadow_count)" 5 "all shadows are there"

# Saved with the others, too; and what was free at one whose shadow does not survive.
instant "$ORIGIN" --store "$DISK_store"
tell_free "$(shadow "$IMAGE" index)" $((30 << 20)) $((2 << 20)) >/dev/null
delta keep "${UUID_OF[6]}"
operate write:31m:8k
persistent
was_free=$(delta runs W "${UUID_OF[7]}" "${UUID_OF[6]}")
is "$was_free" "31457280 2097152 W" "what was free at a base is known"
detach_store
attach_store
is "${IMAGE_OF[6]:-none}" none "its shadow does not survive"
is "$(delta runs W "${UUID_OF[7]}" "${UUID_OF[6]}")" "$was_free" "what was free at it does"
known 6 7
known 4 5
known 0 5
delta drop "${UUID_OF[4]}"
delta drop "${UUID_OF[6]}"
drop_all
