# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of holds share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# owner ARGUMENT...: holder (see tools/holder.c) in the background, as process
# $OWNER; what it says is in $SCRATCH/owner, also how it ended
owner() {
	bg 60 bash -c 'holder "$@"; echo "status=$?"' owner "$@" >"$SCRATCH/owner" 2>&1
	# shellcheck disable=SC2034 # for those who source this
	OWNER=$BG
	cleanup 'drop_all'
}

# paused [TIMES]: wait until the owner is at its first, second... pause
paused() {
	wait_for 15 at_pause "${1:-1}"
}

at_pause() {
	[ "$(grep -c paused "$SCRATCH/owner")" -ge "$1" ]
}

resume() {
	pkill -USR1 -x holder
}

# kill_owner: at once, and wait until the kernel is through with it
kill_owner() {
	pkill -KILL -x holder
	ended
}

# ended: wait until the owner has ended
ended() {
	wait_for 20 grep -q '^status=' "$SCRATCH/owner"
}

said() {
	cat "$SCRATCH/owner"
}

# write_under DEVICE... [OPTION...]: numbered writes in the background, as process
# $WRITER; begun when this returns
write_under() {
	rm -f "$SCRATCH/progress"
	bg 110 ledger write --progress "$SCRATCH/progress" "$@" >"$SCRATCH/written"
	WRITER=$BG
	wait_for 10 progress_beyond 20
}

# progress: print how many numbered writes have ended
progress() {
	od -A n -t u8 -N 8 "$SCRATCH/progress" | tr -d ' '
}

progress_beyond() {
	[ "$(progress)" -gt "$1" ]
}

# stands: the writer gets no further
stands() {
	local before

	sleep 0.3
	before=$(progress)
	sleep 0.5
	is "$(progress)" "$before" "the writer waits"
}

# goes_on: the writer gets further
goes_on() {
	local before

	before=$(progress)
	wait_for 10 progress_beyond "$((before + 20))"
	ok "the writer goes on"
}

# none_lost DEVICE... [OPTION...]: end the writer: no write failed, and all are there
none_lost() {
	pkill -TERM -x ledger
	check "no write failed" bg_wait "$WRITER"
	check "no write is missing" ledger check --expect "$SCRATCH/written" "$@"
}

# nothing_left: no shadow, no store, nothing tracked
nothing_left() {
	wait_for 20 nothing_there
	is "$(shadow_count) $(volume_count)" "0 0" "no shadow is left, and nothing is tracked"
}

nothing_there() {
	[ "$(shadow_count) $(volume_count)" = "0 0" ]
}

# held DEVICE: is its gate closed?
held() {
	[ "$(volume "$1" state)" = held ]
}

gone() {
	! kill -0 "$1"
}

# stick NAME, unstick NAME: between them no write to a device-mapper device ends
stick() {
	dmsetup suspend --nolockfs --noflush "$1"
	cleanup "dmsetup resume '$1'"
}

unstick() {
	dmsetup resume "$1"
}

# in_flight DEVICE: is there a write on its way?
in_flight() {
	[ "$(volume "$1" bios_inflight)" -ge 1 ]
}
