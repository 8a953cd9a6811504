# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of the MariaDB writer share: a server on two volumes, a load that keeps account of
# what was committed, and a look at what a shadow has of it.
#
# The server's data is on $DISK_data, its redo log and its binary log are on $DISK_logs.  It
# runs as nobody, and so does the writer.  A second server is started on the shadows, which
# are mounted where the originals are, in a mount namespace of its own: nothing in them has
# to be changed for that.

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
data=$SCRATCH/data/db
logs=$SCRATCH/logs/db
socket=$SCRATCH/run/server
LIVES=7000
CLIENT_JOBS=()
clients="1 2 3 4 5"	# the last two write to tables without transactions

server_options=(
	--no-defaults "--datadir=$data" "--innodb-log-group-home-dir=$logs"
	--innodb-buffer-pool-size=16M --innodb-log-file-size=8M --key-buffer-size=1M
	--aria-pagecache-buffer-size=4M --innodb-buffer-pool-dump-at-shutdown=OFF
	--performance-schema=OFF --skip-name-resolve
)

# mariadb_disks: two volumes, with room for a server
mariadb_disks() {
	local dir

	has mariadbd mariadb mariadb-check shadow-writer-mariadb setpriv
	chmod 755 "$SCRATCH"
	cleanup 'cp "$SCRATCH"/{writer,*.log,shadowd,clients} "$RESULTS" 2>/dev/null || :'
	for dir in data logs; do
		local -n disk=DISK_$dir
		mkfs_on ext4 "$disk"
		mount_at "$disk" "$SCRATCH/$dir"
		mkdir "$SCRATCH/$dir/db"
	done
	mkdir "$SCRATCH/run" "$SCRATCH/shadow"
	chown nobody "$data" "$logs" "$SCRATCH/run"
}

# mariadb_install: a server's first files: what mariadb-install-db does, without what takes it
# most of its time and is not needed here: help, and the views of the performance schema
mariadb_install() {
	local sql=/usr/share/mysql

	[ -e $sql/mysql_system_tables.sql ] || skip "no $sql/mysql_system_tables.sql"
	{
		printf '%s;\n' "CREATE DATABASE mysql" "USE mysql" "SET @auth_root_socket='root'" \
			"SET @skip_auth_anonymous=1"
		cat $sql/mysql_system_tables.sql $sql/mysql_system_tables_data.sql
	} | "${nobody[@]}" mariadbd "${server_options[@]}" --bootstrap \
		>"$SCRATCH/install.log" 2>&1 ||
		fail "mariadbd --bootstrap: $(tail -n 5 "$SCRATCH/install.log")"
}

# mariadb_start: the server, as process $SERVER
mariadb_start() {
	bg $LIVES "${nobody[@]}" mariadbd "${server_options[@]}" --skip-networking \
		--socket="$socket" --pid-file="$SCRATCH/run/pid" --log-bin="$logs/bin" "$@" \
		>>"$SCRATCH/server.log" 2>&1
	SERVER_JOB=$BG
	wait_for 120 sql "SELECT 1"
	# shellcheck disable=SC2034 # for the caller
	SERVER=$(cat "$SCRATCH/run/pid")
}

# mariadb_gone: after it was ended or killed
mariadb_gone() {
	bg_wait "$SERVER_JOB" 2>/dev/null || :
	wait_for 20 eval '[ ! -d "/proc/$SERVER" ]'
}

# sql STATEMENT...: ask the server, or the one whose socket is $AT
sql() {
	mariadb --no-defaults -S "${AT:-$socket}" -N -B -e "$*"
}

# mariadb_tables: those of the load, and what the writer may
mariadb_tables() {
	sql "CREATE USER nobody@localhost IDENTIFIED VIA unix_socket;
		GRANT RELOAD, BINLOG MONITOR ON *.* TO nobody@localhost;
		CREATE DATABASE acid; USE acid;
		CREATE TABLE head (c INT, n INT, PRIMARY KEY (c, n)) ENGINE=InnoDB;
		CREATE TABLE part (c INT, n INT, i INT, t TEXT, PRIMARY KEY (c, n, i)) ENGINE=InnoDB;
		CREATE TABLE total (c INT PRIMARY KEY, n INT) ENGINE=InnoDB;
		INSERT INTO total VALUES (1, 0), (2, 0), (3, 0);
		CREATE TABLE mark (n INT PRIMARY KEY, t DATETIME(6)) ENGINE=InnoDB;
		CREATE TABLE plainmark (n INT PRIMARY KEY, t DATETIME(6)) ENGINE=MyISAM;
		CREATE TABLE plain4 (n INT PRIMARY KEY, t TEXT) ENGINE=Aria;
		CREATE TABLE plain5 (n INT PRIMARY KEY, t TEXT) ENGINE=MyISAM;"
	BEGINNING=$(gtid_number "$(sql "SELECT @@GLOBAL.gtid_binlog_pos")")
}

# gtid_number GTID: "0-1-42" is transaction 42
gtid_number() {
	echo "${1##*-}"
}

# What client $1 says: three rows, their head and a total are one transaction; each seventh is
# rolled back.  The number comes back when it was committed.
statements() {
	awk -v c="$1" -v text="$(printf '%0100d' 0)" 'BEGIN {
		for (n = 1; ; n++) {
			if (c > 3) {
				printf "INSERT INTO plain%d VALUES (%d, \"%s\");", c, n, text
			} else {
				if (n % 7 == 0)
					printf "BEGIN; INSERT INTO head VALUES (%d, %d); ROLLBACK;", c, -n
				printf "BEGIN; INSERT INTO head VALUES (%d, %d);", c, n
				for (i = 1; i <= 3; i++)
					printf "INSERT INTO part VALUES (%d, %d, %d, \"%s\");", c, n, i, text
				printf "UPDATE total SET n = n + 1 WHERE c = %d; COMMIT;", c
			}
			print "SELECT " n ";"
		}
	}'
}

client() {
	statements "$1" | mariadb --no-defaults -S "$socket" -N -B --unbuffered acid \
		>"$SCRATCH/ledger.$1" 2>>"$SCRATCH/clients"
}

# mariadb_load: until the server is gone, or the test ends
mariadb_load() {
	local c

	export -f client statements
	export SCRATCH socket
	for c in $clients; do
		bg $LIVES bash -c "client $c"
		CLIENT_JOBS+=("$BG")
	done
	for c in $clients; do
		wait_for 300 [ -s "$SCRATCH/ledger.$c" ]
	done
}

# mariadb_load_pause, mariadb_load_resume: so that the machine is free for something else
mariadb_load_pause() {
	pkill -STOP -f "unbuffered acid"
}

mariadb_load_resume() {
	local c

	for c in $clients; do
		wc -l <"$SCRATCH/ledger.$c" >"$SCRATCH/paused.$c"
	done
	pkill -CONT -f "unbuffered acid"
	for c in $clients; do
		wait_for 300 eval '[ "$(wc -l <"$SCRATCH/ledger.$c")" -gt "$(cat "$SCRATCH/paused.$c")" ]'
	done
}

# mariadb_load_stop
mariadb_load_stop() {
	local job

	for job in "${CLIENT_JOBS[@]}"; do
		bg_stop "$job"
	done
	wait_for 20 eval '! pgrep -f "unbuffered acid"'
}

# ledgers: how many each client has committed, as far as it knows
ledgers() {
	wc -l "$SCRATCH"/ledger.? | awk '$2 != "total" { printf "%s%d", (NR > 1) ? " " : "", $1 }'
}

# mariadb_writer [OPTION...]: the writer, as nobody, which needs access.conf's leave
mariadb_writer() {
	mkdir -p /etc/shadowcopy
	echo "writer user nobody" >/etc/shadowcopy/access.conf
	bg $LIVES "${nobody[@]}" "$(type -P shadow-writer-mariadb)" --socket "$socket" \
		--datadir "$data" --lock-wait 20 "$@" >>"$SCRATCH/writer" 2>&1
	WRITER_JOB=$BG
	# shellcheck disable=SC2034 # for the caller
	wait_for 30 eval 'WRITER_PID=$(pgrep -P "$WRITER_JOB")'
	wait_for 30 eval 'shadowadm writer list --json | jq -e ".writers[] | select(.name == \"mariadb\")"'
}

# mariadb_writer_stop: so that it can be started with other options
mariadb_writer_stop() {
	bg_stop "$WRITER_JOB"
	wait_for 30 eval '[ "$(shadowadm writer list --json |
		jq "[.writers[] | select(.name == \"mariadb\")] | length")" = 0 ]'
}

# mariadb_probe MS: a writer of the last level says when the server is at rest, and as it is thawed
# before the server is, it lets that be so for long enough to look at it
mariadb_probe() {
	test_writer probe --level system --delay thaw="$1"
	# shellcheck disable=SC2034 # for the caller
	PROBE_JOB=$BG
}

# at_rest: wait until it is
at_rest() {
	timeout 200 grep -q "probe freeze" <(timeout 200 tail -n +1 -f "$SCRATCH/told")
}

# mariadb_set [OPTION...]: begin a set of both volumes in the background; its answer goes to
# $SCRATCH/set, what it complains of to $SCRATCH/said
mariadb_set() {
	: >"$SCRATCH/told"
	bg 300 shadowadm create --writers "$SCRATCH/data" "$SCRATCH/logs" --json "$@" \
		>"$SCRATCH/set" 2>"$SCRATCH/said"
	SET_JOB=$BG
}

# mariadb_no_set REGEX DESC: the set that was begun is not made, and the reason is said
mariadb_no_set() {
	local status=0

	bg_wait "$SET_JOB" || status=$?
	[ $status = 1 ] || diag "$(cat "$SCRATCH/set")"
	like "$status $(cat "$SCRATCH/said")" "^1 .*$1" "$2"
}

# mariadb_goes_on DESC: all clients, or a new one, can commit
mariadb_goes_on() {
	wait_for 60 sql "SET lock_wait_timeout=2, innodb_lock_wait_timeout=2;
		REPLACE INTO acid.mark VALUES (1, NOW(6)); REPLACE INTO acid.plainmark VALUES (1, NOW(6))"
	ok "$1"
}

# mariadb_set_under_load: a writable set; $AT_REST is what the clients knew to be committed then
mariadb_set_under_load() {
	local before tries sets

	sets=$(grep -c "at rest for" "$SCRATCH/writer" || :)
	mariadb_set --writable
	at_rest
	AT_REST=$(ledgers)
	# an answer may have been on its way
	for ((tries = 0; tries < 5; tries++)); do
		before=$AT_REST
		sleep 0.3
		AT_REST=$(ledgers)
		[ "$before" != "$AT_REST" ] || break
	done
	sleep 0.5
	STILL=$(ledgers)
	is "$(grep -c "at rest for" "$SCRATCH/writer" || :)" "$sets" "it is still at rest"
	bg_wait "$SET_JOB" || fail "no set: $(cat "$SCRATCH/said")"
	taken "$(cat "$SCRATCH/set")"
}

# recorded: what the writer says of where the server stood in the binary log
recorded() {
	sed -n 's/.*binary log \([^,]*\), position \([0-9]*\), GTID "\([^"]*\)".*/\1 \2 \3/p' \
		"$SCRATCH/writer" | tail -n 1
}

# shadow_start: a server on the shadows; its socket is $SCRATCH/run/shadow
shadow_start() {
	local dir number=0

	rm -f "$SCRATCH/run/shadow.pid"
	for dir in data logs; do
		mkdir -p "$SCRATCH/shadow/$dir"
		mount "${IMAGES[number]}" "$SCRATCH/shadow/$dir"
		cleanup "umount_at '$SCRATCH/shadow/$dir'"
		number=$((number + 1))
	done
	bg 600 unshare -m --propagation private bash -c '
		for dir in data logs; do
			mount --bind "$SCRATCH/shadow/$dir" "$SCRATCH/$dir" || exit 1
		done
		exec "$@"' mount "${nobody[@]}" mariadbd "${server_options[@]}" \
		--skip-networking --socket="$SCRATCH/run/shadow" --pid-file="$SCRATCH/run/shadow.pid" \
		--log-bin="$logs/bin" >"$SCRATCH/shadow.log" 2>&1
	SHADOW_JOB=$BG
	AT=$SCRATCH/run/shadow wait_for 180 sql "SELECT 1"
}

shadow_stop() {
	kill -9 "$(cat "$SCRATCH/run/shadow.pid")"
	bg_wait "$SHADOW_JOB" 2>/dev/null || :
	umount_at "$SCRATCH/shadow/logs"
	umount_at "$SCRATCH/shadow/data"
	drop "${IMAGES[@]}"
}

# good_tables: does the server $AT find all tables whole?
good_tables() {
	local bad

	bad=$(mariadb-check --no-defaults -S "$AT" --databases acid mysql --check --extended |
		awk '$NF != "OK"')
	[ -z "$bad" ] || diag "$bad"
	[ -z "$bad" ]
}

# found: how many transactions of each client the server $AT has; nothing if one is not whole
found() {
	local c count last total parts

	for c in 1 2 3; do
		read -r count last total parts < <(sql "SELECT COUNT(*), MAX(n),
			(SELECT n FROM acid.total WHERE c = $c),
			(SELECT COUNT(*) FROM acid.part WHERE c = $c) FROM acid.head WHERE c = $c" | xargs)
		[ "$count $count $((count * 3))" = "$last $total $parts" ] ||
			{ diag "client $c: $count heads up to $last, total $total, $parts parts"; return; }
		echo "$count"
	done
	for c in 4 5; do
		read -r count last < <(sql "SELECT COUNT(*), MAX(n) FROM acid.plain$c" | xargs)
		[ "$count" = "$last" ] || { diag "table $c: $count rows up to $last"; return; }
		echo "$count"
	done
}

# all_there FOUND: what was known to be committed is there, and of each client at most the
# one transaction more whose answer was on its way
all_there() {
	local i known there bad=0

	read -ra known <<<"$AT_REST"
	read -ra there <<<"$1"
	for i in 0 1 2 3 4; do
		[ "${there[i]:-0}" -ge "${known[i]}" ] && [ "${there[i]}" -le $((known[i] + 1)) ] ||
			bad=1
	done
	[ $bad = 0 ] || diag "known to be committed: $AT_REST; found: $1"
	return $bad
}

# look_at_shadow WHAT: the things that have to be true of it
look_at_shadow() {
	local file position gtid there

	mariadb_load_pause
	read -r file position gtid < <(recorded) || fail "$1: the writer has recorded nothing"
	is "$STILL" "$AT_REST" "$1: nothing is committed while the server is at rest"
	shadow_start
	diag "$SECONDS s: the server on the shadow runs"
	is "$(stat -c %s "$SCRATCH/shadow/logs/db/$file")" "$position" \
		"$1: the binary log ends where the writer says"
	AT=$SCRATCH/run/shadow
	check "$1: a server starts on the shadow, and all tables are whole" good_tables
	there=$(found | xargs)
	check "$1: every transaction is there, and none half" all_there "$there"
	is "$((BEGINNING + $(tr ' ' + <<<"$there")))" "$(gtid_number "$gtid")" \
		"$1: the recorded GTID is that of the last of them"
	unset AT
	shadow_stop
	mariadb_load_resume
}
