#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: 256 shadows of a volume: each one right, each block preserved once
# DISKS: origin=2M store=32M
# TIMEOUT: 300

. "$(dirname "$0")/../lib.sh"

need_module
# Hundreds of disks come and go: nobody need look at each.
udevadm control --stop-exec-queue
cleanup 'udevadm control --start-exec-queue'
result=$(run ora_many "$DISK_origin" "$DISK_store" 256) || true
diag "$result"
like "$result" "shadows=256 overwritten=300 preserved=300 again=0" \
	"each overwritten block is preserved once"
like "$result" "faults=0" "each shadow shows its own instant while others go"
shadowadm delete --all -q
