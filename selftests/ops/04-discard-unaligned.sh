#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: discards that begin and end within blocks leave the image alone
# DISKS: origin=64M twin=64M

. "$(dirname "$0")/ops.sh"

like_twin discard:1s:1s discard:15s:2s discard:3s:6m discard:20000s:12345s discard:-1s:1s \
	discard:-12289s:12287s
preserved
