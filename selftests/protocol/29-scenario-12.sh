#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: scenario 12: a full backup whose files are deleted after the instant, restored byte by byte, and elsewhere
# TIMEOUT: 300
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/betest.sh"

two_volumes
data=$SCRATCH/a/data
media=$SCRATCH/b

# files: what a file can be, and what it can have
files() {
	mkdir -p "$data/main/sub/empty" "$data/live" "$data/spit"
	fill "$data/main/big" 1 1
	dd if=/dev/urandom of="$data/main/holes" bs=4k count=1 seek=200 status=none
	echo words >"$data/main/sub/two  words"
	echo bytes >"$data/main/sub/"$'no \xff UTF-8\nat all'
	ln "$data/main/big" "$data/main/sub/another name"
	ln -s ../big "$data/main/sub/link"
	ln -s /nowhere/at/all "$data/main/dangling"
	mkfifo -m 600 "$data/main/fifo"
	mknod -m 640 "$data/main/device" c 1 3
	install -m 4711 -o 1234 -g 4321 /dev/null "$data/main/of somebody"
	chmod 0 "$data/main/sub/two  words"
	chown 77:88 "$data/main/sub/empty"
	chmod 1770 "$data/main/sub/empty"
	chown -h 55:66 "$data/main/sub/link"
	python3 -IS -c 'import os, struct, sys
path = sys.argv[1]
os.setxattr(path, "user.mark", b"\0any bytes\xff")
os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
os.setxattr(path, "system.posix_acl_access", struct.pack("<I" + "HHI" * 5, 2,
    1, 6, 0xffffffff, 2, 4, 1234, 4, 4, 0xffffffff, 16, 4, 0xffffffff, 32, 0, 0xffffffff))' \
		"$data/main/holes"
	touch -d '2001-02-03 04:05:06.789012345' "$data/main/big" "$data/main/sub/empty"
	touch -hd '1999-01-01 00:00:00.5' "$data/main/dangling"
}

# attributes FILE
attributes() {
	python3 -IS -c 'import os, sys
print({name: os.getxattr(sys.argv[1], name) for name in sorted(os.listxattr(sys.argv[1]))})' "$1"
}

files
echo left >"$data/main/left.tmp"
echo left >"$data/main/sub/out.tmp"
echo read me >"$data/spit/copied"
echo not me >"$data/live/copied"
tree "$data/main" | grep -av '\.tmp' >"$SCRATCH/before"
attributes "$data/main/holes" >"$SCRATCH/attributes"
like "$(<"$SCRATCH/attributes")" 'posix_acl_access.*capability|capability.*posix_acl_access' "a file has an ACL and a capability"
cat >"$SCRATCH/full.json" <<END
{"format": "shadowcopy-writer-metadata", "version": "1.0", "class_id": "$class", "instance_id": "$class",
 "name": "x", "usage": "user-data", "source": "other", "restore_method": "if-can-replace",
 "participation": "always", "schema": ["copy", "new-target"],
 "excludes": [{"path": "$data/main", "spec": "*.tmp", "recursive": true}],
 "mappings": [{"path": "$data/main", "spec": "*", "recursive": true, "destination": "$SCRATCH/a/alternate"}],
 "components": [
  {"type": "file-group", "name": "Main", "selectable": true,
   "files": [{"path": "$data/main", "spec": "*", "recursive": true}]},
  {"type": "file-group", "path": "Deep/er", "name": "Spit", "selectable": true,
   "files": [{"path": "$data/live", "spec": "copied", "alternate": "$data/spit"}]}]}
END
need_module
coordinator
# What it does before a restore is in a file, so that it can be another thing each time.
test_writer full --level back-end --metadata "$SCRATCH/full.json" \
	--run "prepare-backup:echo \"\$TYPE \$COMPONENT_MODE \$CONTEXT \$LEVEL \$BACKUP_OPTIONS\" >>$SCRATCH/noted" \
	--run "post-snapshot:find $data -depth -mindepth 1 -delete" \
	--run "backup-complete:echo \"succeeded \$SUCCEEDED\" >>$SCRATCH/noted" \
	--edit "pre-restore:cat $SCRATCH/edit 2>/dev/null || :" \
	--run "pre-restore:echo \"\$RESTORE_TYPE \$RESTORE_OPTIONS\" >>$SCRATCH/noted" \
	--run "post-restore:echo \"\$STATUS \$ALTERNATE_USED \$NEW_TARGET\" >>$SCRATCH/noted"

# -- what cannot be
expect_fail 'no command' shadow-betest frobnicate
expect_fail 'means nothing to backup' shadow-betest backup --custom x "$media/full"
expect_fail 'WRITER:/PATH/NAME' shadow-betest backup --component Main "$media/full"
backup "$media/none" --component full:/Nothing
ended 2 "a component that is not there cannot be backed up"

# -- a backup: the files are gone before the first one is copied
rm -rf "$media/none"
noted >/dev/null
backup "$media/full" --backup-options full:/Main=quick
ended 0 "a backup of files that are deleted right after the instant"
said 'full:/Main succeeded, [1-9][0-9]* files' "says what it has"
is "$(find "$data" -mindepth 1)" "" "nothing of it is there any more"
is "$(noted)" "full 1 backup back-end quick"$'\n'"succeeded yes" \
	"the writer sees type, mode, context, its level and options, and that it succeeded (C-04, C-05, C-26)"
is "$(find "$media/full" -name '*.tmp')" "" "what is excluded is not in it"
is "$(cat "$media/full/data$data/live/copied")" "read me" "a file is read where it was spit, and is at its own place"
is "$(cat /run/shadow-betest* 2>/dev/null; find /run -maxdepth 1 -name 'shadow-betest*')" "" "no shadow is mounted any more"
backup "$media/full"
ended 1 "a directory that has a backup takes no second one"
settle

# -- a restore
restore "$media/full" -- --restore-type other --restore-options 'full:/Main="Main":"x"="y"'
ended 0 "a restore"
is "$(tree "$data/main")" "$(<"$SCRATCH/before")" "all of it is what it was: data, holes, links, owners, modes, times"
is "$(attributes "$data/main/holes")" "$(<"$SCRATCH/attributes")" "... attributes, ACLs and capabilities"
is "$(stat -c %b "$data/main/holes")" "$(stat -c %b "$media/full/data$data/main/holes")" "... and where there was nothing"
is "$(cat "$data/live/copied")" "read me" "what was spit is where it belongs"
check "and nowhere else" [ ! -e "$data/spit/copied" ]
is "$(noted)" 'other "Main":"x"="y"'$'\n'"all  " "the writer sees what kind of restore it is, its options, and how it went (B-06, B-39)"
tree "$data" >"$SCRATCH/all"

# -- to the alternate location, as the writer wants it in this restore
printf 'component\tMain\nrestore-target\talternate\n' >"$SCRATCH/edit"
rm -r "$data/main"
restore "$media/full" -- --component full:/Main
ended 0 "a restore to the alternate location (l.3)"
said 'full:/Main all, in its alternate location' "says so"
is "$(tree "$SCRATCH/a/alternate")" "$(<"$SCRATCH/before")" "all of it is there"
check "and its own place is as it was" [ ! -e "$data/main" ]
is "$(noted | tail -n 1)" "all $SCRATCH/a/alternate " "the writer is told where it is (B-38)"
rm "$SCRATCH/edit"

# -- to a new target, as who restores wants it
restore "$media/full" -- --component full:/Main --new-target "$data/main=$SCRATCH/a/new/place"
ended 0 "a restore to a new target (B-37)"
is "$(tree "$SCRATCH/a/new/place")" "$(<"$SCRATCH/before")" "all of it is there"
check "and its own place is as it was" [ ! -e "$data/main" ]
is "$(noted | tail -n 1)" "all  $SCRATCH/a/new/place" "the writer is told"
restore "$media/full" -- --new-target "/no/such/place=/tmp"
ended 2 "a new target for nothing is a mistake"

# -- a link that was put in the way leads nowhere
ln -s "$SCRATCH/a/new" "$data/main"
restore "$media/full" -- --component full:/Main
said 'full:/Main all, in its alternate location' "where a link is in the way nothing can be replaced"
rm -r "$SCRATCH/a/alternate"
ln -s "$SCRATCH/a/new" "$SCRATCH/a/alternate"
restore "$media/full" -- --component full:/Main
ended 3 "where one is in the way there, too, nothing is restored"
said 'full:/Main none' "and that is what is said of it"
is "$(noted | tail -n 1)" "none  " "to the writer, too"
is "$(find "$SCRATCH/a/new" -maxdepth 1 -mindepth 1)" "$SCRATCH/a/new/place" "nothing is where the link leads"
rm "$data/main"

# -- what nobody says of a component is told as that (B-39)
noted >/dev/null
restore "$media/full" -- --component full:/Main --forget full:/Main
is "$(noted | tail -n 1)" "undefined  " "a component of which nothing was said is undefined"

# -- what is not the backup's to read
rm "$media/full/data$data/main/big"
rm -r "$data/main"
restore "$media/full" -- --component full:/Main
ended 3 "a backup that lacks a file"
said "cannot read $media/full/data$data/main/big: No such file" "is told, with the file"
said 'full:/Main none' "and nothing of it is restored"
is "$(find "$SCRATCH/a" -name '.shadow-betest*'; ls -d "$data/main" 2>/dev/null)" "" "no trace of it is left"
settle
