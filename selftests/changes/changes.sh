# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of changes share.
#
# Instants are numbered from 0 on: image and identity of each are in ${IMAGE_OF[n]} and
# ${UUID_OF[n]}; what was written from one to the next is in the file $SCRATCH/written.n.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

ORIGIN=${DISK_origin:-}
IMAGE_OF=() UUID_OF=()

# instant [VOLUME] [OPTION...]: a shadow of the volume, $ORIGIN if none is named
instant() {
	[ $# -gt 0 ] && [[ $1 = /* ]] || set -- "$ORIGIN" "$@"
	take_used "$@" --no-free-space
	IMAGE_OF+=("$IMAGE")
	UUID_OF+=("$(shadow "$IMAGE" uuid)")
	: >"$SCRATCH/written.$((${#UUID_OF[@]} - 1))"
}

# operate OPERATION...: as devio on $ORIGIN, and note which bytes are written
operate() {
	local size op kind at length

	devio "$ORIGIN" "$@"
	size=$(blockdev --getsize64 "$ORIGIN")
	for op; do
		IFS=: read -r kind at length <<<"${op#\?}"
		[ "$kind" != fsync ] || continue
		at=$(bytes_of "$at")
		[ "$at" -ge 0 ] || at=$((size + at))
		echo "$at $(bytes_of "$length")" >>"$SCRATCH/written.$((${#UUID_OF[@]} - 1))"
	done
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

# written_between SINCE INSTANT: print a file with what was written between the two
written_between() {
	local n

	for ((n = $1; n < $2; n++)); do
		cat "$SCRATCH/written.$n"
	done >"$SCRATCH/written.$1-$2"
	echo "$SCRATCH/written.$1-$2"
}

# blocks_written SINCE INSTANT: print how many blocks that were
blocks_written() {
	awk '{ for (b = int($1 / 4096); b * 4096 < $1 + $2; b++) if (!seen[b]++) n++ }
		END { print n + 0 }' "$(written_between "$1" "$2")"
}

# blocks_changed SINCE INSTANT: print how many have changed
blocks_changed() {
	delta runs C "${UUID_OF[$2]}" "${UUID_OF[$1]}" |
		awk '{ n += int(($2 + 4095) / 4096) } END { print n + 0 }'
}

# exact SINCE INSTANT [WHAT]: both images exist; changed is what was written, and what differs is
exact() {
	local status=0 said

	said=$(delta check "${IMAGE_OF[$1]}" "${IMAGE_OF[$2]}" "${UUID_OF[$1]}" "${UUID_OF[$2]}" \
		"$(written_between "$1" "$2")" 2>&1) || status=$?
	is "$status ${said##*; }" "0 missed 0, too much 0" "${3:-$1 to $2}: $said"
	is "$(blocks_changed "$1" "$2")" "$(blocks_written "$1" "$2")" \
		"${3:-$1 to $2}: as many as were written"
}

# known SINCE INSTANT: exact, where the first image may be gone
known() {
	is "$(blocks_changed "$1" "$2")" "$(blocks_written "$1" "$2")" \
		"$1 to $2: as many as were written"
}

# unknown SINCE INSTANT
unknown() {
	expect_fail 'No data available|No such file' delta runs C "${UUID_OF[$2]}" "${UUID_OF[$1]}"
}

# tracking: print what is known of the changes of $ORIGIN: see delta
tracking() {
	delta tracking "$(device_number "$ORIGIN")"
}
