# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests share that change a store while it is in use.

# shellcheck source=selftests/store/store.sh
. "${BASH_SOURCE[0]%/*}/store.sh"

# begin_slow: a shadow of the origin and its oracle; the store's disk can be made slow
begin_slow() {
	fill "$DISK_origin" 1
	modprobe dm-delay
	dm_delay slow "$DISK_store" 0
	need_module
	shadow_with_oracle "$DISK_origin" /dev/mapper/slow "$DISK_origin"
}

# resize PART MIB: change a part of the origin's store; $MOVED bytes were moved
resize() {
	MOVED=$(parts resize "$DISK_origin" "$1" "$2")
	diag "part $1, $2 MiB: $MOVED bytes were moved"
}

# add_part DEVICE|memory:MIB: $PART is its number
add_part() {
	local store=$1

	case $store in
	memory:*) store=memory:$((${store#*:} << 20)) ;;
	esac
	# shellcheck disable=SC2034 # for the caller
	PART=$(parts add "$DISK_origin" "$store")
}

# numbers: print the parts of the origin's store
numbers() {
	parts list "$DISK_origin" | sed -n 's/.* part=\([0-9]*\) .*/\1/p' | paste -sd ' '
}

# readers_start IMAGE ORACLE N: N readers compare all of the image, again and again
readers_start() {
	local i

	READERS=()
	: >"$SCRATCH/rounds"
	: >"$SCRATCH/wrong"
	for ((i = 0; i < $3; i++)); do
		# shellcheck disable=SC2016
		bg 200 bash -c 'while :; do
			ora_compare "$1" "$2" >>"$3/wrong" 2>&1 || exit 1
			echo >>"$3/rounds"
			done' reader "$1" "$2" "$SCRATCH"
		READERS+=("$BG")
	done
}

rounds() {
	wc -l <"$SCRATCH/rounds"
}

has_rounds() {
	[ "$(rounds)" -ge "$1" ] || ! kill -0 "${READERS[0]}" 2>/dev/null
}

# readers_see N: they have read all of it N times more, and have seen nothing wrong
readers_see() {
	local reader

	wait_for 120 has_rounds $(($(rounds) + $1))
	for reader in "${READERS[@]}"; do
		kill -0 "$reader" 2>/dev/null || not_ok "a reader goes on: $(cat "$SCRATCH/wrong")"
	done
	is "$(cat "$SCRATCH/wrong")" "" "readers see nothing wrong"
}

# readers_stop N: the same, and that was all
readers_stop() {
	local reader

	readers_see "$1"
	for reader in "${READERS[@]}"; do
		bg_stop "$reader"
	done
}

# resize_begin PART MIB: the same in the background, as process $RESIZE; its answer is
# in $SCRATCH/answer
resize_begin() {
	bg 100 parts resize "$DISK_origin" "$1" "$2" >"$SCRATCH/answer" 2>&1
	RESIZE=$BG
	wait_for 20 resize_runs "$1"
	is "$(part "$DISK_origin" state "$1")" draining "part $1 is being cleared out"
}

resize_runs() {
	[ "$(part "$DISK_origin" state "$1")" = draining ] || ! kill -0 "$RESIZE" 2>/dev/null
}

# resize_ends REGEX: it has ended, and says so
resize_ends() {
	bg_wait "$RESIZE" || true
	like "$(cat "$SCRATCH/answer")" "$1" "the command ends: $1"
}
