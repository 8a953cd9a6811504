#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: cannot be run
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

skip "the moon is not full"
