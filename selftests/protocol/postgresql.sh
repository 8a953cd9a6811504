# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of the PostgreSQL writer share: a cluster whose tablespace is on a second
# volume, a load with a ledger, the writer, and servers that are started from images.
#
# The image of a cluster has links that lead to the volumes in use.  They are made to lead
# into the shadows before anything is started from it.

. "$(dirname "$0")/protocol.sh"

PGDATA=$SCRATCH/data/pg			# on $DISK_a
TABLESPACE=$SCRATCH/ts/pg		# on $DISK_b
CLUSTER=15/shadow			# what the writer knows it as
LIVES=14000				# of a test with many sets
CONNINFO="host=$SCRATCH/run port=5432 user=postgres dbname=postgres connect_timeout=120"
IMAGE_DATA=$SCRATCH/image/data/pg
IMAGE_CONNINFO="host=$SCRATCH/run port=5433 user=postgres dbname=postgres connect_timeout=120"

# need_postgresql: skip the test where it is not there
need_postgresql() {
	has setpriv jq pg_ledger shadow-writer-postgresql
	getent passwd postgres >/dev/null || skip "no user postgres: make setup"
	pg_bin=$(find /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
	pg_bin=${pg_bin%/*}
	[ -n "$pg_bin" ] || skip "no PostgreSQL server: make setup"
}

as_postgres() {
	setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=/tmp "$@"
}

# sql STATEMENT [CONNINFO]: print what it answers
sql() {
	"$pg_bin/psql" -X -A -t -q -v ON_ERROR_STOP=1 -d "${2:-$CONNINFO}" -c "$1"
}

# -- the cluster

# make_cluster: the volumes and a server that runs, with tables and a tablespace
make_cluster() {
	chmod 711 "$SCRATCH"
	cleanup keep_logs
	cleanup image_away
	mkfs_on ext4 "$DISK_a"
	mkfs_on xfs "$DISK_b"
	mount_at "$DISK_a" "$SCRATCH/data"
	mount_at "$DISK_b" "$SCRATCH/ts"
	mkdir -p "$PGDATA" "$TABLESPACE" "$SCRATCH/run" "$SCRATCH/archive"
	chown postgres: "$PGDATA" "$TABLESPACE" "$SCRATCH/run" "$SCRATCH/archive"
	as_postgres "$pg_bin/initdb" -D "$PGDATA" -k -N -A trust -E UTF8 --locale=C.UTF-8 \
		--wal-segsize=1 >"$SCRATCH/initdb" 2>&1 || fail "initdb: $(tail -n 3 "$SCRATCH/initdb")"
	cat >>"$PGDATA/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$SCRATCH/run'
		shared_buffers = 16MB
		max_connections = 20
		min_wal_size = 4MB
		max_wal_size = 16MB
		checkpoint_timeout = 60s
		autovacuum_naptime = 5s
		jit = off
		archive_mode = on
		archive_command = 'cp %p $SCRATCH/archive/%f.new && mv $SCRATCH/archive/%f.new $SCRATCH/archive/%f'
	END
	start_server
	sql "CREATE EXTENSION amcheck"
	sql "CREATE TABLESPACE second LOCATION '$TABLESPACE'"
	pg_ledger init --tablespace second "$CONNINFO"
	mkdir -p "/etc/postgresql/$CLUSTER"
	cleanup "rm -r '/etc/postgresql/$CLUSTER'"
	echo "data_directory = '$PGDATA'	# as Debian writes it" \
		>"/etc/postgresql/$CLUSTER/postgresql.conf"
}

# keep_logs: for who wants to know why
keep_logs() {
	cp "$SCRATCH"/{writer,told,answers,document,shadowd,run/server,run/image} "$RESULTS/" \
		2>/dev/null || :
}

start_server() {
	as_postgres "$pg_bin/pg_ctl" start -w -t 300 -s -D "$PGDATA" -l "$SCRATCH/run/server" ||
		fail "the server does not start: $(tail -n 5 "$SCRATCH/run/server")"
	cleanup "stop_server"
}

# stop_server [DIRECTORY]: if it runs
stop_server() {
	local directory=${1:-$PGDATA}

	[ ! -e "$directory/postmaster.pid" ] ||
		as_postgres "$pg_bin/pg_ctl" stop -w -t 300 -s -m fast -D "$directory"
}

# -- the writer, and the load

# writer OPTION...: the writer runs; what it says is in $SCRATCH/writer
writer() {
	mkdir -p /etc/shadowcopy
	echo "writer user postgres" >/etc/shadowcopy/access.conf
	cleanup "rm -f /etc/shadowcopy/access.conf"
	: >"$SCRATCH/writer"
	bg $LIVES setpriv --reuid=postgres --regid=postgres --clear-groups \
		shadow-writer-postgresql "$@" >>"$SCRATCH/writer" 2>&1
	wait_for 60 grep -q "is ready" "$SCRATCH/writer"
}

# load [OPTION...]: transactions are done from now on, until load_end
load() {
	local lines

	lines=$(wc -l 2>/dev/null <"$SCRATCH/ledger" || echo 0)
	bg $LIVES pg_ledger load "$@" "$CONNINFO" "$SCRATCH/ledger"
	LOAD=$BG
	wait_for 300 more_lines "$((lines + 20))"
}

more_lines() {
	[ "$(wc -l <"$SCRATCH/ledger")" -ge "$1" ]
}

load_end() {
	bg_stop "$LOAD"
}

# told_at EVENT: when the writer "clock" was told so the last time, which is after all other
# writers have frozen, and before they are thawed
told_at() {
	awk -v event="$1" '$2 == "clock" && $3 == event { time = $1 } END { print time }' \
		"$SCRATCH/told"
}

# make_set VOLUME...: writable shadows, with writers; ${IMAGES[@]}, and the document's
# component in $SCRATCH/component; or $ERROR
make_set() {
	local volume volumes=()

	for volume; do
		volumes+=("add-volume:{\"volume\":\"$volume\"}")
	done
	requester init-backup 'set-context:{"writable":true,"keep":true}' gather-metadata start-set \
		"${volumes[@]}" prepare-backup create-set "get-document>$SCRATCH/document" \
		backup-complete
	ERROR=$(jq -r -n 'first(inputs | .error // empty) | "\(.code): \(.cause)"' "$SCRATCH/answers")
	[ -z "$ERROR" ] || return 0
	mapfile -t IMAGES < <(jq -r '.result.shadows // empty | .[].device' "$SCRATCH/answers")
	settle
	jq '.writers[]? | select(.name == "PostgreSQL") | .components[0]' "$SCRATCH/document" \
		>"$SCRATCH/component"
}

# of_backup KEY: print what the writer has left in the component's metadata
of_backup() {
	jq -r ".backup_metadata | fromjson | .$1 // empty" "$SCRATCH/component"
}

# consistency: print that of the set
consistency() {
	jq -r '.result.consistency // empty' "$SCRATCH/answers"
}

# -- images

# image_mount DATA TS: mount two writable shadows, and leave out what a backup leaves out
image_mount() {
	local link

	mkdir -p "$SCRATCH/image/data" "$SCRATCH/image/ts"
	shadowadm mount -q "$1" "$SCRATCH/image/data" -o rw
	shadowadm mount -q "$2" "$SCRATCH/image/ts" -o rw
	rm -f "$IMAGE_DATA/postmaster.pid" "$IMAGE_DATA/postmaster.opts"
	find "$IMAGE_DATA"/pg_{dynshmem,notify,replslot,serial,snapshots,stat_tmp,subtrans} \
		-mindepth 1 -delete
	find "$IMAGE_DATA" "$SCRATCH/image/ts/pg" \( -name 'pgsql_tmp*' -o \
		-name 'pg_internal.init*' \) -prune -exec rm -r {} +
	for link in "$IMAGE_DATA"/pg_tblspc/*; do
		is "$(readlink "$link")" "$TABLESPACE" "a tablespace is in the image"
		ln -sfn "$SCRATCH/image/ts/pg" "$link"
	done
}

# image_start [SETTING=VALUE...]: a server on them; what it says is in $SCRATCH/run/image
image_start() {
	local setting options="-p 5433 -c archive_mode=off"

	for setting; do
		options+=" -c '$setting'"
	done
	as_postgres "$pg_bin/pg_ctl" start -w -t 300 -s -D "$IMAGE_DATA" -o "$options" \
		-l "$SCRATCH/run/image"
}

# image_label: as after api mode, with the log from the archive alone
image_label() {
	of_backup backup_label >"$IMAGE_DATA/backup_label"
	of_backup tablespace_map | sed "s,$TABLESPACE,$SCRATCH/image/ts/pg," \
		>"$IMAGE_DATA/tablespace_map"
	find "$IMAGE_DATA/pg_wal/" -type f -delete
	touch "$IMAGE_DATA/recovery.signal"
	chown postgres: "$IMAGE_DATA"/{backup_label,tablespace_map,recovery.signal}
}

# image_recover: start it so, and be done where the backup is consistent
image_recover() {
	image_start "restore_command=cp $SCRATCH/archive/%f %p" recovery_target=immediate \
		recovery_target_action=promote
	wait_for 120 image_is_done
}

image_is_done() {
	[ "$(sql "SELECT pg_is_in_recovery()" "$IMAGE_CONNINFO")" = f ]
}

image_stop() {
	stop_server "$IMAGE_DATA"
}

# image_away: stop, unmount and delete them; also when the test ends
image_away() {
	image_stop
	umount_at "$SCRATCH/image/data"
	umount_at "$SCRATCH/image/ts"
	drop_all
}

# image_good BEFORE AFTER DESC: it has what had been committed before, nothing that was begun
# after, and nothing by half
image_good() {
	local status=0

	pg_ledger check --before "$1" --after "$2" "$IMAGE_CONNINFO" "$SCRATCH/ledger" \
		>"$SCRATCH/check" 2>&1 || status=$?
	diag "$(cat "$SCRATCH/check")"
	is "$status" 0 "$3"
}

# image_whole: all tables and indexes are as they should be
image_whole() {
	local status=0

	PGHOST=$SCRATCH/run PGPORT=5433 PGUSER=postgres "$pg_bin/pg_amcheck" --heapallindexed \
		-d postgres >"$SCRATCH/check" 2>&1 || status=$?
	is "$status $(cat "$SCRATCH/check")" "0 " "tables and indexes are whole"
}

# image_end: it stops, and all of its pages are as they should be
image_end() {
	check "it stops" image_stop
	check "all checksums are right" quietly as_postgres "$pg_bin/pg_checksums" --check \
		-D "$IMAGE_DATA"
}
