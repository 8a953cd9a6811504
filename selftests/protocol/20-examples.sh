#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the library's examples together: a writer, a backup of what it has, and a restore
# TIMEOUT: 400
# DISKS: a=64M

. "$(dirname "$0")/protocol.sh"

examples=$TREE/userspace/build/examples
data=$SCRATCH/a/app
documents=$SCRATCH/backup
media=$SCRATCH/media

# begin PROGRAM: it waits for an answer, or has ended
begin() {
	rm -f "$SCRATCH/fifo"
	mkfifo "$SCRATCH/fifo"
	"$examples/$1" "$documents" <"$SCRATCH/fifo" >"$SCRATCH/$1" 2>&1 &
	running=$!
	exec {answer}>"$SCRATCH/fifo"
	wait_for 120 eval "grep -q 'press Enter' '$SCRATCH/$1' || ! kill -0 $running 2>/dev/null"
	diag "$(<"$SCRATCH/$1")"
}

# end: what it waited for was done; 0 if it is content; the writer has heard of the end
end() {
	local status=0

	(echo >&"$answer") 2>/dev/null || :
	exec {answer}>&-
	wait "$running" || status=$?
	wait_for 60 grep -qE 'backup-shutdown|post-restore' "$SCRATCH/told"
	return $status
}

# put FROM TO: with the directories above it
put() {
	if [ -d "$1" ] && [ ! -L "$1" ]; then
		mkdir -p "$2"
	else
		mkdir -p "${2%/*}"
		cp -P --preserve=mode,timestamps "$1" "$2"
	fi
}

# tree DIRECTORY: all that is in it
tree() {
	(cd "$1" && find . -mindepth 1 -printf '%y %P %l\n' | sort &&
		find . -type f -exec sha256sum {} + | sort -k 2)
}

# example_writer DIRECTORY
example_writer() {
	bg 600 "$examples/writer" "$1" >>"$SCRATCH/told" 2>&1
	wait_for 60 eval 'shadowadm writer list | grep -qw Example'
}

# heard: what the example was told, in order
heard() {
	sed "s|^$data: ||" "$SCRATCH/told" | xargs
}

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkdir -p "$data/sub/empty" "$documents"
echo one >"$data/one"
echo two >"$data/sub/two words"
ln -s ../one "$data/sub/link"
tree "$data" >"$SCRATCH/before"
need_module
coordinator

# -- a writer that says what cannot be
example_writer "$SCRATCH/a/../a/app"
begin requester
exec {answer}>&-
wait "$running" && status=0 || status=$?
is "$status" 1 "nothing is there to be backed up"
check "since the only writer is absent, and that is why" \
	grep -q 'writer Example is absent: cannot .*\.\./a/app' "$SCRATCH/requester"
bg_stop "$BG"
wait_for 60 eval '! shadowadm writer list | grep -qw Example'

# -- the application does not come to rest: no backup, and it goes on
example_writer "$data"
exec {busy}<"$data"
flock -s "$busy"
begin requester
end && status=0 || status=$?
is "$status" 1 "a busy application is no backup"
check "and that is why" grep -q "in use: $data" "$SCRATCH/requester"
is "$(heard)" "prepare-snapshot freeze abort backup-shutdown" "the writer hears that it is given up"
exec {busy}<&-

# -- a backup
: >"$SCRATCH/told"
begin requester
check "the application goes on while files are copied" flock -n -s "$data" true
echo changed >"$data/one"
while IFS= read -rd '' _ && IFS= read -rd '' from && IFS= read -rd '' path; do
	put "$from" "$media$path"
done <"$documents/files"
check "a backup is made" end
is "$(tree "$media$data")" "$(<"$SCRATCH/before")" "what is copied is what there was at the instant"
is "$(heard)" "prepare-snapshot freeze thaw backup-shutdown" "the writer has heard all of it in order"
is "$(jq -r '.writers[] | "\(.name) \(.components[0].name) \(.components[0].backup_succeeded)"' \
	"$documents/backup.json")" "Example Data yes" "the document says that it succeeded"
is "$(jq -r .name "$documents/$(jq -r '.writers[0].instance_id' "$documents/backup.json").json")" \
	Example "and the writer's metadata is beside it"
is "$(find "$documents" -name 'shadow*')" "" "no shadow is mounted any more"
settle

# -- a restore, after the writer was started again
: >"$SCRATCH/told"
bg_stop "$BG"
wait_for 60 eval '! shadowadm writer list | grep -qw Example'
example_writer "$data"
find "$data" -mindepth 1 -delete
begin restore
expect_fail '' flock -n -s "$data" true
step=
while IFS= read -r line; do
	case $step:$line in
	copy*:$'\t'*) line=${line#$'\t'} && put "$media${line%% -> *}" "${line##* -> }" ;;
	*:$'\t'*) [ ! -e "${line##* -> }" ] ;;
	*) step=${line#*: } ;;
	esac
done <"$SCRATCH/restore"
check "a restore is made" end
diag "$(tail -n 3 "$SCRATCH/restore")"
is "$(tree "$data")" "$(<"$SCRATCH/before")" "all of it is back"
check "the application goes on" flock -n -s "$data" true
wait_for 60 grep -q backup-shutdown "$SCRATCH/told"
is "$(heard)" "pre-restore post-restore backup-shutdown" "the writer has heard all of it in order"

# -- a restore that ends before it is done
: >"$SCRATCH/told"
begin restore
kill -KILL "$running"
exec {answer}>&-
wait "$running" || :
wait_for 60 grep -q backup-shutdown "$SCRATCH/told"
is "$(heard)" "pre-restore backup-shutdown" "who restores has died, and the writer hears of it"
check "and so the application goes on" flock -n -s "$data" true
settle
