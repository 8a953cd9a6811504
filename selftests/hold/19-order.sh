#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writers wait, three volumes stand still together, and all goes on in order
# DISKS: a=16M b=16M c=16M

. "$(dirname "$0")/hold.sh"

all=("$DISK_a" "$DISK_b" "$DISK_c")
sums() {
	local disk

	for disk in "${all[@]}"; do
		checksum "$disk"
	done
}

need_module
owner --timeout 60000 "${all[@]}" -- add pause hold pause take release print
paused
write_under --writers 8 "${all[@]}"
resume
paused 2
before=$(sums)
stands
is "$(sums)" "$before" "nothing changes on any disk"
check "what is there is of one instant" ledger check --writers 8 "${all[@]}"
resume
ended
like "$(said)" state=TAKEN "the set was taken"
goes_on
none_lost --writers 8 "${all[@]}"
mapfile -t images < <(said | grep -o '/dev/shadow[0-9]*')
check "the images are of one instant" ledger check --writers 8 "${images[@]}"
is "$(for image in "${images[@]}"; do checksum "$image"; done)" "$before" \
	"and are what was seen during the hold"
