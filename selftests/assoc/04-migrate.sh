#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store moves to another disk while its shadows are read, and goes on after a signal (E-06, J-16)
# TIMEOUT: 300
# DISKS: vol=64M old=160M new=96M last=160M

. "$(dirname "$0")/assoc.sh"

# parts: numbers and kinds of those in use
parts() {
	shadowadm store list --json |
		jq -r '[.stores[] | select(.in_use)] | sort_by(.part) | [.[] | "\(.part) \(.kind)"] | join(", ")'
}

# lines: the stores of stores.conf
lines() {
	awk '!/^#/ { print $2 }' "$CONF" | paste -sd,
}

# reads: the image over and over, until told to end; each must be as it should
reads() {
	while [ -e "$SCRATCH/reading" ]; do
		[ "$(checksum "$IMAGE")" = "$sum" ] || return 1
	done
}

need_module
fill "$DISK_vol" 3 64
on ext4 old
on ext4 last
dm_linear slow "$DISK_new"
adm 0 store add "$DISK_vol" "$SCRATCH/old/store" --initial 64M --max 100M
adm 0 store policy "$DISK_vol" fail-io
sum=$(checksum "$DISK_vol")
take "$DISK_vol"
devio "$DISK_vol" write:0:48m
is "$(parts) $(lines)" "0 file $SCRATCH/old/store" "a store in a file"

# To a slow device, and ended in the middle
mistake 1 'has room for 8M, and [0-9.]+M are to be moved' \
	store migrate "$DISK_vol" "$SCRATCH/old/store" /dev/mapper/slow --max 8M
is "$(parts) $(lines)" "0 file $SCRATCH/old/store" "what is too small is refused before anything is changed"
disk_limit new bps=2M
cleanup 'disk_limit new'
: >"$SCRATCH/reading"
reads &
reader=$!
cleanup "rm -f '$SCRATCH/reading'; wait $reader 2>/dev/null || true"
shadowadm store migrate "$DISK_vol" "$SCRATCH/old/store" /dev/mapper/slow --json >"$SCRATCH/out" 2>&1 &
mover=$!
wait_for 30 eval '[ "$(store "select(.part == 1) | .used" 2>/dev/null)" -gt 0 ]'
is "$(store 'select(.part == 0) | .state')" draining "the old part is being cleared out"
kill -TERM $mover
status=0
wait $mover || status=$?
is "$status" 1 "a signal ends it"
like "$(cat "$SCRATCH/out")" "it was interrupted by a signal; [0-9]+ MiB of it were moved.*say it again to go on" \
	"and it is said what was moved"
is "$(parts)" "0 file, 1 device" "both parts are there"
is "$(store 'select(.part == 0) | .state')" ready "the old one is as before"
is "$(lines)" /dev/mapper/slow "the new one has the line"
like "$(cat "$CONF")" "policy=fail-io" "and the policy"
disk_limit new
is "$(checksum "$IMAGE")" "$sum" "the image is the volume of then"
adm 0 store migrate "$DISK_vol" "$SCRATCH/old/store" /dev/mapper/slow --json
is "$(parse '.cleared[0] | "\(.part) \(.file_deleted)"')" "0 true" "said again it goes on to the end"
is "$(parts)" "1 device" "the old part is gone"
check "and its file" [ ! -e "$SCRATCH/old/store" ]
is "$(find /var/lib/shadowcopy/stores -type l 2>&1)" "" "and the note of where it was"
umount_at "$SCRATCH/old"
check "whose filesystem is sound, and free" e2fsck -fn "$DISK_old"
adm 0 store migrate "$DISK_vol" "$SCRATCH/old/store" /dev/mapper/slow
is "$(parts)" "1 device" "once more: there is nothing to do"

# On to a file without a name, while it is written
devio "$DISK_vol" write:48m:8m
adm 0 store migrate --all "$DISK_vol" "$SCRATCH/last/" --json
is "$(parse '.cleared | length')" 1 "--all"
is "$(parts) $(lines)" "0 file $SCRATCH/last/" "the store is a file without a name"
dm_remove slow
ok "the device is nobody's"
devio "$DISK_vol" write:56m:8m
rm "$SCRATCH/reading"
check "the image was the volume of then all the time" wait $reader
is "$(checksum "$IMAGE")" "$sum" "and is"
is "$(shadow "$IMAGE" state)" created "nothing was lost"
drop "$IMAGE"
umount_at "$SCRATCH/last"
check "the filesystem of the last store is sound" e2fsck -fn "$DISK_last"
