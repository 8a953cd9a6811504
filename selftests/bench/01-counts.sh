#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the bench runs, and what it counts is exact: I/Os, bytes, blocks, memory
# NATIVE
# ALONE
# TIMEOUT: 400

. "$(dirname "$0")/../lib.sh"

[ "${ARCH:-amd64}" = amd64 ] || skip "it measures on amd64 only"
"$TREE/selftests/bench/bench" --quick --rows sparse-q16,sparse-bytes,again-q16 \
	--who raw,shadow --results "$SCRATCH/results"
json=$SCRATCH/results/bench.json

# of ROW PLACE WHO PATH: print a number of a run
of() {
	jq -r --arg r "$1" --arg p "$2" --arg w "$3" \
		'.runs[] | select(.row == $r and .place == $p and .who == $w) | .'"$4" "$json"
}

# disk ROW PLACE WHO NAME: print "READS READ-BYTES WRITES WRITE-BYTES"
disk() {
	of "$1" "$2" "$3" "disks.$4 | \"\(.reads) \(.read_bytes) \(.writes) \(.write_bytes)\""
}

bytes=$((4 << 20))
is "$(of sparse-q16 apart raw ios)" 1024 "the job has 1024 writes"
is "$(disk sparse-q16 apart raw a)" "0 0 1024 $bytes" "the disk alone: one write each"
is "$(disk sparse-q16 apart shadow a)" "1024 $bytes 1024 $bytes" \
	"with a shadow each block is read once and written once"
# What waits for more for a second is stored as it is, so a slow machine has some writes more.
like "$(disk sparse-q16 apart shadow b)" "^0 0 ([4-9]|1[0-2]) $bytes$" \
	"and stored in writes of 1 MiB, or as much as came in a second"
like "$(disk sparse-q16 same shadow a)" "^1024 $bytes 10(2[89]|3[0-6]) $((2 * bytes))$" \
	"with the store on the same disk all of it goes there"
is "$(of sparse-q16 apart shadow counters.blocks_preserved)" 1024 \
	"1024 blocks were preserved"
check "memory has kept to its bound" \
	[ "$(of sparse-q16 apart shadow counters.memory_peak)" -le \
	  "$(of sparse-q16 apart shadow counters.memory_limit)" ]
is "$(of sparse-q16 apart shadow counters.lost)" 0 "no shadow was lost"
is "$(disk again-q16 apart shadow a)" "0 0 1024 $bytes" \
	"what is preserved is overwritten at no cost"
is "$(of again-q16 apart shadow 'disks.b // "nothing"')" nothing "and nothing is stored"
check "at most 3.1 bytes are moved for each byte" jq -e '
	[.rows[] | select(.row == "sparse-bytes") | .values.shadow] |
	length == 2 and all(.[]; . >= 3 and . <= 3.1)' "$json" >/dev/null
check "each row has its verdict" jq -e '
	(.rows | length) == 5 and all(.rows[]; .verdict | length > 0)' "$json" >/dev/null
