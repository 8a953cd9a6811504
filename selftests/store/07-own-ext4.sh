#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store in a file on the volume itself, ext4: shadows under load, deleted in any order
# CORE
# DISKS: origin=160M a=160M b=160M c=160M
# TIMEOUT: 400

. "$(dirname "$0")/store.sh"

own_test ext4 "$DISK_origin" -b 4096
