#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: tracking begins and ends thirty times while the volume is written to
# DISKS: a=32M,iops=400

. "$(dirname "$0")/life.sh"

need_module
write_under "$DISK_a"
for ((i = 0; i < 30; i++)); do
	shadowadm volume track "$DISK_a"
	shadowadm volume untrack "$DISK_a"
done
check "nothing is tracked" untracked
none_lost "$DISK_a"
unload
