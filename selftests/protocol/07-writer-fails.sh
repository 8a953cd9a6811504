#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writers fail, hang and die at each step: the set is given up, or has less consistency (scenario 7)
# DISKS: a=64M
# TIMEOUT: 600

. "$(dirname "$0")/protocol.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
coordinator
test_writer good --level system

# backup OPTION...: one with a writer "bad" that has these options
backup() {
	local state=$1

	shift
	: >"$SCRATCH/told"
	test_writer bad "$@"
	local bad=$BG
	requester init-backup "set-backup-state:$state" gather-metadata start-set \
		"add-volume:{\"volume\":\"$SCRATCH/mnt\"}" prepare-backup create-set
	bg_stop "$bad"
	wait_for 20 eval '! pgrep -f "testwriter --name bad"'
}

for event in prepare-snapshot freeze thaw; do
	backup '{}' --fail "$event=retryable"
	is "$(answer 7 '.error | "\(.code) \(.phase) \(.object) \(.retry_seconds)"')" \
		"WRITERERROR_RETRYABLE $event bad 600" "it fails at $event: the set is given up, and it is said for whom"
	is "$(answer 7 '.error.writers[] | select(.name == "bad") | "\(.state) \(.failure.at) \(.failure.app_code)"')" \
		"failed $event 42" "with what it said"
	wait_for 20 eval 'heard | grep -q "good abort"'
	ok "the other one aborts"
	is "$(shadow_count)" 0 "no shadow is left"
	backup '{"may_degrade":true}' --fail "$event=nonretryable"
	is "$(answer 7 '.result | "\(.consistency) \(.degraded)"')" "filesystem true" \
		"it fails at $event, and may: the set has less consistency"
	like "$(answer 7 '.result.reasons[0]')" "writer bad failed at $event: bad was told to fail" "and says why"
	wait_for 20 eval 'heard | grep -q "bad abort"'
	ok "it is told to abort"
	is "$(heard | grep -c "good post-snapshot")" 1 "the other one goes on"
	wait_for 20 [ "$(shadow_count)" = 0 ]
	backup '{}' --die "$event"
	is "$(answer 7 '.error | "\(.code) \(.object)"')" "WRITER_NOT_RESPONDING bad" "it dies at $event"
done
backup '{}' --fail identify=nonretryable
is "$(answer 7 '.result | "\(.consistency) \(.degraded)"')" "application false" \
	"who does not identify itself is not there, and costs nothing"
backup '{}' --fail post-snapshot=nonretryable
is "$(answer 7 '.result.writers[] | select(.name == "bad") | .state')" failed \
	"a failure after the shadow is told as its state"
backup '{}' --hang freeze --freeze-ms 1000
is "$(answer 7 '.error | "\(.code) \(.phase)"')" "WRITERERROR_TIMEOUT freeze" "it hangs in freeze, for a second"
like "$(answer 7 .error.cause)" 'longest freeze was over' "and it is said what happened"
backup '{}' --delay freeze=500 --freeze-ms 300
is "$(answer 7 '.error.code')" WRITERERROR_TIMEOUT "its freeze takes longer than it may last"
backup '{"may_degrade":true}' --hang freeze --freeze-ms 1000
is "$(answer 7 '.result | "\(.consistency) \(.degraded)"')" "filesystem true" \
	"it hangs in freeze, and may: the set is made without it"
is "$(heard | grep -c "good post-snapshot")" 1 "and the other one is not kept waiting"
backup '{}' --without freeze
is "$(answer 7 '.result.consistency')" application "one that only prepares is not asked to thaw"
is "$(heard | grep -c "bad thaw")" 0 "and does not hear it"
wait_for 20 touch "$SCRATCH/mnt/file"
backup '{}'
is "$(answer 7 '.result.consistency')" application "the next one is made"
