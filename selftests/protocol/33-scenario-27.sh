#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: scenario 27: each failure that can be provoked has VSS' code, a phase, an object, a cause and something to do
# TIMEOUT: 600
# DISKS: a=64M b=32M tiny=1M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/betest.sh"

# Of appendix A the rest is: for Windows' own parts (dynamic disks, clusters, Kernel Transaction Manager, LUNs);
# of what is not here yet (revert, import, resynchronisation); what sets queue for rather than fail
# (SNAPSHOT_SET_IN_PROGRESS, PROVIDER_IN_USE); success (ASYNC_*).
# A list of writers that the module does not give, once it gave it, is in tests/daemon_sessions.c: the module has no
# way to refuse it but for memory, which inject/ has.

# fault CODE CALL...: the last call fails with it, and all that is to be said of a failure is said: $said, $again
fault() {
	local code=$1

	shift
	requester "$@"
	said=$(tail -n 1 "$SCRATCH/answers" | jq -r '.error | "\(.code)|\(.phase)|\(.object)|\(.cause)|\(.remedy)"')
	diag "$said"
	again=$(tail -n 1 "$SCRATCH/answers" | jq -r '.error.retry_seconds')
	like "$said" "^$code\|[^|]+\|[^|]+\|[^|]+\|[^|]+\$" "$code: with phase, object, cause and remedy: ${*: -1}"
}

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkdir "$SCRATCH/a/data"
echo text >"$SCRATCH/a/data/file"
metadata w "$SCRATCH/a/data"
need_module
coordinator
daemon=$BG
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
# means CAUSE REMEDY RETRY: of the last one
means() {
	like "$said" "\|[^|]*$1[^|]*\|[^|]*$2[^|]*\$" "... why, and what to do"
	is "$again" "$3" "... and when trying again can help"
}
fault INSUFFICIENT_STORAGE "${set[@]}" "add-volume:{\"volume\":\"$DISK_b\",\"store\":\"$DISK_tiny\"}" prepare-backup create-set
like "$said" '^INSUFFICIENT_STORAGE\|store\|' "it is the store that cannot be"
means "1M is all that it has.*4M at least" "name a larger device" null
backup "$SCRATCH/nothing" --volume "$DISK_b" --store "$DISK_tiny"
ended 1 "a backup with a store that is too small"
said "$DISK_tiny: 1M is all that it has.*Name a larger device" "says it in words"
mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$SCRATCH/b"
fallocate -l "$(($(stat -f -c "%a * %S" "$SCRATCH/b") - (2 << 20)))" "$SCRATCH/b/full"
fault INSUFFICIENT_STORAGE "${set[@]}" "add-volume:{\"volume\":\"$SCRATCH/a\",\"store\":\"$SCRATCH/b/store\"}" prepare-backup create-set
means "4 MiB at least" "a filesystem that has more room" null
umount_at "$SCRATCH/b"
# All that a volume can have; udev need not look at each.
udevadm control --stop-exec-queue
cleanup 'udevadm control --start-exec-queue'
for ((n = 0; n < 512; n++)); do
	holder "$DISK_tiny" -- add take
done >/dev/null
fault MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED "${set[@]}" "add-volume:{\"volume\":\"$DISK_tiny\"}" prepare-backup create-set
means "as many shadows as a volume can have" "delete one" null
backup "$SCRATCH/nothing" --volume "$DISK_tiny" --no-copy
ended 1 "a backup of a volume that has 512"
said "as many shadows as a volume can have\. Delete one" "says it in words"
is "$(shadow_count)" 512 "and none of them went for that"
shadowadm delete --all -q
udevadm control --start-exec-queue
settle
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
fault FLUSH_WRITES_TIMEOUT init-backup "$state" gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/b\"}" prepare-backup create-set
like "$said" '^FLUSH_WRITES_TIMEOUT\|freeze\|/dev/mapper/slow\|' "it is the filesystem that was not flushed in time"
means "not brought to rest" "less I/O, or allow more" 600
# with a second filesystem that is frozen after the slow one, or before it
fault FLUSH_WRITES_TIMEOUT init-backup "$state" gather-metadata start-set "$volume" "add-volume:{\"volume\":\"$SCRATCH/b\"}" \
	prepare-backup create-set
like "$said" '\|freeze\|/dev/mapper/slow\|' "of two, too"
check "none is frozen still" timeout 10 touch "$SCRATCH/a/thawed" "$SCRATCH/b/thawed"
status=0
shadowadm create "$SCRATCH/b" --timeout 0.3 >"$SCRATCH/said" 2>&1 || status=$?
diag "$(<"$SCRATCH/said")"
ended 1 "shadowadm on its own"
said '/dev/mapper/slow.*\(while freezing filesystems\).*allow more with --timeout' "says it in words"
umount_at "$SCRATCH/b"
# A write that does not end, and no filesystem that would wait for it.  It has a shadow, so it is tracked already.
dm_delay late "$DISK_tiny" 0 8000
dm_linear top /dev/mapper/late
take /dev/mapper/top
bg 60 dd if=/dev/zero of=/dev/mapper/top bs=4k count=1 oflag=direct status=none
writing=$BG
sleep 0.5
fault HOLD_WRITES_TIMEOUT init-backup "$state" gather-metadata start-set 'add-volume:{"volume":"/dev/mapper/top"}' prepare-backup create-set
like "$said" '^HOLD_WRITES_TIMEOUT\|hold\|/dev/mapper/top\|' "it is a write that did not end"
means "writes in flight did not finish" "a device is slow or hangs" 600
bg_wait "$writing"
drop_all
dm_remove top
dm_remove late

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

# -- no memory for one more thread: of the coordinator, which has to be new, or it would take one that has ended
begin_again() {
	bg_stop "$daemon"
	wait_for 20 eval '! pgrep -x shadowd >/dev/null'
	: >"$SCRATCH/shadowd"
}
begin_again
coordinator
daemon=$BG
pid=$(pgrep -x shadowd)
prlimit --pid "$pid" --as=$((($(awk '/^VmSize/ { print $2 }' "/proc/$pid/status") + 256) << 10))
fault OUTOFMEMORY init-backup 'set-context:{"context":"file-share-backup"}' start-set "$volume"
means "no thread to be had" "make some free, and try again" 60
prlimit --pid "$pid" --as=unlimited
requester init-backup 'set-context:{"context":"file-share-backup"}' start-set "$volume" create-set
is "$(answer 5 '.result.consistency')" filesystem "with memory it goes on"
settle

# -- no channel to the writers: another has it, or there is no module; systemd starts it, and somebody waits for it
refuse_all() {
	export SHADOWD_SOCKET=$SCRATCH/socket-$1
	bg 100 systemd-socket-activate --seqpacket --listen="$SHADOWD_SOCKET" "$(command -v shadowd)" >"$SCRATCH/refusing" 2>&1
	wait_for 20 test -S "$SHADOWD_SOCKET"
	fault WRITER_INFRASTRUCTURE init-backup
	status=0
	bg_wait "$BG" || status=$?
	diag "$(<"$SCRATCH/refusing")"
	ended 1 "and shadowd ends, for systemd to start it again"
}
refuse_all other
means "coordinator" "" null
unset SHADOWD_SOCKET
begin_again
drop_all
rmmod shadow
refuse_all none
means "\"shadow\" is not loaded" "modprobe shadow" null
status=0
shadowadm create "$SCRATCH/a" >"$SCRATCH/said" 2>&1 || status=$?
diag "$(<"$SCRATCH/said")"
ended 1 "shadowadm without the module"
said '"shadow" is not loaded.*modprobe shadow' "says it in words"
