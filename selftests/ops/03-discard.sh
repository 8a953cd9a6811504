#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: discards of whole blocks, also larger than 4 MiB, leave the image alone
# CORE
# DISKS: origin=64M twin=64M

. "$(dirname "$0")/ops.sh"

like_twin discard:0:4k discard:1m:4m discard:16m:24m discard:16m:1m ?no-hide-stale:44m:1m \
	discard:-64k:64k
preserved
