#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: leaves a mount, a device and a process behind
# MEM: 384
# DISKS: a=8M

. "$(dirname "$0")/../../lib.sh"

dmsetup create forgotten --table "0 16384 linear $DISK_a 0"
mkdir /run/forgotten
mount -t tmpfs forgotten /run/forgotten
setsid sleep 1000 &
ok "but nothing is wrong otherwise"
