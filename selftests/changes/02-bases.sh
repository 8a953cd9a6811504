#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a base outlives its shadow; what has changed from it stays known, whatever else goes, until it is dropped
# DISKS: origin=16M store=64M
# TIMEOUT: 300

. "$(dirname "$0")/changes.sh"

# next: something is written, and there is an instant
next() {
	local at=${#UUID_OF[@]}

	# A piece of its own, one that all write, and one that the one before has written.
	operate "write:$((at * 640))k:32k" "write:15m:8k" "write:$((at * 640 - 624))k:8k" \
		"discard:$((10 * 1024 + at * 40))k:12k"
	instant "$@"
}

fill "$ORIGIN" 1
need_module
begin
is "$(bases)" "0:B" "tracking has begun: that is a base"
next --store "$DISK_store"
for ((i = 2; i <= 6; i++)); do
	next
done
is "$(bases)" "0:B 1:S 2:S 3:S 4:S 5:S 6:S" "so is each shadow"
is "$(delta runs C "${UUID_OF[3]}")" "$(delta runs C "${UUID_OF[3]}" "${UUID_OF[0]}")" \
	"since tracking began: by its name, or by none"
dd if="${IMAGE_OF[2]}" of="$SCRATCH/copy" bs=1M iflag=direct status=none
tell_free "${IMAGE_OF[2]#/dev/shadow}" $((13 << 20)) $((1 << 20)) >/dev/null
is "$(delta runs F "${UUID_OF[2]}")" "13631488 1048576 F" "something was free at 2"

keep 1 2 4 5
is "$(tracking bases)" 4 "four are kept"
gone 2 3 4
is "$(bases)" "0:B 1:KS 2:K 4:K 5:KS 6:S" "a base outlives its shadow, others do not"
pairs known 0 1 2 4 5 6
unknown 3 6
exact 2 6 "with a copy of what 2 was" "$SCRATCH/copy"
is "$(delta runs W "${UUID_OF[6]}" "${UUID_OF[2]}")" "13631488 1048576 W" \
	"what was free at 2 is known still"
is "$(delta runs F "${UUID_OF[2]}" 2>&1)" "13631488 1048576 F" "... when it is asked for 2, too"

# In the middle, the oldest, beside each other, the newest.
forgo 4
unknown 4 6
pairs known 0 1 2 5 6
forgo 0
unknown 0 6
expect_fail 'reason 54' delta runs C "${UUID_OF[6]}"
pairs known 1 2 5 6
next
keep 6 7
gone 1 5 6 7
is "$(bases)" "1:K 2:K 5:K 6:K 7:K" "no shadow is left"
is "$(volume_count)" 1 "the volume is tracked still"
expect_fail 'resource busy.*reason 57' delta untrack "$(device_number "$ORIGIN")"
is "$(volume_count)" 1 "it has to be"
next --store "$DISK_store"
pairs known 1 2 5 6 7 8
exact 2 8 "with a copy of what 2 was, after all shadows had gone" "$SCRATCH/copy"
forgo 6 5
pairs known 1 2 7 8
forgo 7
unknown 7 8
pairs known 1 2 8
forgo 1
pairs known 2 8
expect_fail 'No such file' delta keep "${UUID_OF[1]}"
forgo 2
unknown 2 8
gone 8
is "$(bases)" "" "none is left"
shadowadm volume untrack "$ORIGIN"
ok "it need not be tracked any more"

# A base keeps a volume tracked that was so for its shadow only.
instant --store "$DISK_store"
keep 9
operate write:1m:4k
gone 9
is "$(bases) $(volume_count)" "9:K 1" "it is tracked for its base"
operate write:2m:4k
instant --store "$DISK_store"
known 9 10
gone 10
forgo 9
shadowadm volume untrack "$ORIGIN"
is "$(volume_count)" 0 "it is not tracked"
