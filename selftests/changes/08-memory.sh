#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the memory of changes is bounded: the oldest is forgotten first, which is told; what stays is exact
# DISKS: origin=64G store=64M
# TIMEOUT: 300

. "$(dirname "$0")/changes.sh"

PAGES=512			# of 128 MiB: a bit for each block is 2 MiB
LIMIT=$((PAGES * 4096))

# touch_pages FIRST LAST [MORE]: write something to each of these 128 MiB
touch_pages() {
	local page ops=()

	for ((page = $1; page <= $2; page++)); do
		ops+=("write:$((page * 131072 + ${3:-0} * 4))k:4k")
	done
	operate "${ops[@]}"
}

need_module
listen
expect_fail 'Numerical result out of range' delta track "$(device_number "$ORIGIN")" $((LIMIT - 1))
is "$(volume_count)" 0 "a bound with less than a bit for each block is refused"
begin $LIMIT
is "$(tracking limit)" $LIMIT "the bound"
touch_pages 0 199
instant --store "$DISK_store"
touch_pages 100 399 1
instant
is "$(tracking memory) $(tracking forgotten)" "$((500 * 4096)) 0" "500 pages are known"
pairs known 0 1 2
check "nothing was said" no_event base-lost

touch_pages 0 99 2
wait_for 10 event base-lost
is "$(tracking memory) $(tracking forgotten)" "$((400 * 4096)) 1" "the oldest is forgotten for 100 more"
is "$(jq -rs '[.[] | select(.event == "base-lost")] | map(.shadow) | join(" ")' "$EVENTS")" \
	"${UUID_OF[0]}" "an event told which"
instant
unknown 0 1
unknown 0 3
pairs known 1 2 3
expect_fail 'reason 54' delta runs C "${UUID_OF[3]}"

keep 1
touch_pages 0 511 3
is "$(tracking memory) $(tracking forgotten)" "$LIMIT 3" "all of the newest one fits, and nothing else"
instant
pairs known 3 4
for n in 1 2; do
	unknown $n 3
	unknown $n 4
done
expect_fail 'reason 54' delta keep "${UUID_OF[2]}"
is "$(tracking bases)" 0 "a base that is forgotten is none"
is "$(jq -rs '[.[] | select(.event == "base-lost")] | map(.shadow) | join(" ")' "$EVENTS")" \
	"${UUID_OF[0]} ${UUID_OF[1]}" "an event told of that which was kept"
generation=$(tracking generation)
touch_pages 7 7 4
instant
unknown 3 4
known 4 5
is "$(tracking generation)" "$generation" "the generation is the same"
is "$(bases)" "4:S 5:S" "only those are listed of which changes are known"

# What is merged counts once.
touch_pages 7 300 5
instant
gone 5
wait_for 10 eval '[ "$(tracking memory)" -le $((294 * 4096)) ]'
pairs known 4 6
gone 1 2 3 4
touch_pages 0 10 6
instant
known 6 7
drop_all
shadowadm volume untrack "$ORIGIN"
