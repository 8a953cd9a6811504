# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of the protocol share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# channel GROUP...: cases of the netlink channel; their lines "ok" and "not ok" are results
channel() {
	local group line status

	for group; do
		status=0
		nl_writers "$group" >"$SCRATCH/said" 2>&1 || status=$?
		while IFS= read -r line; do
			case $line in
			"ok "*) ok "${line#ok }" ;;
			"not ok "*) not_ok "${line#not ok }" ;;
			*) diag "$line" ;;
			esac
		done <"$SCRATCH/said"
		[ $status -le 1 ] || not_ok "nl_writers $group ended with $status"
	done
}
