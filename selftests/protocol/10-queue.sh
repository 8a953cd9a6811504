#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: ten requesters at once, with a writer and volumes in common and apart: all are served (scenario 10)
# DISKS: a=32M b=32M
# TIMEOUT: 300

. "$(dirname "$0")/protocol.sh"

need_module
coordinator
test_writer shared
pids=()
for ((i = 0; i < 10; i++)); do
	disk=$([ $((i % 2)) = 0 ] && echo "$DISK_a" || echo "$DISK_b")
	bg 200 python3 -IS "$TREE/selftests/protocol/requester.py" init-backup gather-metadata start-set \
		"add-volume:{\"volume\":\"$disk\"}" prepare-backup create-set backup-complete \
		>"$SCRATCH/answers.$i"
	pids+=("$BG")
done
for pid in "${pids[@]}"; do
	bg_wait "$pid"
done
is "$(cat "$SCRATCH"/answers.* | jq -r 'select(.id == 5) | .result.consistency' | sort | uniq -c | xargs)" \
	"10 application" "ten sets were made"
is "$(heard | awk '/freeze/ { if (frozen++) bad++ } /thaw/ { frozen-- } END { print bad + 0 }')" 0 \
	"never two at a time with the same writer"
wait_for 20 eval '[ "$(shadow_count)" = 0 ]'
# in contexts without writers nothing is in common
for disk in "$DISK_a" "$DISK_b"; do
	bg 60 python3 -IS "$TREE/selftests/protocol/requester.py" init-backup \
		'set-context:{"context":"file-share-backup"}' start-set \
		"add-volume:{\"volume\":\"$disk\"}" create-set >"$SCRATCH/plain${disk##*/}"
	pid=$BG
	bg_wait "$pid"
	is "$(tail -n 1 "$SCRATCH/plain${disk##*/}" | jq -r '.result | "\(.consistency) \(.shadows | length)"')" \
		"raw 1" "a set without writers"
done
