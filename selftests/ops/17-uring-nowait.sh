#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: io_uring writes with RWF_NOWAIT succeed or say EAGAIN, and corrupt nothing
# DISKS: origin=32M twin=32M

. "$(dirname "$0")/ops.sh"

fill "$TWIN" 1
fill "$ORIGIN" 1
uring --nowait --depth 128 --stride 3 "$TWIN" 0 2000 7
need_module
take "$ORIGIN"
said=$(timeout 60 uring --nowait --depth 128 --stride 3 "$ORIGIN" 0 2000 7)
like "$said" 'errors=0 ' "none ended otherwise: $said"
check "the image is as it was" same seed:1 "$IMAGE"
check "the origin is as its twin" same "$ORIGIN" "$TWIN"

# All are settled now: again, and none needs the worker.
parked=$(volume "$ORIGIN" bios_parked)
timeout 60 uring --nowait --depth 8 --stride 3 "$ORIGIN" 0 2000 8 >"$SCRATCH/second"
uring --depth 8 --stride 3 "$TWIN" 0 2000 8
like "$(cat "$SCRATCH/second")" 'errors=0 ' "nor the second time"
check "settled blocks go on at once" [ $(($(volume "$ORIGIN" bios_parked) - parked)) -lt 20 ]
check "the image is still as it was" same seed:1 "$IMAGE"
check "the origin is still as its twin" same "$ORIGIN" "$TWIN"
