#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a durable store that is full, where writes fail for that, can be detached and attached again (E-08, H-20)
# DISKS: origin=64M store=9M a=64M
# TIMEOUT: 300
# EXPECT_LOG: I/O error

. "$(dirname "$0")/durable.sh"

need_module
fill "$DISK_origin" 1 32
shot "$DISK_a"
shadowadm volume policy "$DISK_origin" fail-io
dd if=/dev/zero of="$DISK_origin" bs=64k seek=64 count=300 oflag=direct status=none && not_ok "writes fail"
settle
parts detach "$DISK_origin"
attach 1
equal "$DISK_a"
drop_all
unload
