#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: changes are exact after a reboot, where the store was detached before
# DISKS: origin=48M store=96M
# TIMEOUT: 300

. "$(dirname "$0")/saved.sh"

need_module

if [ "$STAGE" -eq 0 ]; then
	fill "$ORIGIN" 1
	persistent
	operate write:1m:64k write:7s:3s
	persistent
	operate write:20m:1m discard:30m:1m
	persistent
	operate write:3m:4k
	delta keep "${UUID_OF[0]}"
	drop "${IMAGE_OF[0]}"
	known 0 2
	delta bases | cut -d ' ' -f 1-2 >"$RESULTS/bases"
	tracking | cut -d ' ' -f 5 >"$RESULTS/generation"
	detach_store
	saved_is saved
	remember
	power_cut
fi

recall
attach_store
saved_is unclean
is "$(delta bases | cut -d ' ' -f 1-2)" "$(<"$RESULTS/bases")" "the same base and shadows"
is "$(tracking | cut -d ' ' -f 5)" "$(<"$RESULTS/generation")" "of the same generation"
known 0 1
known 0 2
exact 1 2
operate write:5m:8k
persistent
known 0 3
exact 2 3
known 1 3
delta drop "${UUID_OF[0]}"
known 1 3
drop_all
shadowadm volume untrack "$ORIGIN" >/dev/null 2>&1 || true
unload
