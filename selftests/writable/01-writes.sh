#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is written to an image is there, and nowhere else, whatever its alignment
# CORE
# DISKS: origin=16M twin=16M

. "$(dirname "$0")/writable.sh"

fill "$DISK_origin" 1
fill "$DISK_twin" 1
need_module
take "$DISK_origin"
older=$IMAGE
take_writable "$DISK_origin"
image=$IMAGE
is "$(shadow "$image" '| "\(.writable) \(.sealed) \(.overlay)"')" "true false 0" \
	"it is writable, and nothing was written"
is "$(shadow "$older" writable)" false "the other one is not"
is "$(blockdev --getro "$image") $(blockdev --getro "$older")" "0 1" "as the kernel says"
take "$DISK_origin"
newer=$IMAGE

# Whole blocks, parts of one at each place, across two, over what is there already;
# in order, again and again, past the page cache and through it.
operations=(write:0:4k write:8k:64k write:1m:2m write:3m:1s write:3073k:1s write:31s:1s
	write:63s:2s write:100s:25s write:1001s:2047s write:1005s:1s write:1m:1s write:5m:4k
	write:5m:4k write:5243s:3s write:10000s:1s write:10001s:1s write:10002s:1s
	write:10007s:1s dsync:200s:3s dsync:6m:4k buffered:6m:100000 buffered:7000001:3
	buffered:7000010:5000 fsync write:-4k:4k write:-1s:1s write:8m:4m write:9m:512k
	write:18433s:1s)
want=$(devio "$DISK_twin" "${operations[@]}")
got=$(devio "$image" "${operations[@]}")
is "$got" "$want" "the operations end as they do on a disk"

check "the image has what was written" same "$image" "$DISK_twin"
check "also through the page cache" same_buffered "$image" "$DISK_twin"
for other in "$older" "$newer" "$DISK_origin"; do
	check "$other is as it was" same seed:1 "$other"
done
overlay=$(shadow "$image" overlay)
check "$overlay bytes were charged to it" [ "$overlay" -gt $((6 << 20)) ]
is "$(shadow "$older" overlay) $(shadow "$newer" overlay)" "0 0" "and to no other"
is "$(volume "$DISK_origin" blocks_preserved)" 0 "nothing had to be preserved for it"

# The origin goes its own way.
devio "$DISK_origin" write:0:1m write:3072k:9m write:77s:3s >/dev/null
check "the image does not change with the origin" same "$image" "$DISK_twin"
for other in "$older" "$newer"; do
	check "$other is as it was" same seed:1 "$other"
done
expect_fail 'Operation not supported' blkdiscard -f "$image"
check "a discard is refused, and changes nothing" same "$image" "$DISK_twin"

drop "$newer"
check "without a newer shadow it is as it was" same "$image" "$DISK_twin"
drop "$older"
check "without an older one, too" same "$image" "$DISK_twin"
# One more copy of each block was on its way when they were all written again.
used=$(store_used "$DISK_origin")
wait_for 10 [ "$(store_used "$DISK_origin")" -le "$used" ]
drop "$image"
is "$(volume_count)" 0 "all of it can go"
unload
