#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: PostgreSQL: servers start from shadows with all that was committed; what is refused (scenario 3)
# DISKS: a=400M b=320M
# MEM: 1536
# TIMEOUT: 900

. "$(dirname "$0")/postgresql.sh"

need_postgresql
modprobe -a ext4 xfs
make_cluster
need_module
coordinator
test_writer clock --level system
writer --cluster "$CLUSTER"
light=$BG
load --pause 50

# -- light

make_set "$SCRATCH/data"
like "$ERROR" "^WRITERERROR_INCONSISTENTSNAPSHOT: the tablespace [0-9]+ \($TABLESPACE\) is on a volume that is not in the set" \
	"without the tablespace's volume there is no set"
read -r postmaster <"$PGDATA/postmaster.pid"
kill -STOP "$postmaster"
make_set "$SCRATCH/data" "$SCRATCH/ts"
kill -CONT "$postmaster"
like "$ERROR" "^WRITERERROR_RETRYABLE: the server runs, as $PGDATA/postmaster.pid says, and does not answer" \
	"nor with a server that hangs"
make_set "$SCRATCH/data" "$SCRATCH/ts"
load_end
is "$ERROR$(consistency)" application "with both, and a server that answers, it is made"
is "$(jq -r '"\(.type) \(.path) \(.name)"' "$SCRATCH/component")" "file-group 15 shadow" \
	"the cluster is its component"
is "$(of_backup mode)" light "with metadata"
like "$(jq -r .backup_stamp "$SCRATCH/component")" '^[0-9A-F]+/[0-9A-F]+$' "and a stamp"
image_mount "${IMAGES[@]}"
check "a server starts from the shadows" image_start
image_good "$(told_at freeze)" "$(told_at thaw)" "it has what was committed, and that only"
image_whole
image_end
image_away

# -- two sets instead of one: can that be told?

taken "$(shadowadm create --writable "$SCRATCH/ts" --json)"
earlier=$IMAGE
load --pause 50
sql CHECKPOINT
load_end
taken "$(shadowadm create --writable "$SCRATCH/data" --json)"
image_mount "$IMAGE" "$earlier"
if image_start; then
	expect_fail 'have in common|missing|moved' pg_ledger check "$IMAGE_CONNINFO" "$SCRATCH/ledger"
else
	ok "shadows of two instants: no server starts"
fi
image_away

# -- api

bg_stop "$light"
writer --mode api --conninfo "$CONNINFO"
like "$(cat "$SCRATCH/writer")" "the writer of $PGDATA is ready, mode api" "the data directory is asked for"
load --pause 50
make_set "$SCRATCH/data" "$SCRATCH/ts"
after=$(cut -d' ' -f1 /proc/uptime)
load_end
is "$ERROR$(consistency)" application "a set in api mode"
like "$(of_backup backup_label)" 'START WAL LOCATION: .*LABEL: shadowcopy ' "the label is in its document"
is "$(jq -r .backup_stamp "$SCRATCH/component")" "$(of_backup start_lsn)" "its stamp is where it began"
image_mount "${IMAGES[@]}"
image_label
check "a server recovers from the shadows and the archive" image_recover
check "by the label" [ -e "$IMAGE_DATA/backup_label.old" ]
image_good "$(told_at freeze)" "$after" "it has what was committed"
image_end
image_away

# -- a session that is lost is no backup

test_writer slow --level front-end --delay freeze=4000
slow=$BG
(
	wait_for 100 grep -q ' slow freeze ' "$SCRATCH/told"
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'shadow-writer-postgresql'"
) >"$SCRATCH/terminated" &
make_set "$SCRATCH/data" "$SCRATCH/ts"
wait $!
bg_stop "$slow"
is "$(cat "$SCRATCH/terminated")" t "a session is held from before the freeze on"
like "$ERROR" '^WRITERERROR_RETRYABLE: the server went away before the freeze' "without it there is no set"

# -- without a server

stop_server
make_set "$SCRATCH/data" "$SCRATCH/ts"
is "$ERROR$(consistency)" application "a server that is stopped is at rest"
is "$(of_backup mode)" stopped "which the metadata says"
like "$(cat "$SCRATCH/writer")" 'the server is stopped: its files are at rest' "and the log"
echo 1 >"$PGDATA/postmaster.pid"
make_set "$SCRATCH/data" "$SCRATCH/ts"
rm "$PGDATA/postmaster.pid"
like "$ERROR" '^WRITERERROR_RETRYABLE: the server runs' "but only where it is known"
drop_all
