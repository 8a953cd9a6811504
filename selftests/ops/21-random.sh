#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: hundreds of random operations while the image is read
# DISKS: origin=48M twin=48M store=64M
# TIMEOUT: 180

. "$(dirname "$0")/ops.sh"

RANDOM=4711
kinds=(write write write dsync buffered nowait discard zeroout fsync)
ops=()
for ((i = 0; i < 400; i++)); do
	kind=${kinds[RANDOM % ${#kinds[@]}]}
	at=$(((RANDOM << 15 | RANDOM) % 98000))
	length=$((RANDOM % 8 ? RANDOM % 40 + 1 : RANDOM % 300 + 1))
	if [ "$kind" = fsync ]; then
		ops+=(fsync)
	else
		ops+=("$kind:${at}s:${length}s")
	fi
done
fill "$TWIN" 1
fill "$ORIGIN" 1
devio "$TWIN" "${ops[@]}"
need_module
take "$ORIGIN" --store "$DISK_store"
bg 100 bash -c "while same seed:1 $IMAGE; do sleep 0.1; done; exit 99"
reader=$BG
devio "$ORIGIN" "${ops[@]}"
check "nothing else was read meanwhile" kill -0 "$reader"
bg_stop "$reader"
check "the image is as it was" same seed:1 "$IMAGE"
check "the origin is as its twin" same "$ORIGIN" "$TWIN"
