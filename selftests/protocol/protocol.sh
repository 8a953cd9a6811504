# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of the protocol share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# A test that takes longer than ten minutes says in $LIVES how many seconds all lives that it begins.

# channel GROUP...: cases of the netlink channel
channel() {
	local group

	for group; do
		cases nl_writers "$group"
	done
}

# coordinator: shadowd runs until the test ends; what it says is in $SCRATCH/shadowd
coordinator() {
	bg "${LIVES:-600}" shadowd >>"$SCRATCH/shadowd" 2>&1
	wait_for 20 grep -q 'is ready' "$SCRATCH/shadowd"
}

# test_writer NAME [OPTION...]: one that logs to $SCRATCH/told
test_writer() {
	local name=$1

	shift
	bg "${LIVES:-600}" shadow-testwriter --name "$name" --log "$SCRATCH/told" "$@"
	wait_for 20 grep -q " $name registered" "$SCRATCH/told"
}

# requester CALL...: its answers are in $SCRATCH/answers
requester() {
	local said

	python3 -IS "$TREE/selftests/protocol/requester.py" "$@" >"$SCRATCH/answers" ||
		diag "$(tail -n 1 "$SCRATCH/answers" | cut -c1-400)"
	said=$(jq -r '((.error // empty | "\(.code): \(.object): \(.cause)"),
		((.result // .error).writers[]? | select(.failure) |
		"\(.name) at \(.failure.at): \(.failure.text)"))' "$SCRATCH/answers" 2>/dev/null | sort -u)
	[ -z "$said" ] || diag "$said"
}

# answer N FILTER: what jq finds in the Nth answer
answer() {
	sed -n "$1p" "$SCRATCH/answers" | jq -r "$2"
}

# heard: what writers were told, in order: "NAME EVENT" lines
heard() {
	sort -n "$SCRATCH/told" | awk '$3 != "registered" { print $2, $3 }'
}

# writers_stop: all of test_writer
writers_stop() {
	pkill -f shadow-testwriter || :
	wait_for 20 eval '! pgrep -f shadow-testwriter >/dev/null'
}
