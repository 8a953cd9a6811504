#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: one shadow of a volume: each one right, each block preserved once
# CORE
# DISKS: origin=16M
# TIMEOUT: 180

. "$(dirname "$0")/../lib.sh"

need_module
result=$(run ora_many "$DISK_origin" memory 1) || true
diag "$result"
like "$result" "shadows=1 overwritten=300 preserved=300 again=0" \
	"each overwritten block is preserved once"
like "$result" "faults=0" "each shadow shows its own instant while others go"
shadowadm delete --all -q
