#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fifty sets of a MariaDB server under load: each starts up clean, no committed transaction is missing
# DISKS: data=512M logs=512M
# MEM: 2048
# TIMEOUT: 7200
# SLOW

. "$(dirname "$0")/protocol.sh"
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
# KARGS=sets=5 for less
sets=$(sed -n 's/.*\bsets=\([0-9]*\).*/\1/p' /proc/cmdline)
for ((set = 1; set <= ${sets:-50}; set++)); do
	# with logs that are written at each commit, once a second, and in between
	sql "SET GLOBAL innodb_flush_log_at_trx_commit=$((set % 3))"
	[ $((set % 5)) != 0 ] || sql "FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW(6)"
	mariadb_set_under_load
	look_at_shadow "set $set"
	diag "$SECONDS s: $(ledgers)"
done
