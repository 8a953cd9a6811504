#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the module cannot be unloaded while somebody has a set in the making
# CORE
# DISKS: a=16M

. "$(dirname "$0")/life.sh"

need_module
check "refused at each step" holder --auto-release "$DISK_a" -- "exec:! rmmod shadow" add \
	"exec:! rmmod shadow" hold "exec:! rmmod shadow" take "exec:! rmmod shadow" release \
	"exec:! rmmod shadow"
settle
wait_for 10 untracked
unload
