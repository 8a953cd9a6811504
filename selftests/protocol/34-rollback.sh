#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a shadow for rollback: components that recover for that do, others do not (H-25); volumes rather than components
# TIMEOUT: 200
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/betest.sh"

two_volumes
for name in rollback backup; do
	mkdir "$SCRATCH/a/$name"
	echo running >"$SCRATCH/a/$name/state"
	metadata $name "$SCRATCH/a/$name" '' "\"flags\": [\"$name-recovery\"]"
done
need_module
coordinator
for name in rollback backup; do
	# It recovers where it can, and says where it could not.
	recover="mkdir -p $SCRATCH/r && mount -o rw \$SHADOW $SCRATCH/r 2>/dev/null && { echo recovered >$SCRATCH/r/$name/state; umount $SCRATCH/r; } || :"
	test_writer $name --metadata "$SCRATCH/$name.json" --path "$SCRATCH/a" --run "post-snapshot:$recover"
done

backup "$SCRATCH/b/rollback" --rollback-recovery --component rollback:/Data-rollback
ended 0 "a set for rollback, of a component that recovers for that"
is "$(cat "$SCRATCH/b/rollback/data$SCRATCH/a/rollback/state")" recovered "in which it has recovered"
settle
backup "$SCRATCH/b/other" --rollback-recovery --component backup:/Data-backup
is "$(cat "$SCRATCH/b/other/data$SCRATCH/a/backup/state")" running "one that recovers for backups does not, and finds the shadow read-only"
settle
backup "$SCRATCH/b/plain" --component rollback:/Data-rollback
is "$(cat "$SCRATCH/b/plain/data$SCRATCH/a/rollback/state")" running "nor does the first one for a backup"
settle
backup "$SCRATCH/b/backup" --component backup:/Data-backup
is "$(cat "$SCRATCH/b/backup/data$SCRATCH/a/backup/state")" recovered "for which the other one does"
settle
is "$(cat "$SCRATCH/a/rollback/state" "$SCRATCH/a/backup/state" | xargs)" "running running" "the volume is as it was"

# -- volumes: all that writers have there, and in no other way
backup "$SCRATCH/b/volume" --volume "$SCRATCH/a" --type copy
ended 0 "a backup of a volume"
said 'rollback:/Data-rollback succeeded' "has what each writer has on it"
said 'backup:/Data-backup succeeded' "without a choice"
settle
backup "$SCRATCH/b/none" --volume "$SCRATCH/a" --context file-share-backup --no-copy
ended 0 "and there are sets that no writer hears of"
settle
