#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: requester, coordinator and writer are killed at any moment of a backup and of a restore (scenario 9)
# TIMEOUT: 900
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkdir "$SCRATCH/a/data"
metadata w "$SCRATCH/a/data" "\"shadow_excludes\": [{\"path\": \"$SCRATCH/a/data\", \"spec\": \"*.tmp\"}]"
need_module
coordinator
backup=(init-backup gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}"
	"add-volume:{\"volume\":\"$DISK_b\"}" prepare-backup create-set "get-document>$SCRATCH/bcd"
	backup-complete)
writers() {
	test_writer w --instance the-one --metadata "$SCRATCH/w.json" --set post-snapshot:backup-stamp=x --delay pre-restore=300 \
		--delay post-restore=300
	test_writer plain --level back-end
}
writers
started=$(date +%s%N)
requester "${backup[@]}"
whole=$((($(date +%s%N) - started) / 1000000))
is "$(answer 9 .result.failed)" 0 "undisturbed it is a backup, of $whole ms"
settle
edit='for w in doc["writers"]:
    for c in w["components"]:
        c["selected"] = True'
restore=("init-restore<$SCRATCH/backup" gather-metadata "get-document>$SCRATCH/doc" "$(edited chosen doc "$edit")"
	"put-document<$SCRATCH/chosen" pre-restore post-restore)
cp "$SCRATCH/bcd" "$SCRATCH/backup"

# nothing_left: no shadow, no hold, no session that goes on, no writer at work
nothing_left() {
	wait_for 30 eval '[ "$(shadow_count)" = 0 ]'
	wait_for 30 touch "$SCRATCH/a/data/file"
	is "$(grep -c " $SCRATCH/" /proc/mounts)" "$mounts" "$1: no mount is left"
}
mounts=$(grep -c " $SCRATCH/" /proc/mounts)
rounds=${ROUNDS:-4}	# the fourth is a restore
for victim in requester.py shadow-testwriter shadowd; do
	for ((i = 0; i < rounds; i++)); do
		: >"$SCRATCH/told"
		words=("${backup[@]}")
		span=$whole
		if [ $((i % 4)) = 3 ]; then
			words=("${restore[@]}")
			span=2000
		fi
		ms=$((span * (i * 100 / rounds + RANDOM % 10) / 100))
		bg 120 python3 -IS "$TREE/selftests/protocol/requester.py" "${words[@]}" >"$SCRATCH/answers" 2>/dev/null
		sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
		pkill -9 -f "$victim" || :
		wait_for 60 eval '! pgrep -f requester.py >/dev/null'
		nothing_left "$victim killed after $ms ms of ${words[0]%%<*}"
		if [ "$victim" = shadowd ]; then
			: >"$SCRATCH/shadowd"
			coordinator
		fi
		if [ "$victim" = shadow-testwriter ]; then
			writers
		else
			# who heard of freezing has heard of its end
			wait_for 30 eval '[ "$(heard | grep -c freeze)" -le "$(heard | grep -cE "thaw|abort")" ]'
		fi
	done
done
requester "${backup[@]}"
is "$(answer 7 .result.consistency) $(answer 9 .result.failed)" "application 0" "after all of that a backup is made"
settle
