# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of the memory bound share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

available() {
	awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo
}

# watch_memory: note the lowest MemAvailable (MiB) in $SCRATCH/lowest from now on
watch_memory() {
	available >"$SCRATCH/lowest"
	bg 100 bash -c 'while sleep 0.1; do
		now=$(awk "/^MemAvailable/ { print int(\$2 / 1024) }" /proc/meminfo)
		[ "$now" -ge "$(cat "$1")" ] || echo "$now" >"$1"
	done' watch "$SCRATCH/lowest"
}

# bounded DEVICE: the volume has kept to its bound, and the bound was reached
bounded() {
	local limit peak

	limit=$(volume "$1" memory_limit)
	peak=$(volume "$1" memory_peak)
	diag "peak $peak of $limit"
	check "memory has kept to its bound" [ "$peak" -le "$limit" ]
	check "it was put to the test" [ "$peak" -ge $((limit * 9 / 10)) ]
	check "writes were held back" [ "$(volume "$1" memory_waits)" -gt 0 ]
}
