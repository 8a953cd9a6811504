#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: whatever fails first, second, third... in an ioctl, nothing is lost
# DISKS: origin=392M store=64M
# KARGS: kmemleak=on
# TIMEOUT: 1800

. "$(dirname "$0")/inject.sh"

need_injection "$DISK_origin" "$DISK_store"
need_module
no_udev
check "with a store on a device" inject nth "$DISK_origin" "$DISK_store"
unload_clean
