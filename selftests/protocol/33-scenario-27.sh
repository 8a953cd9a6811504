#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: scenario 27: each failure that can be provoked has VSS' code, a phase, an object, a cause and something to do
# TIMEOUT: 400
# DISKS: a=64M b=32M tiny=1M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/betest.sh"

# Of appendix A the rest is: for Windows' own parts (dynamic disks, clusters, Kernel Transaction Manager, LUNs);
# of what is not here yet (revert, import, resynchronisation); what sets queue for rather than fail
# (SNAPSHOT_SET_IN_PROGRESS, PROVIDER_IN_USE); success (ASYNC_*); MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED, which
# many/04-limit has; INSUFFICIENT_STORAGE, which comes of no room for a store; OUTOFMEMORY, which inject/ has of the module;
# WRITER_INFRASTRUCTURE: shadowd does not begin without the module.

# fault CODE CALL...: the last call fails with it, and all that is to be said of a failure is said
fault() {
	local code=$1 said

	shift
	requester "$@"
	said=$(tail -n 1 "$SCRATCH/answers" | jq -r '.error | "\(.code)|\(.phase)|\(.object)|\(.cause)|\(.remedy)"')
	diag "$said"
	like "$said" "^$code\|[^|]+\|[^|]+\|[^|]+\|[^|]+\$" "$code: with phase, object, cause and remedy: ${*: -1}"
}

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkdir "$SCRATCH/a/data"
echo text >"$SCRATCH/a/data/file"
metadata w "$SCRATCH/a/data"
need_module
coordinator
volume="add-volume:{\"volume\":\"$SCRATCH/a\"}"
set=(init-backup gather-metadata start-set)
state='set-backup-state:{"timeout_ms":300}'

# -- what is asked for
fault BAD_STATE create-set
fault INVALIDARG init-backup 'set-context:{"context":"nonsense"}'
fault INVALIDARG 'raw:{"id":1,"call":2}'
fault OBJECT_NOT_FOUND "${set[@]}" 'add-volume:{"volume":"/dev/nothing"}'
fault OBJECT_ALREADY_EXISTS "${set[@]}" "$volume" "$volume"
fault PROVIDER_NOT_REGISTERED "${set[@]}" "add-volume:{\"volume\":\"$DISK_a\",\"provider\":\"nobody\"}"
fault VOLUME_NOT_SUPPORTED "${set[@]}" 'add-volume:{"volume":"/dev/null"}'
printf 'no document' >"$SCRATCH/none"
fault INVALID_XML_DOCUMENT init-backup "put-document<$SCRATCH/none"
fault INVALID_XML_DOCUMENT "init-restore<$SCRATCH/none"
requester init-backup "get-document>$SCRATCH/good"
sed 's/"mode"/"node"/' "$SCRATCH/good" >"$SCRATCH/bad"
fault INVALID_XML_DOCUMENT "init-restore<$SCRATCH/bad"

# -- volumes and stores
fault INVALIDARG "${set[@]}" "add-volume:{\"volume\":\"$DISK_b\",\"store\":\"$DISK_tiny\"}" prepare-backup create-set
requester init-backup 'set-context:{"keep":true}' gather-metadata start-set "$volume" prepare-backup create-set
fault NESTED_VOLUME_LIMIT "${set[@]}" "add-volume:{\"volume\":\"$(answer 7 '.result.shadows[0].device')\"}" prepare-backup create-set
drop_all
fsfreeze -f "$SCRATCH/a"
cleanup "fsfreeze -u '$SCRATCH/a' 2>/dev/null || :"
freezing_nests || fault VOLUME_IN_USE "${set[@]}" "$volume" prepare-backup create-set
fsfreeze -u "$SCRATCH/a"
modprobe null_blk nr_devices=65 gb=1 memory_backed=0
cleanup "settle; rmmod null_blk"
settle
fault MAXIMUM_NUMBER_OF_VOLUMES_REACHED "${set[@]}" $(seq -f 'add-volume:{"volume":"/dev/nullb%g"}' 0 64)

# -- times
mkfs_on ext4 "$DISK_b"
dm_delay slow "$DISK_b" 0 400
mount_at /dev/mapper/slow "$SCRATCH/b"
echo text >"$SCRATCH/b/file"
fault HOLD_WRITES_TIMEOUT init-backup "$state" gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/b\"}" prepare-backup create-set
# with a second filesystem that is frozen after the slow one, or before it
fault '(FLUSH|HOLD)_WRITES_TIMEOUT' init-backup "$state" gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/b\"}" "$volume" \
	prepare-backup create-set
umount_at "$SCRATCH/b"

# -- writers: each of C-40 to C-46, by what they say, and what they do
while read -r status code retry; do
	test_writer w --metadata "$SCRATCH/w.json" --fail "freeze=$status"
	fault "WRITERERROR_$code" "${set[@]}" "$volume" prepare-backup create-set
	is "$(tail -n 1 "$SCRATCH/answers" | jq -r '.error | "\(.phase) \(.object) \(.retry_seconds) \(.writers[0].failure.app_code)"')" \
		"freeze w $retry 42" "... of whom, when, and whether trying again can help"
	writers_stop
	: >"$SCRATCH/told"
done <<END
inconsistent INCONSISTENTSNAPSHOT null
no-resources OUTOFRESOURCES 600
timeout TIMEOUT 600
retryable RETRYABLE 600
nonretryable NONRETRYABLE null
recovery-failed RECOVERY_FAILED null
partial PARTIAL_FAILURE null
END
test_writer w --metadata "$SCRATCH/w.json" --die freeze
fault WRITER_NOT_RESPONDING "${set[@]}" "$volume" prepare-backup create-set
: >"$SCRATCH/told"

# -- after the instant, and in restores, it is the writer's state that tells, and what it says of components
test_writer w --metadata "$SCRATCH/w.json" --edit 'post-snapshot:printf "failure\tretryable\t77\tits own words\n"' \
	--fail post-snapshot=partial --fail pre-restore=retryable --fail backup-complete=nonretryable
backup "$SCRATCH/failed"
ended 3 "a backup of a writer that fails after the instant"
said 'warning: writer w failed at post-snapshot \(partial\): w was told to fail' "says which writer, when, how and why"
said 'w:/Data-w failed' "and of what there is no backup"
is "$(document "$SCRATCH/failed/backup-components.json" '.writers[0].components[0] | "\(.failure) \(.failure_code) \(.failure_text) \(.backup_succeeded)"')" \
	"retryable 77 its own words no" "what it says of a component is in the document (C-46, C-84)"
settle
backup "$SCRATCH/complete"
ended 3 "a writer that fails when the backup is complete"
said 'w failed at backup-complete \(nonretryable\)' "is told (C-26)"
restore "$SCRATCH/complete"
ended 1 "one that cannot make room"
said 'w failed at pre-restore \(retryable\).*' "is told (C-29)"
said 'nothing was touched. See its log' "and that nothing was touched"
writers_stop
: >"$SCRATCH/told"
test_writer w --metadata "$SCRATCH/w.json" --fail post-restore=nonretryable
restore "$SCRATCH/complete"
ended 3 "one that cannot take up what was restored"
said 'w failed at post-restore \(nonretryable\)' "is told (C-30)"
restore "$SCRATCH/complete" -- --authoritative w:/Data-w
ended 1 "what a writer does not offer"
said 'does not offer to let what is restored win over replicas. Restore it without' "is told before anything is begun"
writers_stop

# -- who may not
run setpriv --reuid 65534 --regid 65534 --clear-groups python3 -IS "$TREE/selftests/protocol/requester.py" init-backup >"$SCRATCH/nobody" 2>&1 || :
like "$(<"$SCRATCH/nobody")" 'ACCESSDENIED|Permission denied|hung up' "ACCESSDENIED: who may not is told so"
settle
