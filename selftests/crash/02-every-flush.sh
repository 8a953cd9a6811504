#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: as durable/07-every-moment, after each flush that there was, with several parts of what follows
# DISKS: big=104M log=900M replay=104M cow=64M a=40M b=40M
# TIMEOUT: 5000
# SLOW

export PASSES=20 LIMIT=3600
. "$(dirname "$0")/../durable/07-every-moment.sh"
