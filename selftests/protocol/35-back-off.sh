#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writers are told that a store fills, and once that they may go on, whoever coordinates (C-13)
# DISKS: origin=96M other=24M
# TIMEOUT: 240

. "$(dirname "$0")/protocol.sh"

# told WRITER EVENT: the volumes and percentages it was told with
told() {
	awk -v name="$1" -v event="$2" '$2 == name && $3 == event { print $4, $5 }' "$SCRATCH/told"
}

# has_told WRITER BACK_OFFS CONTINUES
has_told() {
	[ "$(told "$1" back-off | wc -l) $(told "$1" continue | wc -l)" = "$2 $3" ]
}

# is_told BACK_OFFS CONTINUES WHY: in a moment, and not more in the next one
is_told() {
	wait_for 20 has_told early "$1" "$2"
	sleep 1
	check "$3: $1 times to back off, $2 to go on" has_told early "$1" "$2"
}

# overwrite MIB_FROM MIB: of the file on the origin, and wait until the store has it
overwrite() {
	dd if=/dev/zero of="$mnt/file" bs=1M seek="$1" count="$2" oflag=direct conv=notrunc \
		status=none
}

mnt=$SCRATCH/mnt
need_module
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$mnt"
fill "$mnt/file" 1 64
fill "$DISK_other" 2
sync
# Neither a coordinator nor a requester with one: it is the module that tells.
test_writer early --path "$mnt" \
	--run "back-off:echo \$VOLUME \$AFFECTED >>$SCRATCH/concerned"
test_writer without --without back-off --without continue
shadowadm volume track "$DISK_origin"
shadowadm volume policy "$DISK_origin" throttle=600

take "$mnt" --store memory:16M
overwrite 0 9
is_told 0 0 "a store that is little more than half full"
overwrite 9 5
is_told 1 0 "one over 85 %"
overwrite 14 1
check "that moves between the marks is the same story" has_told early 1 0
bg 100 dd if=/dev/zero of="$mnt/file" bs=1M seek=16 count=4 oflag=direct conv=notrunc
writes=$BG
is_told 2 0 "one that is full"
test_writer late
wait_for 20 has_told late 1 0
ok "a writer that registers now is told, too"
first=$IMAGE
drop "$first"
is_told 2 1 "when the store goes"
check "writes go on" bg_wait "$writes"
check "the late one is told to go on once" has_told late 1 1
is "$(sort -u "$SCRATCH/concerned")" "$(basename "$DISK_origin") 1" \
	"a writer sees that its files are on the volume"

take "$mnt" --store memory:16M
first=$IMAGE
overwrite 20 11
take "$mnt" --store memory:16M
overwrite 31 3
is_told 3 1 "with two shadows, a store that fills"
drop "$first"
is_told 3 2 "when one of them goes, and the store stays"

# A writer that knows of it dies, and another one comes.
overwrite 34 11
is_told 4 2 "and fills again"
bg_stop "$BG"
test_writer third
wait_for 20 has_told third 1 0
shadowadm volume policy "$DISK_origin" evict
overwrite 45 8
wait_for 20 eval '[ "$(told early continue | wc -l)" = 3 ]'
sofar=$(told early back-off | wc -l)	# the last mark may have been passed before
is_told "$sofar" 3 "when the shadow itself goes for writes"
is "$(told third continue | wc -l)" 1 "another one hears it, too"
is "$(shadowadm list --json | jq '.shadows | length')" 0 "that is what has happened"

# A volume that goes, and then its shadow.
take "$DISK_other" --store memory:4M
keep_open "$IMAGE"
devio "$DISK_other" write:0:3700k
is_told $((sofar + 1)) 3 "another volume"
unplug_disk "$DISK_other"
is_told $((sofar + 1)) 4 "its disk is pulled"
let_go
drop "$IMAGE"
is_told $((sofar + 1)) 4 "then its shadow goes"
is "$(tail -n 1 "$SCRATCH/concerned")" "$(basename "$DISK_other") 0" "and no file of the writer was on it"
is "$(told without back-off)$(told without continue)" "" "who did not ask heard nothing"
while read -r _ percent; do
	[ "$percent" -ge 85 ] || fail "told at $percent %"
done < <(told early back-off)
while read -r _ percent; do
	[ "$percent" -lt 70 ] || fail "told to go on at $percent %"
done < <(told early continue)

# Whoever has died has nothing to hear.
umount_at "$mnt"
writers_stop
unload
