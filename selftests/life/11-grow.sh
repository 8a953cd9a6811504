#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume grows under its shadow: the shadow keeps its size, the next has the new one
# DISKS: a=64M

. "$(dirname "$0")/life.sh"

has lvm
need_module
cleanup "vgchange -qq -an shadowtest >/dev/null 2>&1; vgremove -qq -f shadowtest >/dev/null 2>&1 || true"
vgcreate -qq shadowtest "$DISK_a" >/dev/null
lvcreate -qq -y -L 16M -n one shadowtest >/dev/null
origin=/dev/shadowtest/one
fill "$origin" 1
take "$origin"
old=$IMAGE
lvextend -qq -L 32M shadowtest/one >/dev/null
is "$(sectors "$origin")" 65536 "the volume has grown"
devio "$origin" write:0:1m write:16380k:8k write:20m:1m discard:15m:4m
is "$(sectors "$old")" 32768 "the shadow has not"
check "the image is as it was" same seed:1 "$old"
fill "$origin" 2
take "$origin"
is "$(sectors "$IMAGE")" 65536 "the next one has the new size"
devio "$origin" write:0:1m write:20m:4m write:-64k:64k
check "its image is as it was" same seed:2 "$IMAGE"
check "the first one's still too" same seed:1 "$old"
