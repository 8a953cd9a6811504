#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk without discard refuses it as without us
# DISKS: origin=16M,nodiscard twin=16M,nodiscard

. "$(dirname "$0")/ops.sh"

like_twin '?discard:0:1m' '?secure:0:1m' '?no-hide-stale:1m:1m' '?punch-hole:2m:64k'
