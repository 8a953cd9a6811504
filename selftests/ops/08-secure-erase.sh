#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is erased for good on the origin is preserved first
# CORE
# DISKS: store=32M

. "$(dirname "$0")/ops.sh"

insmod "$BUILT/selftests/modules/eraser.ko"
cleanup 'rmmod eraser'
ORIGIN=/dev/eraser0 TWIN=/dev/eraser1
like_twin secure:0:4k secure:3s:5s secure:1m:9m secure:-1s:1s write:2m:64k
preserved
