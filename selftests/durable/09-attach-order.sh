#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store that lies on a volume with a store of its own is attached after that one
# DISKS: a=32M b=96M bstore=160M
# TIMEOUT: 300

. "$(dirname "$0")/durable.sh"

rm -f /etc/shadowcopy/stores.conf
need_module
part=${DISK_b}1

if [ "$STAGE" -eq 0 ]; then
	partition "$DISK_b" 2048:131072
	fill "$DISK_a" 5
	checksum "$DISK_a" >"$RESULTS/a"
	shadowadm create -q --persistent --no-free-space --store "$part" "$DISK_a" >/dev/null
	shadowadm store detach -q "$DISK_a"
	checksum "$DISK_b" >"$RESULTS/b"
	shadowadm create -q --persistent --no-free-space --store "$DISK_bstore" "$DISK_b" >/dev/null
	is "$(shadowadm store attach --all --json | jq -r '[.stores[] | .state] | sort | join(" ")')" \
		"attached there" "a store on a volume that has shadows"
	settle
	fill "$DISK_a" 6
	power_cut
fi

# The device with the store that is attached first comes later in each list.
blockdev --rereadpt "$DISK_b"
settle
shadowadm store attach --all || fail "the stores are attached"
settle
for name in a b; do
	disk=DISK_$name
	image=$(shadowadm list --json "${!disk}" | jq -r '.shadows[].device')
	is "$(checksum "$image")" "$(<"$RESULTS/$name")" "the shadow of $name is what it was"
done
shadowadm store detach -q "$DISK_a"
shadowadm store detach -q "$DISK_b"
unload
