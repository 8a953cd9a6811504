#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a ram disk whose driver writes pages without bios is refused

. "$(dirname "$0")/ctl.sh"

grep -qw bdev_write_page /proc/kallsyms || skip "drivers of this kernel take nothing but bios"
modprobe brd rd_nr=1 rd_size=16384
cleanup 'rmmod brd'
need_module
cases ctl_errno rw_page brd=/dev/ram0
unload
