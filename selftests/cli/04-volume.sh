#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: volumes are tracked, listed and untracked; their counters are shown
# DISKS: a=16M b=16M

. "$(dirname "$0")/cli.sh"

need_module
cleanup drop_all
adm 0 volume
is "$(wc -l <<<"$OUT")" 1 "nothing is tracked"
adm 0 volume track "$DISK_a" "$DISK_b" --memory 8M
adm 0 volume list --json
is "$(parse '[.volumes[] | .dev, .state, .tracked, .shadows, .memory_limit, .store] | map(tostring) |
	join(" ")')" "$(device_number "$DISK_a") idle true 0 $((8 << 20)) none \
$(device_number "$DISK_b") idle true 0 $((8 << 20)) none" "two volumes are tracked"
is "$(parse '.volumes[0] | keys[]' | sort)" "$(keys volume)" "the keys are the columns of the help"
adm 1 volume track "$DISK_a"
like "$ERR" "cannot track $DISK_a: it is tracked already" "twice is refused"

take "$DISK_a"
devio "$DISK_a" write:0:64k
adm 0 stats --json
is "$(parse '.volumes[0] | [.shadows, .blocks_preserved, .bios_seen, .bios_parked, .lost] |
	map(tostring) | join(" ")')" "1 16 1 1 0" "the counters of a write under a shadow"
is "$(parse '.volumes[0] | keys[]' | sort)" "$(keys stats)" "the keys are the columns of the help"
adm 0 stats "$DISK_a"
like "$OUT" "BLOCKS-PRESERVED:? +16" "all counters of one volume"
adm 0 stats -o volume,blocks-preserved --noheadings "$DISK_a"
like "$OUT" " 16$" "chosen ones as a table"
adm 1 volume untrack "$DISK_a"
like "$ERR" "$DISK_a has shadows, .*shadowadm delete --all $DISK_a" \
	"with a shadow it is not untracked"
drop "$IMAGE"
adm 0 volume untrack "$DISK_a"
adm 1 volume untrack "$DISK_a"
like "$ERR" "cannot stop tracking $DISK_a: it is not tracked" "nor twice"
adm 1 stats "$DISK_a"
like "$ERR" "is not tracked: it has no counters. \"shadowadm volume list\" shows the tracked volumes" \
	"what is not tracked has no counters"
adm 0 volume untrack "$DISK_b"
adm 2 volume track "$DISK_b" --memory 1M
like "$ERR" "4M to 16T are possible" "too little memory is refused, with what is possible"
is "$(volume_count)" 0 "nothing is tracked any more"
