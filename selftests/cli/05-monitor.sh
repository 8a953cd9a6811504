#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: monitor tells of shadows made, lost and deleted and of stores that fill, in sequence
# DISKS: a=32M

. "$(dirname "$0")/cli.sh"

someone_else_listens() {
	[ "$(awk '$2 == 16 && $4 != "00000000"' /proc/net/netlink | wc -l)" -ge 2 ]
}

need_module
listen
take "$DISK_a" --store memory:8M
shadowadm pin "$IMAGE"
devio "$DISK_a" write:0:4m write:4m:2m write:6m:1m write:7m:512k
wait_for 20 event store-fill
devio "$DISK_a" write:8m:1m write:9m:1m
wait_for 20 event lost store-full
uuid=$(shadow "$IMAGE" uuid)
drop "$IMAGE"
wait_for 20 event deleted
wait_for 20 event untracked

# of EVENT FILTER: print that of the events of that name
of() {
	jq -r "select(.event == \"$1\") | $2" "$EVENTS"
}

is "$(jq -r '.event' "$EVENTS" | uniq)" "tracked
held
released
created
store-fill
lost
deleted
untracked" "what happened, in order"
is "$(jq -s '[.[1:], .[:-1]] | transpose | all(.[0].seq == .[1].seq + 1)' "$EVENTS")" true \
	"each sequence number is one more"
is "$(jq -s 'all(.missed == 0)' "$EVENTS")" true "nothing was missed"
is "$(jq -s '[.[].time_ns] | . == sort' "$EVENTS")" true "the times rise"
is "$(jq -s '[.[] | select(.event == "store-fill") | .percent] | length == 3 and .[0] >= 70 and
	.[0] < 85 and .[1] >= 85 and .[1] < 95 and .[2] >= 95' "$EVENTS")" true \
	"the store passed 70, 85 and 95 per cent"
is "$(of created .shadow) $(of lost .shadow) $(of deleted .shadow)" "$uuid $uuid $uuid" \
	"they name the shadow"
is "$(of lost .reason)" store-full "and why it was lost"
is "$(of created .volume)" "$(basename "$(readlink -f "$DISK_a")")" "and the volume"

bg 30 shadowadm monitor --count 2 >"$SCRATCH/text"
watcher=$BG
wait_for 10 someone_else_listens
shadowadm volume track "$DISK_a"
shadowadm volume untrack "$DISK_a"
check "monitor ends after as many events as it was told" bg_wait "$watcher"
like "$(cat "$SCRATCH/text")" "tracked volume=.*untracked volume=" "for people it writes lines"
adm 1 monitor --count 1 --timeout 0.2
like "$ERR" "the time is up after 0 of 1 events" "or says that the time was up"
adm 0 monitor --timeout 0.1
