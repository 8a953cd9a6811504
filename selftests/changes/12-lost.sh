#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a shadow is lost, or evicted: what has changed since then is known still
# DISKS: origin=32M store=8M
# TIMEOUT: 200

. "$(dirname "$0")/changes.sh"

fill "$ORIGIN" 1
need_module
listen
instant --store "$DISK_store"
operate write:0:64k
instant
for n in 0 1; do
	exec {lib_kept}<"${IMAGE_OF[n]}"
	cleanup "exec $lib_kept<&- || true"
	held[n]=$lib_kept
done
operate write:1m:64k write:4m:12m
is_lost "${IMAGE_OF[0]}" store-full
is_lost "${IMAGE_OF[1]}" store-full
pairs known 0 1
keep 0
for n in 0 1; do
	fd=${held[n]}
	exec {fd}<&-
done
gone 1
instant --store "$DISK_store"
known 0 2
unknown 1 2
gone 0
known 0 2
operate write:20m:4k
instant
pairs known 0 2 3

# Evicted ones go by themselves; their bases do not.
keep 2
settle
operate write:2m:14m
wait_for 20 event evicted store-full
wait_for 20 eval '[ "$(shadow_count)" -eq 0 ]'
instant --store "$DISK_store"
pairs known 0 2 4
unknown 3 4
wait_for 10 eval '[ "$(bases)" = "0:K 2:K 4:S" ]'
drop_all
forgo 0 2
shadowadm volume untrack "$ORIGIN"
