#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writes do not wait for a store that hangs for ever, whatever else is written
# DISKS: origin=32M store=64M

. "$(dirname "$0")/memory.sh"

fill "$DISK_origin" 1
dm_linear above "$DISK_origin"
dm_linear slow "$DISK_store"
need_module store_timeout=8
listen
track "$DISK_origin" --memory 4M
take "$DISK_origin" --store /dev/mapper/slow
devio /dev/mapper/above write:0:64k
dmsetup suspend --noflush --nolockfs slow
cleanup 'dmsetup resume slow'
# What comes through a device above goes through the worker, also what needs nothing.
bg 80 bash -c 'while devio "$1" write:0:64k; do sleep 0.2; done' rewrite /dev/mapper/above
bg 80 fill /dev/mapper/above 2
writer=$BG
is_lost "$IMAGE" store-error
dmsetup resume slow
check "the writer went on" bg_wait "$writer"
