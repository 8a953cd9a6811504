# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of shadowadm run share: two volumes on which a program writes that lets it be seen
# whether a copy of both is of one instant.
#
# It goes through its files in order, again and again, and gives each the number of the round; every
# second one is on the other volume.  So at any instant the numbers do not grow from one file to
# the next, and the last is at most one less than the first.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

STEPS=60

# step N DIRECTORY DIRECTORY: print the path of the Nth file
step() {
	local dirs=("${@:2}")

	printf '%s/step.%03d\n' "${dirs[$1 % 2]}" "$1"
}

# climb DIRECTORY DIRECTORY: the program
climb() {
	local round n path

	for ((round = 1; ; round++)); do
		for ((n = 0; n < STEPS; n++)); do
			path=$(step $n "$@")
			echo $round >"${path%/*}/.new"
			mv "${path%/*}/.new" "$path"
		done
	done
}

# round DIRECTORY DIRECTORY: print the one that its first file is in
round() {
	cat "$(step 0 "$@")"
}

round_beyond() {
	[ "$(round "$2" "$3")" -gt "$1" ]
}

# busy DIRECTORY DIRECTORY: the program runs from now on
busy() {
	export -f climb step
	export STEPS
	# shellcheck disable=SC2016 # for the other shell
	bg 900 bash -c 'climb "$@"' climb "$@"
	wait_for 60 test -e "$(step $((STEPS - 1)) "$@")"
	wait_for 60 round_beyond 1 "$@"
}

# one_instant LEAST DIRECTORY DIRECTORY: is a copy of the files of one instant, of that round or later?
one_instant() {
	local least=$1 n number first="" last=""

	shift
	for ((n = 0; n < STEPS; n++)); do
		number=$(cat "$(step $n "$@")") || return 1
		if [ $n -eq 0 ]; then
			first=$number
		elif [ "$number" -gt "$last" ]; then
			diag "file $n has $number after $last"
			return 1
		fi
		last=$number
	done
	if [ "$first" -lt "$least" ] || [ $((first - last)) -gt 1 ]; then
		diag "from $first to $last; at least $least"
		return 1
	fi
}

# things DIRECTORY: make some of what a backup has to keep, with a copy in $SCRATCH/things
things() {
	mkdir -p "$1/deep/er"
	fill "$1/data" 1 2
	fill "$1/deep/er/data" 2 1
	truncate -s 3M "$1/sparse"
	echo here | dd of="$1/sparse" bs=1 seek=2M conv=notrunc status=none
	ln "$1/data" "$1/deep/hard"
	ln -s ../data "$1/deep/soft"
	chmod 4711 "$1/deep/er/data"
	touch -d '2001-02-03 04:05:06' "$1/deep/er/data" "$1/deep/er"
	mkfifo "$1/fifo"
	rm -rf "$SCRATCH/things"
	rsync -aH "$1/" "$SCRATCH/things/"
}

# same_things DIRECTORY: is it what things() made?
same_things() {
	local different

	different=$(rsync -aHcni --delete "$SCRATCH/things/" "$1/") || return 1
	[ -z "$different" ] || diag "$different"
	[ -z "$different" ]
}

# destroyed DIRECTORY COMMAND...: as part of the command that is run, destroy what is on the volume
# now, which is asked for by a pipe, and go on with COMMAND
cat >"$SCRATCH/destroyed" <<-'EOF2'
	#!/bin/sh
	echo go >"$ASK" && read -r answer <"$ANSWER" && [ "$answer" = destroyed ] || exit 99
	[ -z "$PAUSE" ] || sleep "$PAUSE"
	exec "$@"
EOF2
chmod +x "$SCRATCH/destroyed"

# run_on_shadows DIRECTORY RUN-OPTION... -- COMMAND...: what is in DIRECTORY on the volume is destroyed
# before COMMAND begins, which finds it in the shadow all the same
run_on_shadows() {
	local directory=$1 status=0 asked job own=()

	shift
	while [ "$1" != -- ]; do
		own+=("$1")
		shift
	done
	shift
	rm -f "$SCRATCH/ask" "$SCRATCH/answer"
	mkfifo "$SCRATCH/ask" "$SCRATCH/answer"
	export ASK=$SCRATCH/ask ANSWER=$SCRATCH/answer PAUSE=${PAUSE:-}
	timeout 400 shadowadm run "${own[@]}" -- "$SCRATCH/destroyed" "$@" &
	job=$!
	read -t 60 -r asked <>"$ASK"
	is "$asked" go "the command has begun"
	rm -rf "${directory:?}"/*
	echo destroyed >"$ANSWER"
	wait $job || status=$?
	return $status
}

# nothing_left: no shadow, nothing tracked, and no process has an image mounted
nothing_left() {
	wait_for 20 nothing_there
	is "$(shadow_count) $(volume_count)" "0 0" "no shadow is left, and nothing is tracked"
	is "$(grep -l /dev/shadow /proc/[0-9]*/mountinfo 2>/dev/null || true)" "" "nothing is mounted"
}

nothing_there() {
	[ "$(shadow_count) $(volume_count)" = "0 0" ]
}
