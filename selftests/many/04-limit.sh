#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume has 512 shadows, and the next one is refused for that reason
# DISKS: origin=2M
# TIMEOUT: 300

. "$(dirname "$0")/../lib.sh"

need_module
# Hundreds of disks come and go: nobody need look at each.
udevadm control --stop-exec-queue
cleanup 'udevadm control --start-exec-queue'
result=$(run ora_many "$DISK_origin" memory 512) || true
diag "$result"
like "$result" "refused: error=EDQUOT phase=1 reason=10" \
	"one more is refused, with a reason of its own"
like "$result" "shadows=512 overwritten=300 preserved=300 again=0" \
	"each overwritten block is preserved once"
like "$result" "faults=0" "each shadow shows its own instant while others go"
shadowadm delete --all -q
