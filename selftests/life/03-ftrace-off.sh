#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: with function tracing off tracking is refused, with the reason
# CORE
# DISKS: a=16M

. "$(dirname "$0")/life.sh"

need_module
sysctl -q kernel.ftrace_enabled=0
cleanup 'sysctl -q kernel.ftrace_enabled=1'
expect_fail 'ftrace' shadowadm volume track "$DISK_a"
expect_fail 'step=add .*phase=HOOK reason=FTRACE_OFF' holder "$DISK_a" -- add take
expect_fail 'ftrace' shadowadm create "$DISK_a"
is "$(volume_count)" 0 "nothing is tracked"
sysctl -q kernel.ftrace_enabled=1
take "$DISK_a"
ok "and with it on it works"
