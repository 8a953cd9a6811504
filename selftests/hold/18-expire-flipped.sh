#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the timer after the instant: writes go on, and the shadows are still good
# DISKS: a=16M

. "$(dirname "$0")/hold.sh"

need_module
listen
owner --timeout 3000 "$DISK_a" -- add pause hold take pause release print
paused
write_under "$DISK_a"
resume
paused 2
wait_for 10 event expired
goes_on
resume
ended
like "$(said)" 'state=TAKEN' "the set can be finished"
image=$(said | grep -o '/dev/shadow[0-9]*')
goes_on
none_lost "$DISK_a"
check "the image is of one instant" ledger check "$image"
