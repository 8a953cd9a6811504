#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: who has the kernel's function already, and ftrace switched off, are told apart from success
# DISKS: a=16M

. "$(dirname "$0")/ctl.sh"

need_module
insmod "$BUILT/selftests/modules/rival.ko"
cleanup '[ ! -d /sys/module/rival ] || rmmod rival'
cases ctl_errno hook a="$DISK_a"
rmmod rival
echo 0 >/proc/sys/kernel/ftrace_enabled
cleanup 'echo 1 >/proc/sys/kernel/ftrace_enabled'
cases ctl_errno ftrace a="$DISK_a"
echo 1 >/proc/sys/kernel/ftrace_enabled
track "$DISK_a"
ok "without both it is tracked"
expect_fail . sysctl -w kernel.ftrace_enabled=0
shadowadm volume untrack "$DISK_a" >/dev/null
unload
