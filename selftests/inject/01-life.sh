#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: each allocation and each bio in the life of a volume fails, and nothing is lost
# DISKS: origin=392M store=64M files=64M
# KARGS: kmemleak=on
# TIMEOUT: 1800
# EXPECT_LOG: Call Trace

. "$(dirname "$0")/inject.sh"

TRACING=/sys/kernel/tracing
declare -A failed
declare -a watched

# walk_together STORE: make all that a function allocates fail, as long as one life
# takes, then a third of everything: so the second attempts after a failure fail, too,
# and pools run empty.  Not where the first failure was the end of that life.
#
# An allocation that is not to warn fails in silence, so probes look at what calls
# return.
walk_together() {
	local name start end rest

	while read -r name start end; do
		goes_on "$name" || continue
		echo "$name $(at "$base" "$start") $(at "$base" $((end + 1))) alloc 1000000 100"
	done < <(functions) >"$SCRATCH/walk"
	for name in 1 2 3 4; do
		echo "everything-$name $base $(at "$base" 0x100000) late 1000000 33"
	done >>"$SCRATCH/walk"
	while read -r name rest; do
		watch_calls
		inject sites "$DISK_origin" "$1" <<<"$name $rest" >"$SCRATCH/out" ||
			not_ok "all of $name fails, store in $1"
		cat "$SCRATCH/out"
		note_failed "$name"
	done <"$SCRATCH/walk"
}

# watch_calls: record each failure of the calls that did not fail yet
watch_calls() {
	local offset site callee type filter count=0

	watched=()
	while read -r _ offset site callee; do
		[ -z "${failed[$site]:-}" ] || continue
		read -r type filter <<<"$(told_by "$callee")"
		# Not in functions without tracing.
		if ! printf 'p:inject/at_%d %s ret=%%ax:%s\n' "$count" \
			"$(at "$base" "$offset")" "$type" >>"$TRACING/kprobe_events" 2>/dev/null; then
			diag "$site cannot be probed"
			continue
		fi
		echo "$filter" >"$TRACING/events/inject/at_$count/filter"
		watched[count]=$site
		count=$((count + 1))
	done <"$SCRATCH/sites"
	echo >"$TRACING/trace"
	[ "$count" = 0 ] || echo 1 >"$TRACING/events/inject/enable"
}

# note_failed NAME: which were recorded, while NAME was to fail
note_failed() {
	local count

	[ ${#watched[@]} = 0 ] || echo 0 >"$TRACING/events/inject/enable"
	while read -r count; do
		failed[${watched[count]}]=$1
	done < <(sed -n 's/.*: at_\([0-9]*\): .*/\1/p' "$TRACING/trace" | sort -u)
	echo >"$TRACING/kprobe_events"
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

need_injection "$DISK_origin" "$DISK_store" "$DISK_files"
all_known
sites | at_load -v >"$SCRATCH/sites"
need_module
no_udev
base=$(section .text)
bg 3500 shadowadm monitor >/dev/null	# events are for somebody
wait_for 10 someone_listens
mkfs_on ext4 "$DISK_files"
mount_at "$DISK_files" "$SCRATCH/files"
store=$SCRATCH/files/store
fallocate -l 32M "$store"
walk memory
walk "$DISK_store"
walk "$store"
walk_refused
walk_together memory
walk_together "$DISK_store"
walk_together "$store"
all_failed "$SCRATCH/sites"
bg_stop "$BG"
umount_at "$SCRATCH/files"
unload_clean
