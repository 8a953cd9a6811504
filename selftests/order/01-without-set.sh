#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadows of two instants are not in order, and the test notices
# DISKS: a=32M b=32M

. "$(dirname "$0")/../lib.sh"

need_module
bg 60 ora_order write "$DISK_a" "$DISK_b"
sleep 2
first=$(shadowadm create -q "$DISK_a")
cleanup 'shadowadm delete --all -q'
sleep 1
second=$(shadowadm create -q "$DISK_b")
expect_fail "record [0-9]+ is there, [0-9]+ is not" ora_order check "$first" "$second"
