#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a restore: the writers of what was selected hear of it, also when they were started again (L-03)
# TIMEOUT: 300
# DISKS: a=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
for name in a b quiet; do
	mkdir "$SCRATCH/a/$name"
done
metadata a "$SCRATCH/a/a"
metadata b "$SCRATCH/a/b"
metadata quiet "$SCRATCH/a/quiet"
sed -i 's/"always"/"never"/' "$SCRATCH/quiet.json"
need_module
coordinator
# writers: all three, with the names by which a restore finds them
writers() {
	for name in a b quiet; do
		test_writer "$name" --instance "the-$name" --metadata "$SCRATCH/$name.json" "$@"
	done
}
writers --set pre-restore:restore-metadata=was-here
requester init-backup gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}" prepare-backup \
	create-set "get-document>$SCRATCH/bcd" backup-complete
settle
writers_stop
: >"$SCRATCH/told"

# What was backed up is of writers that are there no more; new ones take their place.
writers --set pre-restore:restore-metadata=was-here --save post-restore:"$SCRATCH/seen"
select='for w in doc["writers"]:
    for c in w["components"]:
        c["selected"] = w["name"] != "b"'
status='for w in doc["writers"]:
    for c in w["components"]:
        c["file_restore_status"] = "all"'
requester "init-restore<$SCRATCH/bcd" 'set-restore-state:{"type":"copy"}' pre-restore gather-metadata \
	"get-document>$SCRATCH/doc" "$(edited chosen doc "$select")" "put-document<$SCRATCH/chosen" \
	post-restore pre-restore "get-document>$SCRATCH/doc" "$(edited after doc "$status")" \
	"$(edited late doc 'doc["writers"][0]["components"][0]["selected"] = False')" \
	"put-document<$SCRATCH/late" "put-document<$SCRATCH/after" post-restore status
diag "$(answer 8 '[.result.writers[] | "\(.name) \(.part) \(.state)"] | join(", ")')"
is "$(answer 3 .error.code)" BAD_STATE "nothing is restored before writers are known"
is "$(answer 7 .error.code)" BAD_STATE "nor is a restore over that has not begun"
is "$(answer 6 '.result | length')" 0 "components are selected"
is "$(answer 8 '[.result.writers[] | "\(.name):\(.part)"] | sort | join(" ")')" \
	"a: b:not-chosen quiet:not-chosen" "their writers hear of it, unless they never want to"
is "$(answer 10 .error.code)" BAD_STATE "what was selected stays so"
is "$(answer 11 '.result | length')" 0 "what became of the files is told"
is "$(answer 12 .result.failed)" 0 "and the writers take it up"
is "$(answer 13 .result.state)" restored "the restore is over"
is "$(heard | grep restore | xargs)" "a pre-restore a post-restore" "they hear each once"
is "$(document "$SCRATCH/seen" '.writers[].components[0] | "\(.restore_metadata) \(.file_restore_status)"')" \
	"was-here all" "a writer finds what it said before, and what became of its files"
settle

# A writer whose service is stopped in between.
: >"$SCRATCH/told"
requester "init-restore<$SCRATCH/bcd" gather-metadata "get-document>$SCRATCH/doc" \
	"$(edited chosen doc "$select")" "put-document<$SCRATCH/chosen" pre-restore \
	"run:touch $SCRATCH/stopped" "wait:$SCRATCH/started" post-restore &
restoring=$!
wait_for 60 [ -e "$SCRATCH/stopped" ]
writers_stop
writers
touch "$SCRATCH/started"
wait $restoring
is "$(answer 6 '.result.writers[] | select(.name == "a").state')" stable "it has prepared,"
is "$(heard | grep post-restore | xargs)" "a post-restore" "was started again, and takes up what was restored"
is "$(answer 6 .result.failed)" 0 "without a failure"
settle
