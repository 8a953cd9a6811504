#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writes, shadows, deletions and bases at random: between all instants that are known, changed is what was written
# DISKS: origin=16M store=192M
# TIMEOUT: 500

. "$(dirname "$0")/changes.sh"

STEPS=${STEPS:-180}
SEED=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
RANDOM=$SEED
diag "SEED=$SEED STEPS=$STEPS"
kinds=(write write write dsync buffered nowait discard zeroout zero-range punch-hole)
declare -A shadowed=() kept=()

# one_of WORD...: print one by chance; not in a subshell's RANDOM
one_of() {
	local words=("$@")

	CHOSEN=${words[RANDOM % $#]}
}

some_writes() {
	local i ops=() at length

	for ((i = RANDOM % 6; i >= 0; i--)); do
		one_of "${kinds[@]}"
		at=$((RANDOM % 32000))
		length=$((RANDOM % 8 ? RANDOM % 40 + 1 : RANDOM % 700 + 1))
		ops+=("$CHOSEN:${at}s:${length}s")
	done
	operate "${ops[@]}"
}

known_ones() {
	printf '%s\n' "${!shadowed[@]}" "${!kept[@]}" | sort -nu
}

# all_pairs: of all that are known; and, of those that are shadows, what differs
all_pairs() {
	local -a all
	local a b said=ok

	mapfile -t all < <(known_ones)
	for a in "${all[@]}"; do
		for b in "${all[@]}"; do
			[ "$a" -lt "$b" ] || continue
			delta written "${UUID_OF[b]}" "${UUID_OF[a]}" "$(written_between "$a" "$b")" \
				"$(written_between "$a" "$b")" >"$SCRATCH/said" 2>&1 ||
				said="$a to $b: $(<"$SCRATCH/said")"
		done
	done
	is "$said" ok "step $1: ${all[*]}"
}

fill "$ORIGIN" 1
need_module
begin
kept[0]=1
steps=(write write write write take take delete delete keep drop)
for ((step = 1; step <= STEPS; step++)); do
	[ $((step % 20)) -ne 0 ] || all_pairs $step
	one_of "${steps[@]}"
	case $CHOSEN in
	write) some_writes ;;
	take)
		[ ${#shadowed[@]} -lt 6 ] || continue
		instant --store "$DISK_store"
		shadowed[$((${#UUID_OF[@]} - 1))]=1
		;;
	delete)
		[ ${#shadowed[@]} -gt 1 ] || continue
		one_of "${!shadowed[@]}"
		gone "$CHOSEN"
		unset "shadowed[$CHOSEN]"
		;;
	keep)
		[ ${#shadowed[@]} -gt 0 ] || continue
		[ ${#kept[@]} -lt 5 ] || continue
		one_of "${!shadowed[@]}"
		keep "$CHOSEN"
		kept[$CHOSEN]=1
		;;
	drop)
		[ ${#kept[@]} -gt 0 ] || continue
		one_of "${!kept[@]}"
		forgo "$CHOSEN"
		unset "kept[$CHOSEN]"
		;;
	esac
done
mapfile -t images < <(printf '%s\n' "${!shadowed[@]}" | sort -n)
pairs exact "${images[@]}"
is "$(bases | tr ' ' '\n' | cut -d: -f1 | xargs)" "$(known_ones | xargs)" "they are listed, no others"
gone "${!shadowed[@]}"
for n in "${!kept[@]}"; do
	forgo "$n"
done
