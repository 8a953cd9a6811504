#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: scenario 15, on one machine: what depends on another writer is backed up and restored with it, or not at all
# TIMEOUT: 200
# DISKS: a=64M b=64M c=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/betest.sh"

# A dependency on another machine is its requester's to heed (F-27, A-24): here it is only seen that it is
# kept and is no obstacle.

for disk in a b c; do
	device=DISK_$disk
	mkfs_on ext4 "${!device}"
	mount_at "${!device}" "$SCRATCH/$disk"
	mkdir "$SCRATCH/$disk/data"
	echo "new $disk" >"$SCRATCH/$disk/data/file"
done
media=$SCRATCH/c
database=7e57e57e-0000-4000-8000-7e57e57e57da
metadata front "$SCRATCH/a/data" '' "\"dependencies\": [{\"class_id\": \"$database\", \"path\": \"Deep\", \"name\": \"Data-base\"},
	{\"class_id\": \"$database\", \"name\": \"Far\", \"host\": \"other.example.org\"}]"
metadata base "$SCRATCH/b/data" '' '"path": "Deep"'
need_module
coordinator
test_writer front --metadata "$SCRATCH/front.json" --run "post-restore:echo \"front \$STATUS\" >>$SCRATCH/noted"
test_writer base --class $database --metadata "$SCRATCH/base.json" --run "post-restore:echo \"base \$STATUS\" >>$SCRATCH/noted"

backup "$media/both" --component front:/Data-front
ended 0 "a component that depends on another writer's"
said 'base:/Deep/Data-base succeeded, 1 file' "brings that along"
is "$(document "$media/both/backup-components.json" '[.shadows[].mounts[0]] | sort | join(" ")')" "$SCRATCH/a $SCRATCH/b" \
	"with its volume"
is "$(cat "$media/both/data$SCRATCH/"{a,b}/data/file | xargs)" "new a new b" "and its files"
is "$(document "$media/both/front.json" '.components[0].dependencies[1].host')" other.example.org \
	"one on another machine is in the metadata, and no obstacle"
is "$(document "$media/both/backup-components.json" '[.writers[].components[].name] | sort | join(" ")')" \
	"Data-base Data-front" "and nothing is made up for it"
settle

backup "$media/lonely" --component front:/Data-front --exclude-writer base
ended 1 "without the other writer"
said 'front.*(depend|base)' "there is no backup, and it is said why"
backup "$media/base" --component base:/Deep/Data-base
ended 0 "the other one can be backed up alone: it knows of nothing"
is "$(document "$media/base/backup-components.json" '[.writers[].components[].name] | join(" ")')" Data-base "and is"
settle

for disk in a b; do
	echo old >"$SCRATCH/$disk/data/file"
done
restore "$media/both" -- --component front:/Data-front
ended 1 "half of it is not restored"
said 'Data-base|Deep' "what is missing is named"
is "$(cat "$SCRATCH/"{a,b}/data/file | xargs) $(noted)" "old old " "and nothing was touched, and nobody told"
restore "$media/both"
ended 0 "both of them are"
is "$(cat "$SCRATCH/"{a,b}/data/file | xargs)" "new a new b" "with all files"
is "$(noted | sort | xargs)" "base all front all" "and both writers are told"
settle
