#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a set has 64 volumes, and the next one is refused for that reason
# DISKS: origin=66M
# TIMEOUT: 240

. "$(dirname "$0")/../lib.sh"

need_module
fill "$DISK_origin" 1
volumes=()
for i in {1..65}; do
	addpart "$DISK_origin" "$i" $((i * 2048)) 2048
	cleanup "delpart $DISK_origin $i"
	volumes+=("$DISK_origin$i")
done
udevadm settle --timeout=30
before=$(dd if="$DISK_origin" bs=1M skip=1 count=64 iflag=direct status=none | digest)

# Refusing one leaves the 64 others in the set.
answer=$(holder --timeout 60000 "${volumes[@]}" -- try:add take print 2>&1)
cleanup 'shadowadm delete --all -q'
like "$answer" "step=add error=E2BIG phase=ARGUMENTS reason=SET_FULL" "the 65th is refused"
mapfile -t images < <(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
is "${#images[@]}" 64 "64 are taken"

dd if=/dev/zero of="$DISK_origin" bs=1M seek=1 count=64 oflag=direct status=none
after=$(for image in "${images[@]}"; do
	dd if="$image" bs=1M iflag=direct status=none
done | digest)
is "$after" "$before" "each shows its volume at the instant"
