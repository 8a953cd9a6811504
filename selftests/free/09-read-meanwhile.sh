#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a read of the origin that is overtaken by "it was free" and new data there gives zeros
# DISKS: origin=32M
# CORE

. "$(dirname "$0")/free.sh"

fill "$ORIGIN" 1
need_module
# It is slow only after all have looked at it who look at new devices.
all=$(sectors "$ORIGIN")
dm_linear slow "$ORIGIN"
settle
take /dev/mapper/slow
index=${IMAGE#/dev/shadow}
dm_reload slow "0 $all delay $ORIGIN 0 1500 $ORIGIN 0 0"
bg 30 dd if="$IMAGE" of="$SCRATCH/read" bs=64k count=1 skip=16 iflag=direct status=none
sleep 0.5
is "$(tell_free "$index" $((1 << 20)) 65536)" "16 16" "told meanwhile: all is settled"
fill "$SCRATCH/new" 9 1
dd if="$SCRATCH/new" of=/dev/mapper/slow bs=64k count=1 seek=16 oflag=direct conv=notrunc status=none
check "the read is still under way" kill -0 "$BG"
bg_wait "$BG"
is "$(volume /dev/mapper/slow blocks_preserved)" 0 "nothing was preserved"
is "$(tr -d '\0' <"$SCRATCH/read" | wc -c)" 0 "the read got zeros"
is "$(stat -c %s "$SCRATCH/read")" 65536 "all of it"
dm_reload slow "0 $all linear $ORIGIN 0"

# Blocks that lie in a range only partly, and what is around it, are as they were.
is "$(tell_free "$index" $((2097152 + 1)) 12287 4194304 4095)" "2 2" "rounded inwards"
devio /dev/mapper/slow write:2m:16k
check "what was free is zeros" zeros "$IMAGE" $((2097152 + 4096)) 8192
devio /dev/mapper/slow write:3m:64k write:4m:4k
fill "$SCRATCH/wanted" 1 8
for at in 2097152 $((2097152 + 12288)) 3145728 4194304; do
	dd if="$IMAGE" of="$SCRATCH/is" bs=4k count=1 skip=$((at / 4096)) iflag=direct status=none
	dd if="$SCRATCH/wanted" of="$SCRATCH/was" bs=4k count=1 skip=$((at / 4096)) status=none
	check "the block at $at is as it was" cmp "$SCRATCH/is" "$SCRATCH/was"
done
