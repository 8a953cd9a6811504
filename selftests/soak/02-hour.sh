#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: as soak/01-minute, for an hour; "make soak TIME=seconds SEED=number"
# DISKS: a=40M b=64M c=40M sa=168M sb=224M sc=14M oracles=600M
# MEM: 1280
# TIMEOUT: 4500
# EXPECT_LOG: critical medium error
# SLOW

TIME=${TIME:-3600}
. "$(dirname "$0")/soak.sh"
