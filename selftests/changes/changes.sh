# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of changes share.
#
# Instants are numbered from 0 on: image and identity of each are in ${IMAGE_OF[n]} and
# ${UUID_OF[n]}; what was written from one to the next is in the file $SCRATCH/written.n.
# The beginning of tracking can be one; it has no image.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

ORIGIN=${DISK_origin:-}
IMAGE_OF=() UUID_OF=()

# begin [BYTES]: track $ORIGIN, with so much memory; this is an instant, too
begin() {
	delta track "$(device_number "$ORIGIN")" "$@"
	cleanup 'shadowadm volume untrack "$ORIGIN" >/dev/null 2>&1 || true'
	IMAGE_OF+=("")
	UUID_OF+=("$(tracking generation)")
	: >"$SCRATCH/written.$((${#UUID_OF[@]} - 1))"
}

# instant [VOLUME] [OPTION...]: a shadow of the volume, $ORIGIN if none is named
instant() {
	instant_told "$@" --no-free-space
}

# instant_told [VOLUME] [OPTION...]: the same, and what is free is told
instant_told() {
	[[ ${1:-} = /* ]] || set -- "$ORIGIN" "$@"
	take_used "$@"
	IMAGE_OF+=("$IMAGE")
	UUID_OF+=("$(shadow "$IMAGE" uuid)")
	: >"$SCRATCH/written.$((${#UUID_OF[@]} - 1))"
}

# operate OPERATION...: as devio on $ORIGIN, and note which bytes are written
operate() {
	operate_on "$ORIGIN" 0 "$@"
}

# operate_on DEVICE SHIFT OPERATION...: the same on another device; what is written to $ORIGIN by
# that lies SHIFT bytes further on there
operate_on() {
	local device=$1 shift=$2 size op kind at length

	shift 2
	devio "$device" "$@"
	size=$(blockdev --getsize64 "$device")
	for op; do
		IFS=: read -r kind at length <<<"${op#\?}"
		[ "$kind" != fsync ] || continue
		at=$(bytes_of "$at")
		[ "$at" -ge 0 ] || at=$((size + at))
		was_written $((at + shift)) "$(bytes_of "$length")"
	done
}

# was_written FIRST BYTES: these bytes of $ORIGIN, since the newest instant
was_written() {
	echo "$1 $2" >>"$SCRATCH/written.$((${#UUID_OF[@]} - 1))"
}

# bytes_of NUMBER: as devio reads it
bytes_of() {
	case $1 in
	*k) echo $((${1%k} * 1024)) ;;
	*m) echo $((${1%m} * 1048576)) ;;
	*s) echo $((${1%s} * 512)) ;;
	*) echo "$1" ;;
	esac
}

# written_between SINCE INSTANT: print a file with what was written between the two, and to images
written_between() {
	local n

	for ((n = $1; n < $2; n++)); do
		cat "$SCRATCH/written.$n"
	done >"$SCRATCH/written.$1-$2"
	for n in "$1" "$2"; do
		[ ! -e "$SCRATCH/image.$n" ] || cat "$SCRATCH/image.$n"
	done >>"$SCRATCH/written.$1-$2"
	echo "$SCRATCH/written.$1-$2"
}

# exact SINCE INSTANT [WHAT [SINCE-IMAGE]]: changed is what was written, and what differs is; both
# images exist, or there is a copy of the first one
exact() {
	local status=0 said

	said=$(delta check "${4:-${IMAGE_OF[$1]}}" "${IMAGE_OF[$2]}" "${UUID_OF[$1]}" \
		"${UUID_OF[$2]}" "$(written_between "$1" "$2")" 2>&1) || status=$?
	is "$status ${said##*; }" "0 missed 0, too much 0" "${3:-$1 to $2}: $said"
	known "$1" "$2" "${3:-}"
}

# known SINCE INSTANT [WHAT]: changed is what was written; no image need exist
known() {
	local status=0 said file

	file=$(written_between "$1" "$2")
	said=$(delta written "${UUID_OF[$2]}" "${UUID_OF[$1]}" "$file" "$file" 2>&1) || status=$?
	is "$status ${said##*; }" "0 missed 0, too much 0" "${3:-$1 to $2}: what was written: $said"
}

# unknown SINCE INSTANT
unknown() {
	expect_fail 'No data available|No such file' delta runs C "${UUID_OF[$2]}" "${UUID_OF[$1]}"
}

# pairs known|unknown INSTANT...: each with each later one
pairs() {
	local how=$1 a b

	shift
	for a; do
		for b; do
			[ "$a" -ge "$b" ] || "$how" "$a" "$b"
		done
	done
}

# keep INSTANT..., forgo INSTANT...: keep bases, or drop them
keep() {
	local n

	for n; do
		delta keep "${UUID_OF[n]}"
	done
}

forgo() {
	local n

	for n; do
		delta drop "${UUID_OF[n]}"
	done
}

# gone INSTANT...: delete shadows
gone() {
	local n

	for n; do
		drop "${IMAGE_OF[n]}"
		IMAGE_OF[n]=
	done
}

# bases: print the numbers of the instants that are listed, each with its letters
bases() {
	local uuid letters rest n found=()

	while read -r uuid letters rest; do
		for ((n = 0; n < ${#UUID_OF[@]}; n++)); do
			[ "${UUID_OF[n]}" != "$uuid" ] || found+=("$n:$letters")
		done
	done < <(delta bases | sed 's/  / - /')
	echo "${found[*]}"
}

# tracking [KEY]: print what is known of the changes of $ORIGIN, or one thing of it: see delta
tracking() {
	delta tracking "$(device_number "$ORIGIN")" | awk -v key="${1:-}" '{
		n = split("reason bases memory forgotten generation limit", names)
		for (i = 1; i <= n; i++)
			if (names[i] == key)
				print $i
		if (key == "")
			print
	}'
}

# -- dm-log-writes below the volume: an independent witness

# log_below DISK LOG: $ORIGIN is that disk, and all that is written to it is noted in LOG
log_below() {
	modprobe dm-log-writes
	dm_create logged "0 $(sectors "$1") log-writes $1 $2"
	LOGGED=$2
	ORIGIN=/dev/mapper/logged
}

# log_mark NAME: what has ended before this is before the mark in the log, what begins after it
# behind it
log_mark() {
	devio "$ORIGIN" fsync
	dmsetup message logged 0 mark "$1"
}

# logged_instant NUMBER [OPTION...]: between the marks before.NUMBER and after.NUMBER
logged_instant() {
	local n=$1

	shift
	log_mark "before.$n"
	instant_told "$@"
	log_mark "after.$n"
}

# read_log: when all has been written
read_log() {
	log_mark end
	blockdev --flushbufs "$LOGGED"	# the cache does not know what was written
	logwrites "$LOGGED" >"$SCRATCH/log"
}

# logged FROM TO: print what is in the log between two marks
logged() {
	awk -v from="$1" -v to="$2" '
		$3 == "mark" { on = $4 == from ? 1 : $4 == to ? 0 : on }
		$3 != "mark" && on && $2 { printf "%.0f %.0f\n", $1 * 512, $2 * 512 }' "$SCRATCH/log"
}

# by_log SINCE INSTANT: all has changed that was surely written between the two, and nothing that
# was surely not
by_log() {
	local status=0 said

	logged "after.$1" "before.$2" >"$SCRATCH/least"
	logged "before.$1" "after.$2" >"$SCRATCH/most"
	said=$(delta written "${UUID_OF[$2]}" "${UUID_OF[$1]}" "$SCRATCH/least" \
		"$SCRATCH/most" 2>&1) || status=$?
	is "$status ${said##*; }" "0 missed 0, too much 0" \
		"$1 to $2: what the log has: $said ($(wc -l <"$SCRATCH/least") to $(wc -l <"$SCRATCH/most") writes)"
}

# differing SINCE INSTANT [SINCE-IMAGE]: what differs has changed, or was free at one of the two
differing() {
	local status=0 said

	said=$(delta check "${3:-${IMAGE_OF[$1]}}" "${IMAGE_OF[$2]}" "${UUID_OF[$1]}" \
		"${UUID_OF[$2]}" 2>&1) || status=$?
	is "$status ${said##*; }" "0 missed 0, too much 0" "$1 to $2: what differs: $said"
}
