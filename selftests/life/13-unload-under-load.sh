#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the module is unloaded while volumes are tracked and written to
# CORE
# DISKS: a=32M,iops=400

. "$(dirname "$0")/life.sh"

write_under "$DISK_a"
for ((i = 0; i < 15; i++)); do
	need_module
	shadowadm volume track "$DISK_a"
	sleep 0.05
	rmmod shadow
done
ok "fifteen times"
none_lost "$DISK_a"
