#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: ext4: new files and fstrim copy no free block; the image passes fsck, all files are there
# DISKS: origin=256M
# TIMEOUT: 400
# CORE

. "$(dirname "$0")/free.sh"

prove ext4 100 10
