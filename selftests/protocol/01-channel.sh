#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the channel between coordinator and writers: every command, and its errors
# CORE

. "$(dirname "$0")/protocol.sh"

need_module
channel registration nobody listing telling freezing
unload
