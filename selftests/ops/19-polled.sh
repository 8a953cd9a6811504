#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: polled io_uring writes complete, and the image stays as it was

. "$(dirname "$0")/ops.sh"

modprobe null_blk nr_devices=2 memory_backed=1 size=32 gb=1 poll_queues=1 queue_mode=2 \
	completion_nsec=20000 irqmode=1
cleanup 'modprobe -r null_blk'
ORIGIN=/dev/nullb0 TWIN=/dev/nullb1
is "$(cat /sys/block/nullb0/queue/io_poll)" 1 "the disk can be polled"
fill "$TWIN" 1 32
fill "$ORIGIN" 1 32
uring --poll --depth 32 --stride 2 "$TWIN" 0 2000 7
need_module
take "$ORIGIN" --store memory
said=$(timeout 60 uring --poll --depth 32 --stride 2 "$ORIGIN" 0 2000 7)
like "$said" 'done=2000 ' "all completed: $said"
check "the image is as it was" same seed:1 "$IMAGE" $((32 << 20))
said=$(timeout 60 uring --poll --depth 32 --stride 2 "$ORIGIN" 0 2000 8)
like "$said" 'done=2000 ' "all completed, settled: $said"
uring --poll --depth 32 --stride 2 "$TWIN" 0 2000 8 >/dev/null
check "the origin is as its twin" same "$ORIGIN" "$TWIN" $((32 << 20))
