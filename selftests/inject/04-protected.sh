#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: whatever fails, with fail-io no shadow is lost, and writes go on when it is cleared
# DISKS: origin=392M store=64M
# KARGS: kmemleak=on
# SLOW
# TIMEOUT: 900
# EXPECT_LOG: Call Trace

. "$(dirname "$0")/inject.sh"

declare -A failed

need_injection "$DISK_origin" "$DISK_store"
# What fails before there is a shadow is 01-life's.
sites | at_load -v | grep -vE ' (attach|register_hook|shadow_volume_alloc|alloc_pools|shadow_hook_.*)\+' \
	>"$SCRATCH/sites"
need_module
no_udev
base=$(section .text)
walk "$DISK_store" fail-io
check "${#failed[@]} calls failed" [ ${#failed[@]} -gt 20 ]
unload_clean
