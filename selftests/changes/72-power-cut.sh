#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: after a loss of power nothing is known of changes, or all; a detaching saves the new generation
# DISKS: origin=48M store=128M
# TIMEOUT: 600

. "$(dirname "$0")/saved.sh"

last=4
need_module

# somewhere: a few writes that are remembered
somewhere() {
	local n

	for ((n = 0; n < 5; n++)); do
		operate "write:$((4 * (SRANDOM % 12000)))k:$((4 + 4 * (SRANDOM % 60)))k"
	done
}

# load: writes that are not
load() {
	local n=0

	while :; do
		devio "$ORIGIN" "write:$((4 * (SRANDOM % 12000)))k:$((4 + 4 * (SRANDOM % 60)))k" ||
			break
		n=$((n + 1))
	done
}

# all_exact SINCE LAST: each interval, and all together
all_exact() {
	local n

	for ((n = $1; n < $2; n++)); do
		exact "$n" $((n + 1))
	done
	known "$1" "$2"
}

# unknown_all: of none of the instants up to now
unknown_all() {
	local n

	for ((n = 0; n + 1 < ${#UUID_OF[@]}; n++)); do
		unknown "$n" $((n + 1))
	done
}

# begin: one instant more, since which all is remembered; older shadows go, but for the last one
begin() {
	local image

	for image in "${IMAGE_OF[@]:0:${#IMAGE_OF[@]} - 1}"; do
		[ -z "$image" ] || drop "$image"
	done
	persistent
	FIRST=$((${#UUID_OF[@]} - 1))
	find_images
}

# nothing_missed SINCE INSTANT: what differs has changed; more has been written, perhaps
nothing_missed() {
	local status=0 said

	said=$(delta check "${IMAGE_OF[$1]}" "${IMAGE_OF[$2]}" "${UUID_OF[$1]}" "${UUID_OF[$2]}" \
		2>&1) || status=$?
	is "$status" 0 "nothing is missed from $1 to $2: $said"
}

if [ "$STAGE" -eq 0 ]; then
	fill "$ORIGIN" 1
	begin
else
	recall
	FIRST=$(<"$RESULTS/first")
	attach_store
	newest=$((${#UUID_OF[@]} - 1))
	if [ $((STAGE % 2)) -eq 0 ]; then
		is "$(tracking | cut -d ' ' -f 5)" "$(<"$RESULTS/generation")" \
			"it was detached: the generation is that of before"
		all_exact "$FIRST" "$newest"
		begin
		exact "$newest" "$FIRST"
	elif [ "$(tracking | cut -d ' ' -f 5)" != "$(<"$RESULTS/generation")" ]; then
		is "$(tracking | cut -d ' ' -f 1,2)" "3 0" "power was lost: nothing is known"
		unknown_all
		begin
	else
		check "else the store was detached" [ -s "$RESULTS/detached" ]
		all_exact "$FIRST" "$newest"
		begin
		nothing_missed "$newest" "$FIRST"
	fi
fi
rm -f "$RESULTS/detached"

if [ "$STAGE" -eq "$last" ]; then
	drop_all
	unload
	exit
fi

somewhere
persistent
somewhere
persistent
all_exact "$FIRST" $((${#UUID_OF[@]} - 1))
echo "$FIRST" >"$RESULTS/first"
somewhere
remember
tracking | cut -d ' ' -f 5 >"$RESULTS/generation"
sync
if [ $((STAGE % 2)) -eq 1 ]; then
	detach_store
	saved_is saved
else
	bg 60 load
	sleep "$((SRANDOM % 2)).$((SRANDOM % 10))"
	# The last detaching, after which no write gets through.
	[ "$STAGE" -eq 0 ] || { echo begun >"$RESULTS/detached"; sync; bg 60 shadowadm store detach -q "$ORIGIN" --final; }
	sleep "0.$((SRANDOM % 10))"
fi
power_cut
