# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of reverting share: persistent shadows that have an oracle on a disk of its own.

# shellcheck source=selftests/durable/durable.sh
. "${BASH_SOURCE[0]%/*}/../durable/durable.sh"

# reverted IMAGE ORACLE [OPTION...]: revert the volume, and it is the oracle, as is the image still
reverted() {
	local image=$1 oracle=$2

	shift 2
	check "the volume is reverted" shadowadm revert --yes "$image" "$@"
	wait_for 60 revert_is_over
	check "the volume is the oracle, to the last byte" ora_compare "$DISK_origin" "$oracle"
	check "through pages, too" cmp "$DISK_origin" "$oracle"
	check "so is the shadow" ora_compare "$image" "$oracle"
}

# revert_is KEY VALUE [DEVICE]: what is said of the volume's revert
revert_is() {
	is "$(revert_of "$1" "${3:-}")" "$2" "the revert's $1"
}

# revert_of KEY [DEVICE]: print it, nothing where there is no revert
revert_of() {
	shadowadm revert --status "${2:-$DISK_origin}" --json -o "${1^^}" |
		jq -r --arg k "$1" '.reverts[] | .[$k] // ""'
}

revert_is_over() {
	[ "$(revert_of state)" != running ]
}

# refused REASON COMMAND...: it fails, for that reason, and says so in English, too
refused() {
	local reason=$1 answer

	shift
	if answer=$("$@" --json 2>"$SCRATCH/refused"); then
		not_ok "refused: $reason"
		return
	fi
	is "$(jq -r '.error.reason' <<<"$answer")" "$reason" "refused: $reason"
	diag "$(cat "$SCRATCH/refused")"
}

# change FIRST MIB: overwrite a part of the volume, in pieces that lie apart
change() {
	local i
	local -a what=()

	for ((i = 0; i < $2 * 8; i++)); do
		what+=("write:$(($1 * 1024 + i * 128))k:$((4 + i % 8 * 8))k")
	done
	devio "$DISK_origin" "${what[@]}"
}
