#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a minute of what can be done to shadows, at random, with the oracle watching (H-20)
# DISKS: a=40M b=64M c=40M sa=168M sb=224M sc=14M oracles=600M
# MEM: 1280
# TIMEOUT: 400
# EXPECT_LOG: critical medium error

TIME=${TIME:-75}
. "$(dirname "$0")/soak.sh"
