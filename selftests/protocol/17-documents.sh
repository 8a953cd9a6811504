#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: documents: who has data takes part, writers add to their part, and nobody sees or changes another's
# TIMEOUT: 300
# DISKS: a=64M b=64M
# CORE

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

for disk in a b; do
	device=DISK_$disk
	mkfs_on ext4 "${!device}"
	mount_at "${!device}" "$SCRATCH/$disk"
	mkdir "$SCRATCH/$disk/data"
	metadata "$disk" "$SCRATCH/$disk/data"
done
ln -s "$SCRATCH/a/data" "$SCRATCH/link"
metadata link "$SCRATCH/link"
metadata new "$SCRATCH/a/data/not/there/yet"
metadata above "$SCRATCH"
metadata double "$SCRATCH/b/data"
sed -i 's/Data-double/Data-a/' "$SCRATCH/double.json"
printf '{"format": "shadowcopy-writer-metadata"' >"$SCRATCH/bad.json"
need_module
coordinator
test_writer a --metadata "$SCRATCH/a.json" --set post-snapshot:backup-stamp=stamp-a \
	--set prepare-backup:backup-metadata=own-words --save freeze:"$SCRATCH/seen"
test_writer b --metadata "$SCRATCH/b.json"
test_writer silent
test_writer link --class 7e57e57e-0000-4000-8000-7e57e57e57e6 --metadata "$SCRATCH/link.json"
test_writer new --class 7e57e57e-0000-4000-8000-7e57e57e57e7 --metadata "$SCRATCH/new.json"
test_writer above --class 7e57e57e-0000-4000-8000-7e57e57e57e8 --metadata "$SCRATCH/above.json"
test_writer double --delay identify=1500 --metadata "$SCRATCH/double.json"
test_writer bad --class 7e57e57e-0000-4000-8000-7e57e57e57e9 --metadata "$SCRATCH/bad.json"

requester init-backup 'set-context:{"keep":true}' gather-metadata start-set \
	"add-volume:{\"volume\":\"$SCRATCH/a\"}" prepare-backup create-set \
	"get-document>$SCRATCH/bcd" backup-complete "get-document>$SCRATCH/complete"
diag "$(answer 3 '[.result.writers[] | "\(.name) \(.part) \(.failure.text)"] | join(", ")')"
is "$(answer 3 '[.result.writers[] | select(.part == "absent").name] | sort | join(" ")')" "bad double" \
	"who tells nothing that is good, or what another one has, is not there"
is "$(answer 6 '[.result.writers[] | select(.part == "").name] | sort | join(" ")')" "a above link new silent" \
	"who has data on the volumes takes part, by links and mounts below, too, and who tells nothing"
is "$(answer 6 '.result.writers[] | select(.name == "b").part')" no-data "and nobody else"
is "$(answer 7 .result.consistency)" application "a writer without data there costs no consistency"
is "$(heard | grep '^b ' | xargs)" "b identify" "and it hears nothing of it"
is "$(document "$SCRATCH/seen" '[.writers[].name] | join(" ")')" a "a writer sees its own part only"
is "$(document "$SCRATCH/seen" '.writers[0].components[0].backup_metadata')" own-words \
	"... with what it has said before"
is "$(document "$SCRATCH/bcd" '.writers[] | select(.name == "a").components[0].backup_stamp')" stamp-a \
	"what it says after the instant is in the document"
is "$(document "$SCRATCH/bcd" '.shadows[0] | "\(.volume) \(.fs_type) \(.mounts[0])"')" \
	"$DISK_a ext4 $SCRATCH/a" "and so is the shadow, with its volume"
is "$(document "$SCRATCH/bcd" '.shadows[0].fs_uuid')" "$(blkid -p -s UUID -o value "$DISK_a")" "... and its filesystem"
is "$(document "$SCRATCH/bcd" '.set')" "$(answer 7 .result.set)" "... and the set"
is "$(document "$SCRATCH/complete" '.completed | length > 0')" true "the end of the backup is in it"
drop_all

# Chosen components.
# chosen NAME COMPONENT: as Python
chosen() {
	printf '{"class_id": "%s", "instance_id": I["%s"], "name": "%s", "components": [{"type": "file-group", "name": "%s"}]}' \
		"$class" "$1" "$1" "$2"
}
requester init-backup 'set-backup-state:{"component_mode":true,"type":"full"}' gather-metadata \
	"get-document>$SCRATCH/doc" \
	"$(edited good doc "doc[\"writers\"] = [$(chosen b Data-b)]; doc[\"writers\"][0][\"components\"][0][\"backup_options\"] = \"fast\"")" \
	"$(edited none doc "doc[\"writers\"] = [$(chosen b Data-x)]")" \
	"$(edited type doc "doc[\"type\"] = \"log\"")" \
	"$(edited session doc "doc[\"session\"] = \"$class\"")" \
	"$(edited stamp doc "doc[\"writers\"] = [$(chosen b Data-b)]; doc[\"writers\"][0][\"components\"][0][\"backup_stamp\"] = \"mine\"")" \
	"put-document<$SCRATCH/none" "put-document<$SCRATCH/session" "put-document<$SCRATCH/stamp" \
	"put-document<$SCRATCH/type" "put-document<$SCRATCH/good" start-set \
	"add-volume:{\"volume\":\"$SCRATCH/a\"}" prepare-backup create-set "get-document>$SCRATCH/end" \
	"put-document<$SCRATCH/good" status
is "$(answer 5 '.error.code')" OBJECT_NOT_FOUND "a component that is not there cannot be chosen"
is "$(answer 6 '.error.code')" BAD_STATE "the session is not the requester's to change"
is "$(answer 7 '.error.code')" BAD_STATE "nor is what writers say"
is "$(answer 8 '.result | length')" 0 "the type of the backup is, before writers hear of it"
is "$(answer 9 '.result | length')" 0 "components are chosen, with options"
is "$(answer 12 '[.result.writers[] | select(.part == "").name] | sort | join(" ")')" "b silent" \
	"the writers of chosen components take part, whatever the volumes"
is "$(document "$SCRATCH/end" '.writers[0].components[0].backup_options')" fast "they see the options"
is "$(answer 15 '.error.code')" BAD_STATE "and afterwards nothing of that is changed"

# What a document may be.
printf '{"id": 1}' >"$SCRATCH/none.json"
requester init-backup "put-document<$SCRATCH/none.json" put-document "init-restore<$SCRATCH/bcd" \
	'get-metadata:{"writer":"x"}' status
is "$(answer 2 '.error.code')" INVALID_XML_DOCUMENT "what is no document is refused"
is "$(answer 3 '.error.cause')" "no document came with the call" "and none, too"
is "$(answer 6 '.result.state')" initialised "the session goes on"
settle
