#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: throttle: writes wait for room, others pass; a deletion ends it, and so does the time
# DISKS: origin=24M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"

fill "$DISK_origin" 1
need_module
listen
track "$DISK_origin"
policy "$DISK_origin" throttle=60
for at in 0 3; do
	shot "$DISK_origin" $((8 << 20))
	devio "$DISK_origin" "write:${at}m:3m"
done
bg 100 devio "$DISK_origin" write:8m:5m
writer=$BG
wait_for 20 state_is "$DISK_origin" throttled
wait_for 10 event throttled store-full
sleep 3
check "the write waits" waits "$writer"
check "one that needs nothing preserved passes" timeout 10 devio "$DISK_origin" write:3m:1m
is "$(images)" "${SHOTS[*]}" "no shadow went"

since=$SECONDS
drop "${SHOTS[0]}"
check "the deletion lets it go on" bg_wait "$writer"
check "at once" [ $((SECONDS - since)) -lt 20 ]
is_right "${SHOTS[1]}"
is "$(volume "$DISK_origin" evicted)" 0 "nothing was evicted"
check "writes wait no more" state_is "$DISK_origin" preserving

# The time is up.
policy "$DISK_origin" throttle=3
shot "$DISK_origin" $((8 << 20))
since=$SECONDS
devio "$DISK_origin" write:16m:4m
check "after some seconds the write passes" [ $((SECONDS - since)) -ge 2 ]
is "$(volume "$DISK_origin" evicted)" 1 "because the oldest shadow went"
is "$(images)" "${SHOTS[2]}" "it alone"
is_right "${SHOTS[2]}"

# Another policy, while a write waits.
policy "$DISK_origin" throttle=100
bg 100 devio "$DISK_origin" write:20m:4m write:8m:4m
wait_for 20 state_is "$DISK_origin" throttled
keep_open "${SHOTS[2]}"
policy "$DISK_origin" evict
check "another policy applies to what waits" bg_wait "$BG"
check "and here costs the shadow, which is open" images_are "${SHOTS[2]}:lost"
let_go
is "$(volume "$DISK_origin" bios_refused)" 0 "no write has failed"
