#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: function tracing cannot be switched off while a volume is tracked
# DISKS: a=16M

. "$(dirname "$0")/life.sh"

fill "$DISK_a" 1
need_module
take "$DISK_a"
cleanup 'sysctl -q kernel.ftrace_enabled=1'
expect_fail 'busy|Invalid' sysctl kernel.ftrace_enabled=0
is "$(cat /proc/sys/kernel/ftrace_enabled)" 1 "it is on"
devio "$DISK_a" write:0:1m
check "the image is as it was" same seed:1 "$IMAGE"
