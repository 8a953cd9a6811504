# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of failures share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# linear DEVICE, failing DEVICE: tables of a device that works and of one where
# everything fails
linear() {
	echo "0 $(sectors "$1") linear $1 0"
}

failing() {
	echo "0 $(sectors "$1") error"
}

# write_under DEVICE [OPTION...]: numbered writes in the background, as process
# $BG, their numbers in $SCRATCH/written; begun when this returns
write_under() {
	local device=$1

	shift
	bg 100 ledger write --progress "$SCRATCH/progress" "$@" "$device" >"$SCRATCH/written"
	wait_for 10 progress_beyond 20
}

progress_beyond() {
	[ "$(progress)" -gt "$1" ]
}

# progress: print how many numbered writes have ended
progress() {
	od -A n -t u8 -N 8 "$SCRATCH/progress" | tr -d ' '
}

# no_error PID: end the writer; all its writes succeeded and are there
no_error() {
	pkill -TERM -P "$1" ledger || true
	check "the writer saw no error" bg_wait "$1"
}
