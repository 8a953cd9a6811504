#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: who submits a write is not kept while old data is read
# DISKS: origin=16M,iops=40

. "$(dirname "$0")/ops.sh"

# 100 reads at 40 a second: in 2 s none but the first few writes are through.
need_module
take "$ORIGIN"
for how in "" --nowait; do
	# shellcheck disable=SC2086 # an option or nothing
	said=$(uring $how --depth 100 --stride 8 "$ORIGIN" $((${#how} > 0 ? 1600 : 0)) 100 1)
	diag "$said"
	submit=${said#*submit_ms=} total=${said#*total_ms=}
	check "the disk was slow" [ "${total%% *}" -gt 1500 ]
	check "no submission waited for it" [ "${submit%% *}" -lt 500 ]
	like "$said" 'done=100 ' "all were taken"
done
