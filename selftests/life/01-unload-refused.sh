#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the module cannot be unloaded while shadows exist, and doctor says which
# CORE
# DISKS: a=16M b=16M

. "$(dirname "$0")/life.sh"

need_module
take "$DISK_a" "$DISK_b"
expect_fail 'in use' rmmod shadow
like "$(shadowadm doctor || true)" "unload .*${IMAGES[0]}.*${IMAGES[1]}" "doctor names them"
drop "${IMAGES[0]}"
expect_fail 'in use' rmmod shadow
drop "${IMAGES[1]}"
unload
