#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: as durable/02-kills, a hundred times, or for an hour
# DISKS: origin=48M store=96M a=48M b=48M c=48M d=48M
# TIMEOUT: 200
# SLOW

export KILLS=100
. "$(dirname "$0")/../durable/02-kills.sh"
