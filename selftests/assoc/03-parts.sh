#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store of several parts: made so, added to, cut, enlarged and taken apart (E-01, E-02)
# TIMEOUT: 300
# DISKS: vol=96M dev=64M fs=256M other=64M

. "$(dirname "$0")/assoc.sh"

# stores of the volume in use: number, kind, state
parts() {
	shadowadm store list --json |
		jq -r '[.stores[] | select(.in_use)] | sort_by(.part) | [.[] | "\(.part) \(.kind) \(.state)"] | join(", ")'
}

# used PART: what is in it, in bytes
used() {
	store "select(.part == $1) | .used"
}

need_module
fill "$DISK_vol" 7 96
on ext4 fs
sum=$(checksum "$DISK_vol")
take "$DISK_vol" --store memory:8M --store "$DISK_dev" --store "$SCRATCH/fs/store" --initial 8M --max 48M
is "$(parts)" "0 memory ready, 1 device ready, 2 file ready" "a store of three parts"
like "$(store 'select(.part == 2) | .store')" "^$SCRATCH/fs/store$" "the file is known by its name"
devio "$DISK_vol" write:0:30m
check "the first part is full, and the second one used" [ "$(used 0)" -gt $((6 << 20)) -a "$(used 1)" -gt 0 ]
is "$(checksum "$IMAGE")" "$sum" "the image is the volume of then"

adm 0 create "$DISK_vol" --no-free-space --quiet --store "$DISK_dev" --store memory
younger=$OUT
mistake 1 'has shadows and with them a store already: leave --store out, and give it more parts' \
	create "$DISK_vol" --store memory --store "$DISK_other"
mistake 1 'has another store already.*store add.*store migrate' create "$DISK_vol" --store "$DISK_other"

# One more part, by its line
adm 0 store add "$DISK_vol" "$DISK_other" --max 40M
is "$(parts)" "0 memory ready, 1 device ready, 2 file ready, 3 device ready" "one more part"
is "$(store 'select(.part == 3) | "\(.associated) \(.max)"')" "true $((40 << 20))" "with a line"
mistake 1 'it is in use \(mounted at ' store add "$DISK_vol" "$DISK_fs" --force
is "$(grep -vc '^#' "$CONF")" 1 "what is refused leaves no line"

# Cut: what lies above is moved
before=$(used 1)
adm 0 store resize "$DISK_vol" "$DISK_dev" 8M --json
is "$(parse .max_bytes)" $((8 << 20)) "a part is cut"
check "what was above is elsewhere" [ "$(used 1)" -le $((8 << 20)) -a "$before" -gt $((8 << 20)) ]
check "and counted" [ "$(parse .moved)" -gt 0 ]
is "$(checksum "$IMAGE")" "$sum" "the image is what it was"
adm 0 store resize "$DISK_vol" "$DISK_dev" unlimited
is "$(store 'select(.part == 1) | .max')" $((63 << 20)) "it may have all of the device again"
mistake 1 'Choose another one: 4M at least, and no more than the device has' \
	store resize "$DISK_vol" "$DISK_dev" 1G
mistake 1 'size' store resize "$DISK_vol" "$DISK_dev" 1M

# Taken apart
adm 0 store remove "$DISK_vol" memory
adm 0 store remove "$DISK_vol" 2 --json
is "$(parse .file_deleted)" true "with the part its file goes"
is "$(parts)" "1 device ready, 3 device ready" "two parts are left"
is "$(checksum "$IMAGE")" "$sum" "the image is what it was"
adm 0 store resize "$DISK_vol" "$DISK_other" 4M
devio "$DISK_vol" write:40m:24m
is "$(checksum "$IMAGE")" "$sum" "the image is what it was, after more writes"
mistake 1 'cannot clear out part 1 of the store.*the rest of the store has no room for what is in it.*nothing was lost' \
	store remove "$DISK_vol" "$DISK_dev"
is "$(parts)" "1 device ready, 3 device ready" "what does not fit stays"
is "$(checksum "$IMAGE")" "$sum" "and the image"
drop "$younger"
adm 0 store remove "$DISK_vol" "$DISK_other"
is "$(grep -vc '^#' "$CONF")" 0 "its line is gone"
mistake 1 'it is the only part of the store' store remove "$DISK_vol" "$DISK_dev"
is "$(checksum "$IMAGE")" "$sum" "all is in the last part"
is "$(shadow "$IMAGE" state)" created "and nothing was lost"
drop "$IMAGE"
