#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: every command of a set in every state of a set
# DISKS: a=16M b=16M c=16M d=16M store=8M durable=8M detached=8M

. "$(dirname "$0")/ctl.sh"

arguments states
