#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fail-io: writes to other partitions never fail, also not when the volume has grown
# DISKS: disk=64M

. "$(dirname "$0")/policy.sh"

addpart "$DISK_disk" 1 2048 40960
addpart "$DISK_disk" 2 81920 40960
settle
fill "${DISK_disk}1" 1
need_module
track "${DISK_disk}1"
policy "${DISK_disk}1" fail-io
shot "${DISK_disk}1" $((8 << 20))
expect_fail "Input/output error" devio "${DISK_disk}1" write:0:12m
is "$(volume "${DISK_disk}1" fault)" store-full "the volume is faulted"
bg 60 bash -c 'while devio "$1" write:0:64k; do :; done' write "${DISK_disk}2"
writer=$BG
# Those of the whole disk are counted while it is made sure that none is on its way
# to what has been added.
resizepart "$DISK_disk" 1 61440
settle
expect_fail "writes to the volume fail, to protect its shadows" shadowadm create "${DISK_disk}1"
expect_fail "Input/output error" devio "${DISK_disk}1" write:0:4k
check "nobody else has seen an error" waits "$writer"
is_right "${SHOTS[@]}"
