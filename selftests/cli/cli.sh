# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of shadowadm share: it is used as a person or a script would.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# adm STATUS ARGUMENT...: run shadowadm, which must end with that status; what it says
# is $OUT and $ERR
adm() {
	local wanted=$1 status=0

	shift
	OUT=$(shadowadm "$@" 2>"$SCRATCH/err") || status=$?
	ERR=$(cat "$SCRATCH/err")
	if [ $status -eq "$wanted" ]; then
		ok "shadowadm $* ends with $status"
	else
		not_ok "shadowadm $* ends with $status, not $wanted"
		diag "$OUT"
		diag "$ERR"
	fi
	[ "$wanted" -ne 0 ] || settle
}

# parse FILTER: of the JSON that the last command printed
parse() {
	jq -r "$1" <<<"$OUT"
}

# keys COMMAND: print the columns in its help, as keys of JSON, sorted; spans of time
# have their unit in the name
keys() {
	shadowadm "$1" --help | sed -n '/^Columns/,$s/^  *\([A-Z][A-Z-]*\)  *.*/\1/p' |
		tr 'A-Z-' 'a-z_' | sed -E 's/^(hold|drain)$/\1_ns/' | sort
}

# mounted TYPE DISK NAME: a filesystem with a file in it, on $SCRATCH/NAME
mounted() {
	mkfs_on "$1" "$2"
	mount_at "$2" "$SCRATCH/$3"
	echo "$3 before" >"$SCRATCH/$3/file"
}

# mistake STATUS REGEX ARGUMENT...: it fails, says that, and says it as JSON, too
mistake() {
	local status=$1 regex=$2

	shift 2
	adm "$status" "$@"
	like "$ERR" "$regex" "it says what is wrong and what to do"
	[[ $ERR != *unrecognized* ]] || return 0	# getopt says that
	OUT=$(shadowadm "$@" --json 2>/dev/null || true)
	is "$(parse '.error.message | length > 20')" true "and says it as JSON"
}
