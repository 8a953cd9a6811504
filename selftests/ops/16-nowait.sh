#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: synchronous RWF_NOWAIT writes succeed or say EAGAIN, and corrupt nothing
# DISKS: origin=32M twin=32M

. "$(dirname "$0")/ops.sh"

like_twin nowait:0:4k nowait:1m:1m nowait:1m:1m nowait:3s:5s nowait:2m:8m nowait:-1s:1s
preserved
