#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: scripts as diskshadow's: a backup, a restore, mistakes and failures; writer status (O-06 to O-17)
# TIMEOUT: 600
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

for disk in a b; do
	device=DISK_$disk
	mkfs_on ext4 "${!device}"
	mount_at "${!device}" "$SCRATCH/$disk"
	mkdir "$SCRATCH/$disk/data"
	echo old >"$SCRATCH/$disk/data/file"
	metadata "$disk" "$SCRATCH/$disk/data"
done
mkdir "$SCRATCH/shadow" "$SCRATCH/backup"
need_module
coordinator
test_writer a --instance the-a --metadata "$SCRATCH/a.json" --set post-snapshot:backup-stamp=stamp
test_writer b --instance the-b --metadata "$SCRATCH/b.json"

# script OPTION... -- LINE...: sets $status, $said and $printed
script() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	printf '%s\n' "$@" >"$SCRATCH/script.dsh"
	status=0
	printed=$(shadowadm script "$SCRATCH/script.dsh" "${options[@]}" 2>"$SCRATCH/said") || status=$?
	said=$(cat "$SCRATCH/said")
	diag "$status: $printed"
	[ -z "$said" ] || diag "$said"
}

# events NAME: what a writer heard since the last time, when its session is over
events() {
	heard | grep "^$1 " | cut -d' ' -f2 | xargs || :
}

# times N EVENT: so many writers have heard it
times() {
	[ "$(heard | grep -c " $2$")" -ge "$1" ]
}

# over N EVENT: the same, some time
over() {
	wait_for 60 times "$@"
}

forget() {
	: >"$SCRATCH/told"
}

# --- mistakes ---

script -- 'begin backup' "add volume $SCRATCH/a alias data" create "exec touch $SCRATCH/ran" 'end bakcup'
is "$status" 2 "a mistake in the last line"
like "$said" 'script.dsh:5: "end bakcup": there is no such command; there is "end backup"' "is said"
check "before anything is run" test ! -e "$SCRATCH/ran"
is "$(heard)" "" "and writers hear nothing"

# --- a backup ---

cat >"$SCRATCH/copy" <<-'EOF2'
	#!/bin/sh
	# the volume changes, the shadow does not
	echo new >"$2/data/file"
	cp -a "$1/data" "$3"
	env | grep -i '^\(data\|VSS_\)' | LC_ALL=C sort >"$3/environment"
EOF2
chmod +x "$SCRATCH/copy"
backup=('# every night' 'set context volatile' "set metadata $SCRATCH/documents" 'set verbose on' 'begin backup'
	'writer verify a' 'writer verify a:/Data-a' 'writer exclude b' "add volume $SCRATCH/a alias data provider native" create
	'list writers status' "expose %data% $SCRATCH/shadow"
	"exec $SCRATCH/copy $SCRATCH/shadow $SCRATCH/a $SCRATCH/backup" "unexpose $SCRATCH/shadow" 'end backup'
	'delete shadows set %VSS_SHADOW_SET%' 'list shadows all')
script -- "${backup[@]}"
is "$status" 0 "a full backup"
is "$(cat "$SCRATCH/backup/data/file" "$SCRATCH/a/data/file" | xargs)" "old new" "is copied from the shadow"
over 1 backup-shutdown
is "$(events a)" "identify prepare-backup prepare-snapshot freeze thaw post-snapshot backup-complete backup-shutdown" \
	"the writer hears all of it"
is "$(events b)" identify "and who is excluded nothing"
like "$printed" 'script.dsh:10: create.*consistency application.*waiting-for-backup-complete' \
	"verbose: commands, the set, the writers"
like "$(xargs <"$SCRATCH/backup/environment")" \
	'^VSS_SHADOW_SET=[0-9a-f-]{36} data=[0-9a-f-]{36} data_DEVICE=/dev/shadow0$' "programs have the names"
is "$(shadow_count)" 0 "nothing is left"
is "$(cd "$SCRATCH/documents" && echo *)" "a.json aliases backup-components.json" "the documents are there"
bcd=$SCRATCH/documents/backup-components.json
is "$(document "$bcd" '"\(.type) \(.completed | length > 0) \(.writers | length)"')" "full true 1" "of a full backup, complete"
is "$(document "$bcd" '.writers[0].components[0] | "\(.name) \(.backup_stamp) \(.backup_succeeded)"')" \
	"Data-a stamp yes" "with what the writer says, and that it succeeded"
is "$(document "$SCRATCH/documents/a.json" .name)" a "and the writer's metadata"

# --- what fails ---

forget
script -- 'begin backup' "add volume $SCRATCH/a alias data" create "expose %data% $SCRATCH/shadow" \
	'exec /bin/sh -c "exit 3"' 'end backup'
is "$status" 1 "a program that fails"
like "$said" 'script.dsh:5: /bin/sh has failed, with exit status 3.*failed in line 5; what it had begun is undone' "ends it"
over 1 backup-shutdown
is "$(events a | grep -c backup-complete)" 0 "no writer hears that the backup is good"
is "$(shadow_count)" 0 "the shadow is gone, though it was exposed"

forget
printf '%s\n' "add volume $SCRATCH/a alias data" create "expose %data% $SCRATCH/shadow" \
	"exec /bin/sh -c \"touch $SCRATCH/runs; exec sleep 500\"" >"$SCRATCH/long.dsh"
shadowadm script "$SCRATCH/long.dsh" 2>"$SCRATCH/said" &
long=$!
wait_for 60 [ -e "$SCRATCH/runs" ]
kill -TERM $long
status=0
wait $long || status=$?
is "$status $(shadow_count)" "1 0" "a script that a signal ends leaves nothing, though a shadow was exposed"
over 1 backup-shutdown
is "$(events a | grep -c backup-complete)" 0 "and a copy is not good then"

forget
script -- "add volume $SCRATCH/a" 'writer verify b' create
is "$status" 1 "a writer that must take part, and has nothing there"
like "$said" '"writer verify b" in line 2: it has nothing on the volumes' "is missed"
over 1 abort
like "$(events a)" '^identify prepare-backup abort' "those that had prepared hear the abort"
forget
script -- "add volume $SCRATCH/a" 'writer exclude nobody' create
like "$status $said" '1 .*there is no such writer' "a writer that nobody is cannot be excluded"
script -- "add volume $SCRATCH/a provider $class" create
like "$status $said" '1 .*script.dsh:2: .*there is no such provider' "nor is a shadow made by one that nobody is"
script -- "add volume $SCRATCH/a" 'set context volatile nowriters' 'writer verify a' create
like "$status $said" '1 .*the context has no writers' "nor verified where there are none"
test_writer bad --instance bad --class 7e57e57e-0000-4000-8000-7e57e57e57e6 --fail freeze=retryable:1
forget
script -- 'begin backup' "add volume $SCRATCH/a" create 'end backup'
like "$status $said" '1 .*script.dsh:3: .*bad was told to fail at freeze' "a writer that fails: no set"
over 2 backup-shutdown
like "$(events a)" 'freeze.* abort' "all hear the abort"

# --- components ---

forget
script -- "set metadata $SCRATCH/copied" "add volume $SCRATCH/a" "add volume $SCRATCH/b" \
	'writer exclude a:/Data-a' 'writer verify b:/Data-b' create
is "$status" 0 "a component is left out"
over 2 backup-shutdown
is "$(events a)" identify "its writer has no other: it hears nothing"
like "$(events b)" 'freeze thaw post-snapshot backup-complete' "the other one does; a copy is complete at the end"
is "$(jq -r '"\(.completed != null) \(.writers[].components[].backup_succeeded)"' \
	"$SCRATCH/copied/backup-components.json")" "true yes" "and its documents say so"
forget
script -- "set metadata $SCRATCH/half" "add volume $SCRATCH/a" create 'exec /bin/false'
over 2 backup-shutdown
script -- "load metadata $SCRATCH/half"
like "$status $said" '0 .*half: that backup was not completed' "those of a backup that failed do not, which is told"
script -- "load metadata $SCRATCH/copied"
is "$status $said" "0 " "and of the other one nothing is"
script -- "add volume $SCRATCH/a" 'writer include b:/Data-x' create
like "$status $said" '1 .*line 2: no writer that is there has it' "a component that nobody has"

# --- status ---

mkfifo "$SCRATCH/holding"
requester init-backup gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}" prepare-backup create-set \
	"run:touch $SCRATCH/held" hold <"$SCRATCH/holding" &
holder=$!
exec {hold}>"$SCRATCH/holding"
wait_for 60 [ -e "$SCRATCH/held" ]
json=$(shadowadm writer status --json)
diag "$json"
is "$(jq -r '.writers[] | select(.name == "a") | "\(.state) \(.session_state) \(.metadata) \(.freeze_ns)"' <<<"$json")" \
	"waiting-for-backup-complete created true 60000000000" "writer status: what others' sessions wait for"
is "$(jq -r '.writers[] | select(.name == "b") | "\(.state) \(.session)"' <<<"$json")" "stable null" "who is in none is stable"
is "$(jq -r '.sessions[0] | "\(.state) \(.step) \(.uid) \(.volumes | length)"' <<<"$json")" "created null 0 1" "and the session"
is "$(jq -r '.sessions[0].pid' <<<"$json")" "$(jq -r '.writers[] | select(.name == "a").session_pid' <<<"$json")" \
	"with its process"
is "$(jq -r '.writers[] | select(.name == "bad") | "\(.failed_at) \(.failure) \(.app_code)"' <<<"$json")" "freeze retryable 42" \
	"how a writer failed is known when its session is over"
text=$(shadowadm writer status --verbose)
like "$text" 'NAME +INSTANCE-NAME +STATE.*bad +bad +[a-z-]+ +freeze: bad was told to fail' "for people, too"
like "$text" "component   Data-a: file-group, selectable.*files +$SCRATCH/a/data/\*, and below.*session .*: created" \
	"with what they have, and the session" || diag "$text"
exec {hold}>&-
wait $holder || :
drop_all

# --- a restore ---

writers_stop
forget
test_writer a --instance the-a --metadata "$SCRATCH/a.json"
echo broken >"$SCRATCH/a/data/file"
script -- "load metadata $SCRATCH/documents" 'simulate restore' 'exec /bin/sh -c "echo $data >'"$SCRATCH/name"'"'
is "$status $printed" "0 the restore can begin" "a restore is simulated"
is "$(events a)" identify "the writer is asked who it is, and no more"
like "$(cat "$SCRATCH/name")" '^[0-9a-f-]{36}$' "names are loaded with the documents"
forget
restore=("load metadata $SCRATCH/documents" 'writer verify a' 'begin restore'
	"exec cp -a $SCRATCH/backup/data $SCRATCH/a/" 'end restore')
script -- "${restore[@]}"
is "$status $(cat "$SCRATCH/a/data/file")" "0 old" "a restore"
like "$(events a)" '^identify pre-restore post-restore' "the writer hears it"
forget
script -- "load metadata $SCRATCH/documents" 'begin restore' 'exec /bin/false' 'end restore'
is "$status" 1 "a restore in which a program fails"
is "$(events a | grep -c post-restore)" 0 "no writer hears that the files are there"
writers_stop
script -- "load metadata $SCRATCH/documents" 'simulate restore'
like "$status $said" '1 .*a:/Data-a: .*its writer is not there.*1 component cannot be restored' \
	"without the writer it is said what is missing"
script -- "load metadata $SCRATCH/documents" 'writer exclude a' 'simulate restore'
is "$status" 0 "and it can be left out"

# --- create --document; a set that stays ---

test_writer a --instance the-a --metadata "$SCRATCH/a.json"
shadowadm create --writers --document "$SCRATCH/more/" --quiet "$SCRATCH/a" >"$SCRATCH/device"
is "$(cd "$SCRATCH/more" && echo *)" "a.json backup-components.json" "create --document: a directory"
shadowadm create --writers --document "$SCRATCH/one.json" --quiet "$SCRATCH/a" >>"$SCRATCH/device"
is "$(document "$SCRATCH/one.json" '.shadows[0].node')" "$(tail -n 1 "$SCRATCH/device")" "or a file, with the shadow"
script -- "load metadata $SCRATCH/more" 'simulate restore'
is "$status" 0 "which a script can restore from"
script --json -- "add volume $SCRATCH/b alias kept" 'set context persistent nowriters' create \
	"expose %kept% $SCRATCH/shadow"
is "$status" 0 "a set that stays"
is "$(jq -r '"\(.line) \(.command) \(.status)"' <<<"$printed" | paste -sd,)" \
	"1 add volume 0,2 set context 0,3 create 0,4 expose 0" "a line of JSON for each command"
is "$(jq -r 'select(.command == "create").result | "\(.consistency) \(.shadows | length)"' <<<"$printed")" "filesystem 1" \
	"with what it made"
is "$(cat "$SCRATCH/shadow/data/file")" old "it is exposed when the script is over"
script -- "delete shadows exposed $SCRATCH/shadow"
is "$status $(shadow_count)" "0 2" "and deleted by where it is"
settle
drop_all
