#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm run --writers: the backup is complete when the command says so, and only then
# DISKS: a=64M
# TIMEOUT: 300

. "$(dirname "$0")/runs.sh"
. "$(dirname "$0")/../protocol/protocol.sh"

# with_writers COMMAND...: $STATUS, and the report in $SCRATCH/report
with_writers() {
	rm -f "$SCRATCH/report"
	STATUS=0
	timeout 100 shadowadm run --writers "$SCRATCH/mnt" --report "$SCRATCH/report" "${OWN[@]}" -- "$@" || STATUS=$?
}

# heard_times TIMES EVENT: has the good one?
heard_times() {
	[ "$(heard | grep -c "^good $2$")" -eq "$1" ]
}

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
echo old >"$SCRATCH/mnt/file"
cp "$(command -v sleep)" "$SCRATCH/patient"
need_module
coordinator
test_writer good
OWN=()

OWN=(--document "$SCRATCH/documents/")
with_writers grep -q old "$SCRATCH/mnt/file"
is "$STATUS $(jq -r '"\(.exit_status) \(.consistency)"' "$SCRATCH/report")" "0 0 application" "a backup with writers"
wait_for 30 heard_times 1 backup-shutdown
is "$(heard | grep -c '^good backup-complete$')" 1 "the writer hears that it is complete"
is "$(cd "$SCRATCH/documents" && echo *.json)" "backup-components.json" "the document is there"
nothing_left

OWN=()
with_writers sh -c 'exit 9'
is "$STATUS" 9 "a backup that fails"
wait_for 30 heard_times 2 backup-shutdown
is "$(heard | grep -c '^good backup-complete$')" 1 "the writer does not hear that it is complete"
nothing_left

test_writer bad --fail freeze=retryable:2
with_writers touch "$SCRATCH/ran"
is "$STATUS" 125 "a writer that fails"
check "the command was not run" test ! -e "$SCRATCH/ran"
nothing_left

timeout 100 shadowadm run --writers --exclude-writer bad "$SCRATCH/mnt" -- "$SCRATCH/patient" 60 &
job=$!
wait_for 60 pgrep -x patient
pkill -KILL -o -x shadowadm
wait $job || true
wait_for 30 heard_times 4 backup-shutdown
is "$(heard | grep -c '^good backup-complete$')" 1 "when shadowadm is killed it is not complete either"
wait_for 30 eval '! pgrep -x patient'
nothing_left
