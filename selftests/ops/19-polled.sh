#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: polled io_uring writes complete, and the image stays as it was
# DISKS: origin=32M,bus=nvme twin=32M,bus=nvme
# KARGS: nvme.poll_queues=1 nvme_core.multipath=N

. "$(dirname "$0")/ops.sh"

# Its queue for what is polled has no interrupt: what goes there and is polled by nobody hangs.
is "$(cat "/sys/block/${ORIGIN##*/}/queue/io_poll")" 1 "the disk can be polled"
fill "$TWIN" 1 32
fill "$ORIGIN" 1 32
said=$(timeout 60 uring --poll --depth 32 --stride 2 "$TWIN" 0 2000 7)
like "$said" 'done=2000 ' "all completed, without the module: $said"
need_module
take "$ORIGIN" --store memory
said=$(timeout 60 uring --poll --depth 32 --stride 2 "$ORIGIN" 0 2000 7)
like "$said" 'done=2000 ' "all completed: $said"
check "the image is as it was" same seed:1 "$IMAGE" $((32 << 20))
said=$(timeout 60 uring --poll --depth 32 --stride 2 "$ORIGIN" 0 2000 8)
like "$said" 'done=2000 ' "all completed, settled: $said"
uring --poll --depth 32 --stride 2 "$TWIN" 0 2000 8 >/dev/null
check "the origin is as its twin" same "$ORIGIN" "$TWIN" $((32 << 20))
