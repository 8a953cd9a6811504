#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: scenario 13: a full backup, three incremental and a differential one, logs, and a copy; restored in a row
# TIMEOUT: 300
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/betest.sh"

two_volumes
data=$SCRATCH/a/app
media=$SCRATCH/b
mkdir -p "$data/db" "$data/log" "$data/files" "$SCRATCH/state"
fill "$data/db/main" 1 1
for n in 1 2 3; do
	echo "first $n" >"$data/files/f$n"
done
touch -d '2020-01-01' "$data"/files/*
echo 0 >"$data/db/applied"

# The application: blocks of its database change, and what changed it knows; each transaction is a line of its
# log, which a backup that succeeded cuts; after a restore that is the last one it applies what is in the log.
cat >"$SCRATCH/app" <<END
#!/bin/bash
data=$data state=$SCRATCH/state
cd "\$state" || exit
say() { printf '%s\\t' "\${@:1:\$#-1}"; printf '%s\\n' "\${@: -1}"; }
ranges() { sort -u "\$1" | paste -sd, -; }
case \$1:\$TYPE in
prepare:*) echo "\$TYPE \$PREVIOUS_STAMP \$PARTIAL_FILES" >>$SCRATCH/noted ;;
post:full) echo component; say backup-stamp "full-\$((++n))"; date +%s%N >time ;;
post:incremental)
	say component Db
	if [ -e use-file ]; then
		$SCRATCH/ranges "\$data/changed" \$(sort -u since-last)
		say partial-file "\$data/db" main "\$data/changed" own-words
	elif [ -s since-last ]; then
		say partial-file "\$data/db" main "\$(ranges since-last)"
	fi
	say component Files
	[ -e by-records ] && time=0 || time=\$(<time)
	say differenced-file "\$data/files" '*' 0 "\$time"
	echo component
	say backup-stamp "inc-\$(<number)"
	date +%s%N >time ;;
post:differential)
	say component Db
	say partial-file "\$data/db" main "\$(ranges since-full)"
	say component Files
	say differenced-file "\$data/files" '*' 0 "\$(<full-time)"
	echo component
	say backup-stamp "diff-1" ;;
post:log) say backup-stamp "log-1" ;;
complete:*)
	echo "\$TYPE \$SUCCEEDED" >>$SCRATCH/noted
	[ "\$SUCCEEDED" = yes ] || exit 0
	case \$TYPE in
	full) : >since-full; cp time full-time ;;
	incremental | log) ;;
	*) exit 0 ;;
	esac
	[ "\$TYPE" = log ] || : >since-last
	: >"\$data/log/app.log" ;;
restored:*)
	echo "\$STATUS \$ADDITIONAL \$PREVIOUS_STAMP \$ROLL_FORWARD \$POINT" >>$SCRATCH/noted
	[ "\$ADDITIONAL" = 0 ] || exit 0
	[ "\$ROLL_FORWARD" != none ] || exit 0
	while read -r transaction; do
		[ "\$ROLL_FORWARD" != partial ] || [ "\$transaction" -le "\$POINT" ] || break
		echo "\$transaction" >"\$data/db/applied"
	done <"\$data/log/app.log" ;;
esac
exit 0
END
# ranges FILE OFFSET:LENGTH...: the file with ranges that those are
cat >"$SCRATCH/ranges" <<'END'
#!/usr/bin/python3 -IS
import struct
import sys
ranges = [tuple(map(int, word.split(":"))) for word in sys.argv[2:]]
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(ranges)))
    for pair in ranges:
        file.write(struct.pack("<QQ", *pair))
END
chmod +x "$SCRATCH/app" "$SCRATCH/ranges"
cat >"$SCRATCH/row.json" <<END
{"format": "shadowcopy-writer-metadata", "version": "1.0", "class_id": "$class", "instance_id": "$class",
 "name": "x", "usage": "user-data", "source": "transactional-database", "restore_method": "if-can-replace",
 "participation": "always",
 "schema": ["copy", "differential", "incremental", "log", "timestamped", "last-modify", "roll-forward"],
 "components": [
  {"type": "database", "name": "Db", "selectable": true,
   "databases": [{"path": "$data/db", "spec": "main", "needed": ["full", "full-shadow"]},
                 {"path": "$data/db", "spec": "applied"}],
   "logs": [{"path": "$data/log", "spec": "*.log"}]},
  {"type": "file-group", "name": "Files", "selectable": true,
   "files": [{"path": "$data/files", "spec": "*", "needed": ["full", "full-shadow"]}]}]}
END
need_module
coordinator
test_writer row --metadata "$SCRATCH/row.json" --run "prepare-backup:$SCRATCH/app prepare" \
	--edit "post-snapshot:$SCRATCH/app post" --run "backup-complete:$SCRATCH/app complete" \
	--run "post-restore:$SCRATCH/app restored"

# transact N: a transaction
transact() {
	echo "$1" >>"$data/log/app.log"
	echo "$1" >"$data/db/applied"
}

# change BLOCK TEXT: of four KiB, in the database
change() {
	echo "$2" | dd of="$data/db/main" bs=4k seek="$1" conv=notrunc,sync status=none
	echo "$(($1 * 4096)):4096" | tee -a "$SCRATCH/state/since-last" >>"$SCRATCH/state/since-full"
}

# now NAME: what there is
now() {
	(cd "$data" && find db files -type f -exec xxhsum -H2 {} + | sort) >"$SCRATCH/is-$1"
}

# take NAME TYPE PREVIOUS
take_backup() {
	backup "$media/$1" --type "$2" --partial ${3:+--previous "$media/$3"}
	ended 0 "a backup: $2"
	now "$1"
}

# -- full
transact 1
take_backup full full ""
is "$(noted)" "full  1"$'\n'"full yes" "the writer hears that it is a full one, and that it succeeded (G-01)"
is "$(stat -c %s "$data/log/app.log")" 0 "and so it cuts its log (C-26)"
is "$(document "$media/full/backup-components.json" '.writers[0].components[0].backup_stamp')" full-1 "its stamp is in the document"

# -- three incremental ones
echo 1 >"$SCRATCH/state/number"
change 3 three
change 200 two-hundred
echo second >"$data/files/f2"
transact 2
take_backup inc1 incremental full
is "$(noted | head -n 1)" "incremental full-1 1" "the writer gets its stamp back (G-03, B-12)"
is "$(find "$media/inc1/data" -path '*files/f*' -printf '%f\n')" f2 "what is newer than the time it gave is copied (F-41)"
is "$(du -k --apparent-size "$media/inc1/data$data/db/main" | cut -f1)" 1024 "of the database there is a file of its size"
check "in which only what changed takes room" [ "$(du -k "$media/inc1/data$data/db/main" | cut -f1)" -lt 64 ]

echo 2 >"$SCRATCH/state/number"
touch "$SCRATCH/state/use-file"
change 7 seven
change 3 three-again
transact 3
take_backup inc2 incremental inc1
rm "$SCRATCH/state/use-file"
is "$(noted | head -n 1)" "incremental inc-1 1" "each builds on the one before"
check "the file with ranges is in the backup" [ -s "$media/inc2/data$data/changed" ]
is "$(find "$media/inc2/data" -path '*files/f*')" "" "no file has changed, and none is in it"

echo 3 >"$SCRATCH/state/number"
touch "$SCRATCH/state/by-records"
mkdir "$media/inc2/data$data/files"
cp -a "$data/files/." "$media/inc2/data$data/files/"	# as if they had been in it
change 0 zero
echo third >"$data/files/f3"
transact 4
take_backup inc3 incremental inc2
rm "$SCRATCH/state/by-records"
noted >/dev/null
is "$(find "$media/inc3/data" -path '*files/f*' -printf '%f\n')" f3 "without a time, what differs from the backup before is copied"
rm -r "$media/inc2/data$data/files"

# -- logs only, and a copy, which is nobody's base
transact 5
transact 6
transact 7
backup "$media/copy" --type copy
is "$(noted)" "copy  0"$'\n'"copy yes" "the writer hears that it is a copy (G-02)"
is "$(wc -l <"$data/log/app.log")" 3 "and cuts no log"
take_backup log log inc3
is "$(noted | tail -n 1)" "log yes" "the writer hears that it is of logs (G-05)"
is "$(cd "$media/log/data$data" && find . -type f)" ./log/app.log "and logs are all that is in it"
is "$(stat -c %s "$data/log/app.log")" 0 "the log is cut"

# -- a differential one
change 100 hundred
take_backup diff differential full
is "$(noted | head -n 1)" "differential full-1 1" "it builds on the full one (G-04)"
is "$(document "$media/diff/backup-components.json" '.writers[0].components[0].partial_files[0].ranges' |
	tr , '\n' | wc -l)" 5 "and has all that changed since then"

# -- the row
lose() {
	find "$data" -mindepth 1 -type f -delete
	noted >/dev/null
}
lose
restore "$media/inc1" "$media/full"
ended 1 "backups in the wrong order are refused"
said 'row wants "full-1".*the full one' "with what is missing, and what to do"
is "$(noted)" "" "and nobody hears of it"
restore "$media/full" "$media/inc2"
ended 1 "one that is missing, too"
restore "$media/full" "$media/inc1" "$media/inc2" "$media/inc1"
ended 1 "and an older one behind a newer one, which builds on what is there, but not last"
is "$(noted)" "" "of which nobody hears either"
restore "$media/full" "$media/inc1" "$media/inc2" "$media/inc3" -- --ranges "$SCRATCH/a/ranges" --roll-forward 'row:/*=none'
ended 0 "a full backup and three incremental ones are restored (l.7)"
is "$(cd "$data" && find db files -type f -exec xxhsum -H2 {} + | sort)" "$(<"$SCRATCH/is-inc3")" "all is what it was at the last one"
is "$(noted | cut -d' ' -f 1-3)" "all 1 "$'\n'"all 1 full-1"$'\n'"all 1 inc-1"$'\n'"all 0 inc-2" \
	"the writer waits with recovering until the last one (B-36)"
check "ranges are where they were wanted (B-40)" [ -s "$SCRATCH/a/ranges/main-0" ]
check "and in nobody's way" [ ! -e "$data/changed" ]

# -- logs, to a point
restore "$media/log" -- --roll-forward 'row:/Db=6'
said 'does not build on nothing' "logs alone are no backup"
restore "$media/full" "$media/inc1" "$media/inc2" "$media/inc3" "$media/log" -- --roll-forward 'row:/Db=6'
ended 0 "and the logs behind it, to a point (B-44)"
is "$(<"$data/db/applied")" 6 "it is rolled forward to there, and no further"

# -- the differential one
lose
restore "$media/full" "$media/diff" -- --roll-forward 'row:/*=none'
ended 0 "a full backup and the differential one are restored"
is "$(cd "$data" && find db files -type f -exec xxhsum -H2 {} + | sort)" "$(<"$SCRATCH/is-diff")" "all is what it was at that"
settle
