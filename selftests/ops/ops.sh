# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of single operations share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

ORIGIN=${DISK_origin:-} TWIN=${DISK_twin:-}

# like_twin OPERATION...: do the operations (see tools/devio.c) on the twin, which
# the module knows nothing of, and on the origin, which has a shadow
like_twin() {
	local want got

	fill "$TWIN" 1
	fill "$ORIGIN" 1
	want=$(devio "$TWIN" "$@")
	need_module
	take "$ORIGIN"
	got=$(devio "$ORIGIN" "$@")
	is "$got" "$want" "the operations end as they do without the module"
	check "the image is as it was" same seed:1 "$IMAGE"
	check "the origin is as its twin" same "$ORIGIN" "$TWIN"
}

# preserved: it was not by chance
preserved() {
	local blocks

	blocks=$(volume "$ORIGIN" blocks_preserved)
	check "$blocks blocks were preserved" [ "$blocks" -gt 0 ]
}
