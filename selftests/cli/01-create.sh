#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: create by mount point and by device: table, JSON, paths only; list, tree and show agree
# CORE
# DISKS: a=32M b=16M

. "$(dirname "$0")/cli.sh"

mounted ext4 "$DISK_a" mnt
need_module
cleanup drop_all
name_a=$(basename "$(readlink -f "$DISK_a")")
name_b=$(basename "$(readlink -f "$DISK_b")")

adm 0 list
is "$(wc -l <<<"$OUT")" 1 "an empty list is its header"
adm 0 list --json
is "$(parse '.shadows | length')" 0 "or an empty array"

adm 0 create "$SCRATCH/mnt"
like "$OUT" "^set [0-9a-f-]{36}: 1 shadow, held for [0-9.]+ ms, writes waited [0-9.]+ ms" \
	"create says what it made and for how long writes waited"
like "$OUT" "/dev/shadow0 +$name_a .* created [0-9a-f-]{36}" "and shows it"
is "$ERR" "" "and nothing else"
check "the device is there" [ -b /dev/shadow0 ]
is "$(blockdev --getro /dev/shadow0) $(sectors /dev/shadow0)" "1 $(sectors "$DISK_a")" \
	"read-only, of the volume's size"

adm 0 create "$DISK_b" --json --context app-rollback --store memory:8M
is "$(parse '.context, .shadows[0].device, .shadows[0].volume, .shadows[0].consistency' |
	paste -sd' ')" "app-rollback /dev/shadow1 $name_b raw" "JSON of create"
check "with the times of the hold" jq -e '.hold_ns >= .gate_ns and .gate_ns > 0' <<<"$OUT"
set=$(parse .set)
uuid=$(parse '.shadows[0].uuid')

adm 0 create -q "$SCRATCH/mnt" "$DISK_b"
is "$OUT" "/dev/shadow2"$'\n'"/dev/shadow3" "with -q the paths, in the order of the arguments"

adm 0 list
is "$(awk '{ print $1, $2 }' <<<"$OUT")" "DEVICE VOLUME
/dev/shadow0 $name_a
/dev/shadow1 $name_b
/dev/shadow2 $name_a
/dev/shadow3 $name_b" "the table lists all"
adm 0 list --noheadings -o uuid,set "$DISK_b"
like "$OUT" "^$uuid +$set" "columns can be chosen, of one volume"
is "$(wc -l <<<"$OUT")" 2 "it has two"
adm 0 list --bytes -o +context,set-count
like "$OUT" "/dev/shadow1 .* $((16 << 20)) .* app-rollback +1" "columns can be added, sizes be bytes"
adm 2 list -o nonsense
like "$ERR" "nonsense" "an unknown column is refused"

adm 0 list --json
is "$(parse '.shadows[0] | keys[]' | sort)" "$(keys list)" "the keys are the columns of the help"
is "$(parse '[.shadows[].device] | join(" ")')" \
	"/dev/shadow0 /dev/shadow1 /dev/shadow2 /dev/shadow3" "JSON lists all, too"
is "$(parse '.shadows[0] | [.size, .state, .openers, .set_count, .auto_release, .epoch] | map(tostring) |
	join(" ")')" "$((32 << 20)) created 0 1 false 1" "with values that a program can use"
like "$(parse '.shadows[0].created')" '^20[0-9-]{8}T[0-9:]{8}\.[0-9]{9}Z$' "times are in UTC"

adm 0 list --tree
like "$OUT" "set of 1.*/dev/shadow0.*set of 1.*/dev/shadow1.*set of 2.*/dev/shadow2.*/dev/shadow3" \
	"the tree has sets with their shadows"
adm 0 list --tree --json
is "$(grep -c '"set of' <<<"$OUT" || true)" 0 "as JSON it has no words for a device"

adm 0 show /dev/shadow1
like "$OUT" "$uuid" "show by device"
adm 0 show 1 --json
is "$(parse '.shadows[0].uuid')" "$uuid" "by number"
adm 0 show "${uuid:0:8}" --json
is "$(parse '.shadows[0].device')" /dev/shadow1 "by the beginning of its UUID"
adm 0 show "$set" --json
is "$(parse '.shadows[0].device')" /dev/shadow1 "by its set"
is "$(parse '.shadows[0] | keys[]' | sort)" "$(keys list)" "with all keys"

adm 0 version --json
check "version tells the module's" jq -e . <<<"$OUT"
adm 0 delete -q --all
