#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: each allocation and each bio in the life of a volume fails, and nothing is lost
# DISKS: origin=136M store=64M
# KARGS: kmemleak=on
# TIMEOUT: 900
# EXPECT_LOG: Call Trace

. "$(dirname "$0")/inject.sh"

TRACING=/sys/kernel/tracing
declare -A failed

# walk STORE: make each site fail that did not yet, once, in a life of its own
walk() {
	local name fired result kind

	while read -r _ offset site callee; do
		[ -z "${failed[$site]:-}" ] || continue
		for kind in $(kinds "$callee" "$site"); do
			echo "$site:$kind $(at "$base" "$offset") $(at "$base" $((offset + 1))) $kind 1 100"
		done
	done <"$SCRATCH/sites" >"$SCRATCH/walk"
	inject sites "$DISK_origin" "$1" <"$SCRATCH/walk" >"$SCRATCH/out" ||
		not_ok "a life with a store in $1"
	cat "$SCRATCH/out"
	while read -r word name fired result; do
		if [ "$word" = site ] && [ "$fired" != fired=0 ]; then
			failed[${name%:*}]=$result
		fi
	done <"$SCRATCH/out"
}

# walk_together STORE: make all that a function allocates fail, as long as one life
# takes, then a third of everything: so the second attempts after a failure fail, too,
# and pools run empty.  Not where the first failure was the end of that life.
#
# An allocation that is not to warn fails in silence, so probes count how often calls
# return: where all fails, each return is a failure.
walk_together() {
	local name start end rest site hits

	while read -r name start end; do
		goes_on "$name" || continue
		echo "$name $(at "$base" "$start") $(at "$base" $((end + 1))) alloc 1000000 100"
	done < <(functions) >"$SCRATCH/walk"
	for name in 1 2 3 4; do
		echo "everything-$name $base $(at "$base" 0x100000) late 1000000 33"
	done >>"$SCRATCH/walk"
	while read -r name rest; do
		echo >"$TRACING/kprobe_events"
		while read -r _ _ site _; do
			if [ "${site%+*}" = "$name" ] && [ -z "${failed[$site]:-}" ]; then
				probe "at_${site##*+}" "shadow:$site"
			fi
		done <"$SCRATCH/sites"
		echo 1 >"$TRACING/events/inject/enable" 2>/dev/null || true
		inject sites "$DISK_origin" "$1" <<<"$name $rest" >"$SCRATCH/out" ||
			not_ok "all of $name fails, store in $1"
		cat "$SCRATCH/out"
		while read -r site hits _; do
			[ "$hits" = 0 ] || failed[$name+${site#at_}]=together
		done <"$TRACING/kprobe_profile"
		echo 0 >"$TRACING/events/inject/enable" 2>/dev/null || true
		echo >"$TRACING/kprobe_events"
	done <"$SCRATCH/walk"
}

# probe NAME PLACE: count how often it is passed; not in functions without tracing
probe() {
	printf 'p:inject/%s %s\n' "$1" "$2" >>"$TRACING/kprobe_events" 2>/dev/null ||
		diag "$2 cannot be probed"
}

# goes_on FUNCTION: has it a call that did not fail yet, or did without an end?
goes_on() {
	local site

	while read -r _ _ site _; do
		[ "${site%+*}" != "$1" ] || [[ ! ${failed[$site]:-done} =~ done ]] || return 0
	done <"$SCRATCH/sites"
	return 1
}

# walk_refused: where ftrace is off, the module looks why its hook is refused
walk_refused() {
	sysctl -q kernel.ftrace_enabled=0
	cleanup 'sysctl -q kernel.ftrace_enabled=1'
	while read -r _ offset site _; do
		arm "$(at "$base" "$offset")" "$(at "$base" $((offset + 1)))"
		expect_fail 'cannot track' shadowadm volume track "$DISK_origin"
		[ "$(disarm)" = 0 ] || failed[$site]=refused
	done < <(grep " ftrace_is_off+" "$SCRATCH/sites")
	sysctl -q kernel.ftrace_enabled=1
}

need_injection "$DISK_origin" "$DISK_store"
all_known
sites | at_load -v >"$SCRATCH/sites"
need_module
no_udev
base=$(section .text)
bg 850 shadowadm monitor >/dev/null	# events are for somebody
wait_for 10 someone_listens
walk memory
walk "$DISK_store"
walk_refused
walk_together memory
walk_together "$DISK_store"
all_failed "$SCRATCH/sites"
bg_stop "$BG"
unload_clean
