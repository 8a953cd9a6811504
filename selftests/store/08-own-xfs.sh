#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store in a file on the volume itself, XFS: shadows under load, deleted in any order
# DISKS: origin=192M a=192M b=192M c=192M
# TIMEOUT: 400

. "$(dirname "$0")/store.sh"

own_test xfs "$DISK_origin"
