#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: makes the kernel complain, and says so beforehand
# MEM: 384
# EXPECT_LOG: WARNING: at (no|some)where

. "$(dirname "$0")/../../lib.sh"

echo "WARNING: at nowhere" >/dev/kmsg
ok "as announced"
