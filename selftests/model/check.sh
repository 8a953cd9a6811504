#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: no order of events breaks a shadow: model of preserving, reading, taking, deleting
# NATIVE
# TIMEOUT: 600
#
# Searches all states of shadow.pml in several sizes, which must find no error,
# then again with each planted mistake, which must be caught by an assertion.
#
#	check.sh [NAME...]	all, or the proofs and mistakes of these names
#
# DEEP=1 adds larger sizes: minutes, and up to 2 GB each.  JOBS= says how many run
# at a time (2); without DEEP the largest takes 0.8 GB.

set -u

model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/shadow.pml
jobs=${JOBS:-2}
wanted=" $* "
kinds=() names=() texts=() sizes=() pids=()

# add KIND NAME TEXT SIZES...
add() {
	[ "$wanted" = "  " ] || [[ $wanted == *" $2 "* ]] || return 0
	kinds+=("$1")
	names+=("$2")
	texts+=("$3")
	sizes+=("${*:4}")
}

proof() { add proof "$@"; }
deep() { [ -z "${DEEP:-}" ] || add deep "$@"; }
mistake() { add mistake "$@" "-D$1"; }

proof writes "3 writes, 2 instants, timer" -DNBIO=3 -DREADER -DTIMER
proof blocks "2 blocks, 2 writes, 2 instants, timer" -DNBLOCK=2 -DREADER -DTIMER
proof shadows "3 writes, 3 instants" -DNBIO=3 -DNINSTANT=3 -DREADER
proof cpus "2 writes, 2 instants, timer, counted on 2 CPUs" -DNCPU=2 -DREADER -DTIMER
proof delete "3 writes, 2 shadows, 1 deleted" -DNBIO=3 -DNDELETE=1 -DREADER
proof delete-two "2 writes, 3 shadows, 2 deleted" -DNINSTANT=3 -DNDELETE=2 -DREADER
proof delete-blocks "2 blocks, 2 writes, 2 shadows, 2 deleted" \
	-DNBLOCK=2 -DNDELETE=2 -DREADER
proof free "free space, 2 writes, 3 shadows" -DNINSTANT=3 -DFREE -DREADER
proof free-delete "free space, 2 writes, 2 shadows, 1 deleted" -DNDELETE=1 -DFREE -DREADER
proof ahead "a neighbour preserved, 2 writes, 2 shadows, 1 deleted" \
	-DNDELETE=1 -DAHEAD -DREADER
proof ahead-free "a neighbour preserved, free space, 1 write, 3 shadows, 1 deleted" \
	-DNBIO=1 -DNINSTANT=3 -DNDELETE=1 -DFREE -DAHEAD -DREADER

deep deep-blocks "2 blocks, 3 writes, 2 instants" -DNBLOCK=2 -DNBIO=3 -DREADER
deep deep-cpus "3 writes, 2 instants, counted on 2 CPUs" -DNCPU=2 -DNBIO=3 -DREADER
deep deep-shadows "4 writes, 3 instants" -DNBIO=4 -DNINSTANT=3 -DREADER
deep deep-delete "3 writes, 3 shadows, 1 deleted" \
	-DNBIO=3 -DNINSTANT=3 -DNDELETE=1 -DREADER
deep deep-free "free space, 2 writes, 3 shadows, 2 deleted" \
	-DNINSTANT=3 -DNDELETE=2 -DFREE -DREADER
deep deep-ahead "a neighbour preserved, free space, 2 writes, 2 shadows, 1 deleted" \
	-DNDELETE=1 -DFREE -DAHEAD -DREADER

# Each with the least that shows it.
mistake RELEASE_BEFORE_RECORD "a write passes before its record is made" \
	-DNBIO=1 -DNINSTANT=1 -DREADER
mistake RELEASE_BEFORE_SETTLE "a write passes before its block is settled" \
	-DNBIO=2 -DREADER
mistake SETTLE_BEFORE_RECORD "a block is settled before its record is made" \
	-DNBIO=2 -DNINSTANT=1 -DREADER
mistake NO_RECHECK "an image does not look again after reading the origin" \
	-DNBIO=1 -DNINSTANT=1 -DREADER
mistake FLIP_WITHOUT_DRAIN "an epoch ends with writes in flight" \
	-DNBIO=1 -DNINSTANT=1 -DREADER
mistake GATE_CHECK_BEFORE_COUNT "a write looks at the gate, then counts itself" \
	-DNBIO=1 -DNINSTANT=1 -DREADER
mistake SUM_STARTED_FIRST "the drain sums starts before ends" \
	-DNBIO=2 -DNINSTANT=1 -DREADER
mistake RESUME_UNCOUNTED "the gate opens before the writes behind it are counted again" \
	-DNBIO=2 -DREADER
mistake PARK_UNCHECKED "a write is put behind a gate that has just opened" \
	-DNBIO=1 -DNINSTANT=1
mistake FLIP_AFTER_TIMEOUT "an epoch ends though the timer has opened the gate" \
	-DNBIO=1 -DNINSTANT=1 -DREADER -DTIMER
mistake INSERT_UNCHECKED "a claim is recorded though its block was settled meanwhile" \
	-DNBIO=2 -DNDELETE=1
mistake SWITCH_TARGET_BEFORE_SETTLE "an epoch becomes the target before its records are settled" \
	-DNBIO=2 -DNDELETE=1
mistake MOVE_NOT_ATOMIC "a record is in neither epoch while it moves" \
	-DNBIO=1 -DNDELETE=1 -DREADER
mistake FOLD_LOOKS_ONCE "a fold goes on as if no epoch had begun" \
	-DNBIO=1 -DNINSTANT=3 -DNDELETE=1 -DREADER
mistake FOLD_UNDER_READERS "an epoch is folded while its shadow is read" \
	-DNBIO=1 -DNDELETE=1 -DREADER
mistake FOLDS_AT_ONCE "two epochs of a volume are folded at the same time" \
	-DNBIO=2 -DNINSTANT=3 -DNDELETE=2
mistake SETTLE_NEEDED_BY_OLDER "a free block is settled that an older shadow needs" \
	-DNBIO=1 -DFREE -DREADER
mistake SETTLE_NEEDED_BY_DYING "or one that is being deleted and still read" \
	-DNBIO=1 -DNDELETE=1 -DFREE -DREADER
mistake AHEAD_NOT_COUNTED "an epoch ends while a neighbour is read ahead" \
	-DNBIO=2 -DFREE -DAHEAD -DREADER

skip() {
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit 4
}

# search DIR KIND SIZES...: make the program that searches, and run it; all output to DIR/out
search() {
	local flags

	case $2 in
	proof)		flags="-O1 -DMEMLIM=900" ;;
	deep)		flags="-O2 -DMEMLIM=3000 -DCOLLAPSE" ;;
	mistake)	flags="-O0 -DMEMLIM=900" ;;
	esac
	cd "$1" || return
	{
		# shellcheck disable=SC2086
		spin "${@:3}" -a "$model" &&
			gcc -w -DSAFETY $flags -o pan pan.c &&
			./pan -m10000
	} >out 2>&1
}

# All states were seen, all lines were run but the ends of endless loops, no error.
proved() {
	grep -q '^Full statespace search' "$1" &&
		grep -q 'errors: 0$' "$1" &&
		! grep -Eqi 'not completed|too small|memlim|out of memory' "$1" &&
		! sed -n '/^unreached in/,$p' "$1" | grep -F '.pml:' | grep -vq -- '"-end-"'
}

caught() {
	grep -q '^pan:1: assertion violated' "$1"
}

# explain DIR SIZES...: what was said, and the way to the error
explain() {
	sed "s|$model|shadow.pml|; s/^/# /" "$1/out" | head -40
	if [ -e "$1/shadow.pml.trail" ]; then
		echo "# ... and how it came to that:"
		(cd "$1" && spin "${@:2}" -t -p -k shadow.pml.trail "$model" 2>&1) |
			sed "s|$model|shadow.pml|; s/^/# /"
	fi
}

failures=0
# report N: wait for a search and say how it ended
report() {
	local dir=$scratch/$1 desc verdict size

	read -ra size <<<"${sizes[$1]}"
	wait "${pids[$1]}"
	pids[$1]=
	if [ "${kinds[$1]}" != mistake ]; then
		desc="${names[$1]}: no error with ${texts[$1]}"
		proved "$dir/out"
		verdict=$?
		awk '/states, stored/ { states = $1 }
			/total actual memory usage/ { memory = $1 }
			/elapsed time/ { time = $4 }
			END { printf "# %s states, %s MB, %s s\n", states, memory, time }
		' "$dir/out"
	else
		desc="${names[$1]} is caught: ${texts[$1]}"
		caught "$dir/out"
		verdict=$?
	fi
	if [ $verdict = 0 ]; then
		echo "ok $(($1 + 1)) $desc"
	else
		echo "not ok $(($1 + 1)) $desc"
		failures=$((failures + 1))
		explain "$dir" "${size[@]}"
	fi
	rm -rf "$dir"
}

[ -n "$(command -v spin)" ] || skip "spin is not installed"
[ -n "$(command -v gcc)" ] || skip "gcc is not installed"

scratch=$(mktemp -d) || exit 1
stop() {
	local pid

	for pid in "${pids[@]}"; do
		[ -z "$pid" ] || kill -- "-$pid" 2>/dev/null
	done
	wait
	rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "KTAP version 1"
echo "1..${#names[@]}"

set -m			# each search is a process group
reported=0
for ((n = 0; n < ${#names[@]}; n++)); do
	while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	while [ $reported -lt "$n" ] && ! kill -0 "${pids[reported]}" 2>/dev/null; do
		report $((reported++))
	done
	mkdir "$scratch/$n"
	read -ra size <<<"${sizes[n]}"
	search "$scratch/$n" "${kinds[n]}" "${size[@]}" &
	pids[n]=$!
done
while [ $reported -lt "$n" ]; do
	report $((reported++))
done
[ $failures = 0 ]
