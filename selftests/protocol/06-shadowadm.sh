#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm create --writers, writer list, and what monitor tells of writers
# DISKS: a=64M store=64M

. "$(dirname "$0")/protocol.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
echo old >"$SCRATCH/mnt/file"
need_module
expect_fail 'shadowd does not run\. Start it with' shadowadm create --writers "$SCRATCH/mnt"
coordinator
listen
test_writer good --level system --instance main
json=$(shadowadm create --writers "$SCRATCH/mnt" --store "$DISK_store" --json)
taken "$json"
is "$(jq -r '"\(.consistency) \(.writers[0].name) \(.writers[0].state) \(.shadows | length)"' <<<"$json")" \
	"application good waiting-for-backup-complete 1" "a set with a writer" ||
	diag "$json"
is "$(shadowadm store list --json | jq -r '.stores[] | select(.kind == "device") | .store')" \
	"$DISK_store" "in the store that was named"
echo new >"$SCRATCH/mnt/file"
mkdir "$SCRATCH/shadow"
shadowadm mount -q "$IMAGE" "$SCRATCH/shadow"
is "$(cat "$SCRATCH/shadow/file")" old "the shadow is of then"
shadowadm umount -q "$IMAGE"
is "$(shadowadm writer list --json | jq -r '.writers[] | "\(.name) \(.instance_name) \(.level) \(.user) \(.freeze_ns)"')" \
	"good main system root 60000000000" "writer list"
like "$(shadowadm writer list)" 'NAME +INSTANCE-NAME +LEVEL' "for people, too"
for event in writer-added writer-frozen writer-thawed; do
	wait_for 20 event $event
	ok "monitor tells $event"
done

test_writer bad --fail freeze=retryable:2
status=0
said=$(shadowadm create --writers "$SCRATCH/mnt" 2>&1) || status=$?
is "$status" 1 "a writer that fails: no set"
like "$said" 'cannot create the set while freezing bad: bad was told to fail at freeze\. See its log' "and why" ||
	diag "$said"
status=0
said=$(shadowadm create --writers --degrade "$SCRATCH/mnt" 2>&1) || status=$?
is "$status" 3 "with --degrade: less consistency"
like "$said" 'writer bad failed at freeze.*consistency filesystem' "which is said" || diag "$said"
said=$(shadowadm create --writers --exclude-writer bad "$SCRATCH/mnt")
like "$said" 'consistency application' "without it: all of it"
expect_fail 'there is no such writer' shadowadm create --writers --exclude-writer nobody "$SCRATCH/mnt"
is "$(shadow_count)" 3 "three sets are there"
