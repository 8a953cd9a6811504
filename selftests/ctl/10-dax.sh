#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a device with DAX is refused
# KARGS: memmap=32M!512M

. "$(dirname "$0")/ctl.sh"

modprobe -a nd_e820 nd_pmem 2>/dev/null || skip "no pmem"
wait_for 10 [ -b /dev/pmem0 ]
settle
need_module
cases ctl_errno dax dax=/dev/pmem0
unload
