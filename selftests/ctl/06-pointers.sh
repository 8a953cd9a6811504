#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: pointers to nowhere, to the kernel, to pages that cannot be written: EFAULT, nothing done
# DISKS: a=16M b=16M c=16M d=16M store=8M durable=8M detached=8M

. "$(dirname "$0")/ctl.sh"

arguments pointers
