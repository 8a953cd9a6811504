#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm run: signals reach the command; whoever is killed, nothing is left
# DISKS: a=32M
# TIMEOUT: 600

. "$(dirname "$0")/runs.sh"

A=$SCRATCH/a

# begin COMMAND: in the background, as process $JOB, in a process group of its own; it has begun
begin() {
	rm -f "$SCRATCH/up"
	# which has its own signals: a shell lets the background ignore some
	setsid env --default-signal=INT,QUIT shadowadm run "$A" -- sh -c "$1" 2>"$SCRATCH/err" &
	JOB=$!
	cleanup "kill -KILL $JOB 2>/dev/null || true"
	wait_for 60 test -e "$SCRATCH/up"
	is "$(cat "/proc/$JOB/comm")" shadowadm "it runs"
	KEEPER=$(pgrep -x shadowadm -P $JOB)
}

# job_ends STATUS DESC
job_ends() {
	local status=0

	wait $JOB || status=$?
	is "$status" "$1" "$2"
}

# all_gone: the patient ones have ended, and there is nothing of it
all_gone() {
	wait_for 30 eval '! pgrep -x patient'
	ok "nothing runs on"
	nothing_left
}

cp "$(command -v sleep)" "$SCRATCH/patient"
export PATH=$SCRATCH:$PATH UP=$SCRATCH/up
mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$A"
need_module
cleanup drop_all
cleanup 'pkill -KILL -x patient || true'

# Signals to shadowadm are the command's.
for signal in TERM INT HUP QUIT USR1; do
	diag "SIG$signal"
	begin "trap 'echo got >$SCRATCH/got; exit 33' $signal; touch \$UP; while :; do patient 0.1; done"
	kill -$signal $JOB
	job_ends 33 "SIG$signal reaches the command, which says how it ends"
	is "$(cat "$SCRATCH/got")" got "that was it"
	rm "$SCRATCH/got"
	all_gone
done
begin 'touch $UP; exec patient 100'
kill -TERM $JOB
job_ends 143 "one that does not care dies of it"
all_gone

# What it leaves behind is ended, however it was started.
begin '(trap "" TERM HUP; exec setsid patient 200) & (setsid setsid patient 300 &); touch $UP; patient 1'
job_ends 0 "a command that leaves others behind"
all_gone

# Killed, all of it goes.
begin '(trap "" TERM; setsid patient 200) & touch $UP; exec patient 100'
kill -KILL $JOB
job_ends 137 "shadowadm is killed"
all_gone
begin 'touch $UP; exec setsid patient 100'
kill -KILL "$KEEPER"
job_ends 125 "its keeper is killed"
like "$(cat "$SCRATCH/err")" 'watches over the command was ended by signal 9' "says so"
all_gone
begin '(exec setsid patient 200) & touch $UP; exec patient 100'
kill -KILL -- "-$(ps -o pgid= -p $JOB | tr -d ' ')"
job_ends 137 "the process group is killed"
all_gone
begin 'touch $UP; exec patient 100'
kill -KILL $JOB "$KEEPER"
job_ends 137 "both are killed"
all_gone

# At any moment.
for pause in 0.05 0.1 0.2 0.3 0.5 0.7 1 1.5; do
	setsid shadowadm run "$A" -- patient 100 2>/dev/null &
	JOB=$!
	sleep $pause
	pkill -KILL -o -x shadowadm || true
	wait $JOB 2>/dev/null || true
	wait_for 30 eval '! pgrep -x shadowadm'
	wait_for 30 eval '! pgrep -x patient'
	wait_for 20 nothing_there
done
ok "killed at any moment, nothing is left"
nothing_left
