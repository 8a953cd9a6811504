#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: PostgreSQL under load, 50 sets in each mode (or KARGS=sets=N): a server starts from each, nothing is missing
# DISKS: a=512M b=400M
# MEM: 2048
# TIMEOUT: 14000
# SLOW

. "$(dirname "$0")/postgresql.sh"

need_postgresql
modprobe -a ext4 xfs
sets=50
for word in $(</proc/cmdline); do
	case $word in
	sets=*) sets=${word#sets=} ;;
	esac
done
make_cluster
need_module
coordinator
test_writer clock --level system
load --pause 10

# one_set MODE NUMBER
one_set() {
	local after

	rm -f "$SCRATCH"/archive/*[0-9A-F]
	make_set "$SCRATCH/data" "$SCRATCH/ts"
	after=$(cut -d' ' -f1 /proc/uptime)
	is "$ERROR$(consistency)" application "$1 $2: the set is made"
	image_mount "${IMAGES[@]}"
	if [ "$1" = light ]; then
		check "$1 $2: a server starts" image_start
		after=$(told_at thaw)
	else
		image_label
		check "$1 $2: a server recovers" image_recover
	fi
	image_good "$(told_at freeze)" "$after" "$1 $2: nothing is missing, or there by half"
	if [ $(($2 % 10)) -eq 1 ]; then
		image_whole
		image_end
	fi
	image_away
}

for mode in light api; do
	writer --cluster "$CLUSTER" --mode "$mode"
	writer=$BG
	for ((i = 1; i <= sets; i++)); do
		one_set "$mode" "$i"
	done
	bg_stop "$writer"
	diag "$(wc -l <"$SCRATCH/ledger") transactions were committed so far"
done
