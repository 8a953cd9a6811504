#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm run: exit statuses, what the command is told, reports, and what is refused
# DISKS: a=32M b=32M
# TIMEOUT: 300

. "$(dirname "$0")/runs.sh"

# ends STATUS DESC OPTION...: shadowadm run ends with that; it says $OUT and $ERR
ends() {
	local wanted=$1 desc=$2 status=0

	shift 2
	OUT=$(timeout 60 shadowadm run "$@" 2>"$SCRATCH/err") || status=$?
	ERR=$(cat "$SCRATCH/err")
	is "$status" "$wanted" "$desc" || true
}

# nothing_made: the command before made nothing
nothing_made() {
	is "$(shadow_count) $(volume_count)" "0 0" "nothing was made"
}

A=$SCRATCH/a
mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$A"
mkdir "$A/in"
echo before >"$A/file"
need_module
cleanup drop_all

# Refused, before anything is made.
ends 125 "no volume" --volumes "$A,/nowhere" -- touch "$SCRATCH/ran"
like "$ERR" 'cannot find the volume /nowhere: there is no such block device or mount point' "says so"
ends 125 "a directory in a volume" "$A/in" -- touch "$SCRATCH/ran"
like "$ERR" "Name the mount point instead: $A\\." "says so"
ends 125 "a filesystem without a device" /proc -- touch "$SCRATCH/ran"
like "$ERR" 'has no block device' "says so"
ends 127 "no such command" "$A" -- no-such-program
like "$ERR" 'cannot run no-such-program: there is no such program; no shadow was made' "says so"
ends 127 "no such path" "$A" -- "$A/no-program"
ends 126 "not executable" "$A" -- "$A/file"
like "$ERR" "cannot run $A/file: it is not executable; no shadow was made" "says so"
ends 126 "a directory" "$A" -- "$A/in"
ends 125 "a report that cannot be written" "$A" --report "$SCRATCH/none/report" -- touch "$SCRATCH/ran"
check "no command was run" test ! -e "$SCRATCH/ran"
nothing_made

# What the command has done is what we end with.
ends 0 "success" "$A" -- true
ends 42 "failure" "$A" -- sh -c 'exit 42'
# shellcheck disable=SC2016 # for the other shell
ends 143 "a signal" "$A" -- sh -c 'kill -TERM $$'
like "$ERR" 'sh was ended by signal 15' "says so"
printf '#!/no/such/interpreter\n' >"$A/broken"
chmod +x "$A/broken"
ends 127 "a program whose interpreter is missing" "$A" -- "$A/broken"
like "$ERR" "cannot run $A/broken: No such file or directory" "says so"
# One that the shadow does not have: it was made after the instant.
cat >"$SCRATCH/late" <<-'EOF2'
	#!/bin/sh
	exec "$1/late"
EOF2
chmod +x "$SCRATCH/late"
ends 127 "of a shell" "$A" -- sh "$SCRATCH/late" "$A"
nothing_left

# What it is told, and what it says.
# shellcheck disable=SC2016
ends 0 "the environment" "$A" "$DISK_b" -- sh -c 'echo "$SHADOWCOPY_SHADOWS $SHADOWCOPY_VOLUMES";
	shadowadm show "$SHADOWCOPY_SET" --json | jq -r ".shadows | length"
	[ $(($(date +%s) - SHADOWCOPY_TIME)) -lt 60 ] && cat; cat /proc/self/status | grep Sig' <<<"from its input"
like "$OUT" "^/dev/shadow0 /dev/shadow1 $(readlink -f "$DISK_a") $(readlink -f "$DISK_b")
2
from its input
" "set, shadows, volumes, time; and its standard input"
like "$OUT" 'SigBlk:.0000000000000000' "no signal is blocked in it"
like "$ERR" "$DISK_b is mounted nowhere: its shadow is /dev/shadow1" "a volume that is no filesystem in use"
ends 0 "only what is its own is open in it" "$A" -- sh -c 'ls /proc/self/fd'
is "$(xargs <<<"$OUT")" "0 1 2 3" "which is what ls has open"
ends 3 "--json" "$A" --json -- sh -c 'echo said; exit 3'
is "$(jq -r '"\(.exit_status) \(.shadows[0].device) \(.mounts[0].mountpoint) \(.context) \(.live | length)"' <<<"$OUT")" \
	"3 /dev/shadow0 $A backup 0" "has set, shadows, mounts and the exit status"
like "$ERR" said "what the command says goes to standard error then"
ends 3 "--report" "$A" --report "$SCRATCH/report" -- sh -c 'echo said; exit 3'
is "$OUT" said "with a report it has its standard output"
is "$(jq .exit_status "$SCRATCH/report")" 3 "and the report is the same"
ends 125 "a failure" "$A" --bind "$A/gone" --json -- true
is "$(jq -r '.error.message | length > 20' <<<"$OUT")" true "is JSON, too"
nothing_left

# A shadow that is lost meanwhile: no backup, whatever the command says.
ends 125 "a store that is too small" "$A" --store memory:4M --no-free-space -- \
	sh -c "dd if=/dev/urandom of=$DISK_b bs=1M count=1 status=none; nsenter -t $$ -m dd if=/dev/urandom of=$A/big bs=1M count=16 conv=fsync status=none; exit 0"
like "$ERR" "the shadow of $A, was lost, because .*: what it has read since then is worth nothing" "says so" ||
	diag "$ERR"
nothing_left
