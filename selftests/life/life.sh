# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of coming and going share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# write_under DEVICE [OPTION...]: numbered writes in the background, as process
# $WRITER; begun when this returns
write_under() {
	bg 550 ledger write --progress "$SCRATCH/progress" "$@" >"$SCRATCH/written"
	WRITER=$BG
	wait_for 10 begun
}

begun() {
	[ "$(od -A n -t u8 -N 8 "$SCRATCH/progress")" -gt 20 ]
}

# none_lost DEVICE [OPTION...]: end the writer: no write failed, and all are there
none_lost() {
	pkill -TERM -x ledger
	check "no write failed" bg_wait "$WRITER"
	check "no write is missing" ledger check --expect "$SCRATCH/written" "$@"
}

untracked() {
	[ "$(volume_count)" = 0 ]
}
