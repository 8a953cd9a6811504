# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests that make shadows share, beside lib.sh.  What is made here goes when
# the test ends.

# take VOLUME... [OPTION...]: a set of shadows that are their volumes to the last byte,
# free space too; $IMAGE is the first one's device, ${IMAGES[@]} are all of them in the
# order of the arguments
take() {
	take_used --no-free-space "$@"
}

# take_used VOLUME... [OPTION...]: the same, free space left alone
take_used() {
	local json

	json=$(shadowadm create "$@" --json)
	taken "$json"
}

# taken JSON: the same of what "create" has printed
taken() {
	mapfile -t IMAGES < <(jq -r '.shadows[].device' <<<"$1")
	IMAGE=${IMAGES[0]}
	settle
	cleanup drop_all
}

# keep_open IMAGE: until the test ends, or let_go
keep_open() {
	exec {lib_kept}<"$1"
}

let_go() {
	exec {lib_kept}<&-
}

# settle: udev looks at each new image, which counts as an opener
settle() {
	udevadm settle --timeout=20
}

# drop IMAGE...: delete shadows
drop() {
	settle
	shadowadm delete -q "$@"
}

# drop_all: delete all that there are
drop_all() {
	settle
	[ -d /sys/module/shadow ] || return 0
	if [ -n "$(shadowadm list --json | jq -r '.shadows[].device')" ]; then
		shadowadm delete -q --all
	fi
}

# shadow IMAGE KEY: print what "list" says of a shadow
shadow() {
	shadowadm list --json |
		jq -r --arg d "$1" '.shadows[] | select(.device == $d) | .'"$2"
}

# volume DEVICE KEY: print what "volume list" says, nothing where it is not tracked
volume() {
	local dev

	dev=$(device_number "$1")
	shadowadm volume list --json |
		jq -r --arg d "$dev" '.volumes[] | select(.dev == $d) | .'"$2"
}

# device_number NODE: print MAJOR:MINOR
device_number() {
	local pair

	pair=$(stat -L -c '0x%t 0x%T' "$1")
	# shellcheck disable=SC2086 # two numbers
	printf '%d:%d\n' $pair
}

# partition DISK START:SECTORS...: a DOS table of up to four partitions
partition() {
	local disk=$1 entry=0 pair

	shift
	zeroed_table "$disk"
	for pair; do
		mbr_put "$disk" $((446 + entry * 16 + 4)) 83000000
		mbr_put "$disk" $((446 + entry * 16 + 8)) "$(le32 "${pair%:*}")$(le32 "${pair#*:}")"
		entry=$((entry + 1))
	done
	reread_table "$disk"
}

zeroed_table() {
	dd if=/dev/zero of="$1" bs=512 count=1 conv=notrunc,fsync status=none
	mbr_put "$1" 510 55aa
}

reread_table() {
	settle
	blockdev --rereadpt "$1"
	settle
}

# le32 NUMBER: print its four bytes in hexadecimal, lowest first
le32() {
	printf '%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}

# mbr_put DISK OFFSET HEX
mbr_put() {
	# shellcheck disable=SC2001,SC2059 # a byte after the other, as escapes
	printf "$(sed 's/../\\x&/g' <<<"$3")" |
		dd of="$1" bs=1 seek="$2" conv=notrunc,fsync status=none
}

# shadow_count, volume_count: print how many there are
shadow_count() {
	shadowadm list --json | jq '.shadows | length'
}

volume_count() {
	shadowadm volume list --json | jq '.volumes | length'
}

# track DEVICE [OPTION...]: track a volume for the rest of the test
track() {
	shadowadm volume track "$@" >/dev/null
	cleanup "shadowadm volume untrack '$1' >/dev/null 2>&1 || true"
}

# listen: write events to $EVENTS from now on, as JSON, one a line
listen() {
	EVENTS=$SCRATCH/events
	bg 100 shadowadm monitor --json >"$EVENTS"
	wait_for 10 someone_listens
}

# Is there a generic netlink socket (16) in a multicast group?
someone_listens() {
	awk '$2 == 16 && $4 != "00000000" { found = 1 } END { exit !found }' /proc/net/netlink
}

# event NAME [REASON]: did it come?
event() {
	jq -e -s --arg e "$1" --arg r "${2:-}" \
		'any(.[]; .event == $e and ($r == "" or .reason == $r))' "$EVENTS" >/dev/null
}

# no_event NAME: did it not come?
no_event() {
	! event "$1"
}

# is_lost IMAGE REASON: it is lost, for that reason, and says so everywhere
is_lost() {
	wait_for 20 lost_for "$1" "$2"
	is "$(shadow "$1" '| "\(.state) \(.reason)"')" "lost $2" "list says why it was lost"
	is "$(shadowadm show "$1" --json | jq -r '.shadows[0] | "\(.state) \(.reason)"')" \
		"lost $2" "show says it too"
	wait_for 10 event lost "$2"
	ok "an event told it"
	expect_fail 'Input/output error' dd if="$1" of=/dev/null bs=4k count=1 iflag=direct
}

lost_for() {
	[ "$(shadow "$1" '| "\(.state) \(.reason)"')" = "lost $2" ]
}

# new_one_works DEVICE IMAGE [OPTION...]: after a loss the old one can be deleted,
# and a new one made, kept while its origin changes, and deleted
new_one_works() {
	local device=$1 sum

	drop "$2"
	ok "the lost one can be deleted"
	shift 2
	sum=$(checksum "$device")
	take "$device" "$@"
	devio "$device" write:0:64k write:1m:1m
	is "$(checksum "$IMAGE")" "$sum" "a new one is as it should be"
	drop "$IMAGE"
}

# unload: the module goes
unload() {
	rmmod shadow
	check "the module is gone" [ ! -d /sys/module/shadow ]
}

# freezing_nests: does this kernel (6.8 and later) freeze a filesystem that is
# frozen already once more?
freezing_nests() {
	[ "$(printf '%s\n' 6.8 "$(uname -r)" | sort -V | head -n 1)" = 6.8 ]
}
