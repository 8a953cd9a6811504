#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the MariaDB writer under load: shadows start clean with every transaction; locks, deaths and refusals
# DISKS: data=384M logs=256M other=64M
# MEM: 2048
# TIMEOUT: 1500

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/mariadb.sh"

need_module
mariadb_disks
coordinator
mariadb_install
mariadb_start
mariadb_tables
mariadb_writer
mariadb_probe 8000
mariadb_load
diag "$SECONDS s: the load runs"
mariadb_set_under_load
look_at_shadow "backup stages"

# commits that are in the server's memory only have to be in the shadow, too
sql "SET GLOBAL innodb_flush_log_at_trx_commit=0"
mariadb_writer_stop
mariadb_writer --method read-lock
mariadb_set_under_load
look_at_shadow "read lock, lazy log"
mariadb_load_stop
bg_stop "$PROBE_JOB"
mariadb_probe 4000
diag "$SECONDS s: the load has ended"

# -- what it tells of its data, and on which volumes that is

mariadb_writer_stop
mariadb_writer --lock-wait 2
mkfs_on ext4 "$DISK_other"
mount_at "$DISK_other" "$SCRATCH/other"
chown nobody "$SCRATCH/other"
instance=$(shadowadm writer list --json | jq -r '.writers[] | select(.name == "mariadb").instance')
requester init-backup gather-metadata "get-metadata>$SCRATCH/metadata:{\"writer\":\"$instance\"}" \
	start-set "add-volume:{\"volume\":\"$SCRATCH/data\"}" \
	"add-volume:{\"volume\":\"$SCRATCH/logs\"}" prepare-backup create-set \
	"get-document>$SCRATCH/backup" backup-complete
is "$(document "$SCRATCH/metadata" '.components[0].files[] | "\(.path) \(.spec) \(.recursive // false)"' | sort)" \
	"$(printf '%s\n' "$data * true" "$logs ib_logfile* false" "$logs bin.* false" \
		"$logs bin.index false" | sort)" "the documents have its places"
is "$(document "$SCRATCH/metadata" '"\(.restore_method) \(.service) \(.usage) \(.source) \(.schema)"')" \
	'stop-restore-start mariadb.service user-data transactional-database ["copy"]' \
	"and how it is restored"
is "$(document "$SCRATCH/metadata" '[.excludes[] | select(.path == "'"$data"'").spec] | sort | join(" ")')" \
	"#sql-temptable-* ibtmp1" "temporary files are left out"
read -r file position gtid < <(recorded)
is "$(document "$SCRATCH/backup" '.writers[0].components[0].backup_stamp')" "$gtid" \
	"the stamp of the backup is the GTID"
like "$(document "$SCRATCH/backup" '.writers[0].components[0].backup_metadata' | xargs)" \
	"binlog_file=$file binlog_position=$position gtid_binlog_pos=$gtid" "with where the binary log was"
expect_fail "$logs \(innodb_log_group_home_dir\) is not in the set, that of $data \(datadir\) is" \
	shadowadm create --writers "$SCRATCH/data"
like "$(shadowadm create --writers "$SCRATCH/other")" 'consistency (filesystem|application)' \
	"a set without it has nothing to do with it"
is "$(tail -n 1 "$SCRATCH/writer" | grep -o "GTID.*,")" "GTID \"$gtid\"," "and it does nothing for that"
sql "CREATE TABLE acid.away (n INT) DATA DIRECTORY='$SCRATCH/other'"
mariadb_set
mariadb_no_set "$SCRATCH/other/acid \(DATA DIRECTORY of a table\) is not in the set" \
	"a table that is elsewhere, on a volume that is not in the set"
sql "DROP TABLE acid.away"

# -- what does not end in time

bg 120 mariadb --no-defaults -S "$socket" -e "INSERT INTO acid.plainmark SELECT 2 + SLEEP(60), NOW(6)"
statement=$BG
wait_for 20 eval 'sql "SHOW PROCESSLIST" | grep -q "User sleep"'
mariadb_set
mariadb_no_set 'BACKUP STAGE BLOCK_DDL: Lock wait timeout.*runs for longer than 2 s' \
	"a statement that writes to a MyISAM table for long: no set"
sql "$(sql "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist
	WHERE state = 'User sleep'" | xargs)"
bg_wait "$statement" || :
mariadb_goes_on "and the server goes on"

kill -STOP "$SERVER"
mariadb_set
mariadb_no_set 'connecting to the server: the server did not answer in time' "a server that hangs: no set"
kill -CONT "$SERVER"
mariadb_goes_on "it is let go, and goes on"

# -- who dies or hangs while it is frozen

mariadb_set
at_rest
kill -STOP "$SERVER"
mariadb_no_set 'locks were lost between freeze and thaw.*BACKUP STAGE END: the server did not answer in time' \
	"a server that hangs when it is to thaw: no set"
kill -CONT "$SERVER"
mariadb_goes_on "and it goes on when it can"

mariadb_set
at_rest
kill -9 "$WRITER_PID"
mariadb_no_set 'mariadb' "the writer dies while the server is at rest: no set"
mariadb_goes_on "and the server goes on"

mariadb_writer --freeze 5
mariadb_set
at_rest
kill -STOP "$WRITER_PID"
mariadb_no_set 'mariadb' "the writer hangs: no set"
mariadb_goes_on "and the server goes on by itself"
kill -9 "$WRITER_PID"

mariadb_writer
mariadb_set
at_rest
kill -9 "$SERVER"
mariadb_no_set 'locks were lost between freeze and thaw' "the server dies while it is at rest: no set"
mariadb_gone

# -- a server that is stopped

mariadb_set
bg_wait "$SET_JOB"
like "$(tail -n 1 "$SCRATCH/writer")" 'is stopped: there is nothing to bring to rest' \
	"a server that is stopped needs nothing"
is "$(jq -r .consistency "$SCRATCH/set")" application "and its data is at rest"
mv "$data/aria_log_control" "$data/aside"
mv "$data/ibdata1" "$data/aside.ibdata1"
mariadb_set
mariadb_no_set 'has no data of a server.*--socket and --datadir' "where there is none that is said"
mv "$data/aside.ibdata1" "$data/ibdata1"
mv "$data/aside" "$data/aria_log_control"

# -- a server that does not let us in

mariadb_start
sql "REVOKE RELOAD ON *.* FROM nobody@localhost"
mariadb_set
mariadb_no_set 'BACKUP STAGE START: Access denied.*needs RELOAD and BINLOG MONITOR' "without RELOAD"
sql "DROP USER nobody@localhost"
mariadb_set
mariadb_no_set 'connecting to the server: Access denied.*needs RELOAD and BINLOG MONITOR' "without a user"
mariadb_goes_on "and the server goes on"
diag "$SECONDS s"
