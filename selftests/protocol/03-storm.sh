#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writers and coordinators come, speak and die at random; nobody is frozen out of order

. "$(dirname "$0")/protocol.sh"

need_module
channel storm
unload
