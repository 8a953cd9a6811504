#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: hooks of QEMU's guest agent and of VMware's tools bring applications to rest, and all that froze is thawed
# DISKS: a=64M
# TIMEOUT: 900

. "$(dirname "$0")/protocol.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
coordinator

qemu=$SCRATCH/fsfreeze-hook.d
vmware=$SCRATCH/backupScripts.d
calls=$SCRATCH/calls
before=/usr/sbin/pre-freeze-script
after=/usr/sbin/post-thaw-script

nothing_runs() {
	! pgrep -f "^sleep 300"
}

# fresh: no hooks, no calls, nothing said
fresh() {
	rm -rf "$qemu" "$vmware"
	mkdir -m 755 "$qemu" "$vmware"
	: >"$calls"
	: >"$SCRATCH/said"
	: >"$SCRATCH/told"
}

# hook FILE [COMMAND...]: one that notes how it was called, and then runs these; in "at EVENT COMMAND..."
# only at that event
hook() {
	local file=$1

	shift
	{
		echo '#!/bin/sh'
		echo 'at() { [ "$event" != "$1" ] || { shift; "$@"; }; }'
		echo "event=\$1; echo \"\${0##*/} \$*\" >>$calls"
		printf '%s\n' "$@"
		echo 'exit 0'
	} >"$file"
	chmod 755 "$file"
}

listed() {
	shadowadm writer list --json | jq -e '.writers[] | select(.name == "script")'
}

# script_writer [OPTION...]: it runs; its process is $WRITER, that of its time limit $LIMIT
script_writer() {
	bg 600 shadow-writer-script --qemu "$qemu" --vmware "$vmware" "$@" 2>>"$SCRATCH/said" 7<"$0"
	LIMIT=$BG
	wait_for 20 listed
	WRITER=$(pgrep -P "$LIMIT")
}

volume="add-volume:{\"volume\":\"$SCRATCH/mnt\"}"

# backup [STATE]: with all writers
backup() {
	requester init-backup "set-backup-state:${1:-{\}}" gather-metadata start-set "$volume" \
		prepare-backup create-set
}

# backup_until_frozen: one goes on, and a writer of the last level does not come to rest yet
backup_until_frozen() {
	test_writer slow --level system --delay freeze=6000
	SLOW_WRITER=$BG
	bg 120 python3 -IS "$TREE/selftests/protocol/requester.py" init-backup gather-metadata start-set \
		"$volume" prepare-backup create-set hold >"$SCRATCH/answers"
	REQUESTER=$BG
	wait_for 60 eval 'heard | grep -q "slow freeze"'
}

# it_ends: with what backup_until_frozen began
it_ends() {
	quietly pkill -9 -P "$REQUESTER" || :
	quietly wait "$REQUESTER" || :
	bg_stop "$SLOW_WRITER"
	wait_for 20 eval '! pgrep -f "testwriter --name slow"'
	wait_for 30 eval '[ "$(shadow_count)" = 0 ]'
}

# called LINE...: what was called, in order; joined by commas
called() {
	is "$(paste -sd, "$calls")" "$(IFS=, && echo "${*:1:$#-1}")" "${!#}" || diag "$(cat "$SCRATCH/said")"
}

# failed CODE REGEX DESC: the set did, and the text that the requester got
failed() {
	is "$(answer 7 .error.code)" "$1" "$3"
	like "$(answer 7 .error.cause)" "$2" "$3: it is said which, and why" || diag "$(cat "$SCRATCH/said")"
}

# -- both kinds: order, arguments, and what they get

fresh
cleanup "rm -f $before $after"
hook $before
hook $after
hook "$qemu/20-b"
hook "$qemu/10-a" "at freeze sh -c 'echo out of a; echo err of a >&2'" 'at thaw echo and again'
hook "$qemu/10-a~"
hook "$qemu/README"
chmod 644 "$qemu/README"
hook "$vmware/40-d" "at freeze sh -c 'sleep 600 & echo \$! >$SCRATCH/kept'" \
	"at thaw sh -c 'kill \$(cat $SCRATCH/kept) && echo kept >>$calls'"
hook "$vmware/30-c" "tr '\\0' '\\n' </proc/\$\$/environ >$SCRATCH/seen" "pwd >>$SCRATCH/seen" \
	"ls /proc/self/fd >>$SCRATCH/seen" "readlink /proc/\$\$/fd/0 >>$SCRATCH/seen" \
	"sed -n 's/^SigBlk:.//p; s/^SigIgn:.*\\(0000000\\)\$/\\1/p' /proc/\$\$/status >>$SCRATCH/seen" \
	"read -r pid _ _ _ group _ </proc/\$\$/stat; [ \$pid = \$group ] && echo leads >>$SCRATCH/seen"
script_writer --vmware-argument "some text"
like "$(cat "$SCRATCH/said")" '5 scripts are there' "it says how many there are"
expect_fail 'another writer "script" runs' shadow-writer-script --qemu "$qemu"
backup_until_frozen
is "$(grep -c freeze "$calls")" 5 "all were called"
is "$(grep -cE 'out of|err of' "$SCRATCH/said")" 0 "while all is frozen nothing is logged"
check "what one left running runs" kill -0 "$(cat "$SCRATCH/kept")"
wait_for 60 eval '[ "$(wc -l <"$SCRATCH/answers")" = 6 ]'
is "$(answer 6 .result.consistency)" application "the set is made"
it_ends
called "10-a freeze" "20-b freeze" "pre-freeze-script freeze some text" "30-c freeze some text" \
	"40-d freeze some text" "40-d thaw some text" kept "30-c thaw some text" \
	"post-thaw-script thaw some text" "10-a thaw" "20-b thaw" "each with its words, in its order"
like "$(cat "$SCRATCH/said")" '10-a freeze: out of a.*10-a freeze: err of a.*10-a thaw: and again' \
	"afterwards it is logged what they said"
is "$(paste -sd' ' "$SCRATCH/seen")" "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
HOME=/root LANG=C SHELL=/bin/sh / 0 1 2 3 /dev/null 0000000000000000 0000000 leads" \
	"they get nothing but what they should"
rm $before
bg_stop "$LIMIT"
script_writer

# -- one fails to freeze

fresh
hook "$qemu/10-a"
hook "$vmware/10-b"
hook "$vmware/20-c" "at freeze sh -c 'echo cannot lock it >&2' && at freeze exit 3"
hook "$vmware/30-d"
backup
failed WRITERERROR_RETRYABLE '20-c freeze: exit status 3: cannot lock it' "vmware: the third fails"
is "$(answer 7 '.error.writers[] | select(.name == "script") | .failure.app_code')" 3 "with its exit status"
called "10-a freeze" "10-b freeze" "20-c freeze" "10-b freezeFail" "post-thaw-script freezeFail" "10-a thaw" \
	"those before it are undone, it is not"
is "$(shadow_count)" 0 "no shadow is left"
: >"$calls"
backup '{"may_degrade":true}'
is "$(answer 7 '.result | "\(.consistency) \(.degraded)"')" "filesystem true" \
	"where it may have less consistency, it has"
like "$(answer 7 '.result.reasons[0]')" 'writer script failed at freeze: .*20-c freeze' "and says why"
called "10-a freeze" "10-b freeze" "20-c freeze" "10-b freezeFail" "post-thaw-script freezeFail" "10-a thaw" \
	"the same is undone, once"
rm $after

fresh
hook "$qemu/10-a"
hook "$qemu/20-b" "at freeze kill -9 \$\$"
hook "$vmware/10-c"
backup
failed WRITERERROR_RETRYABLE '20-b freeze: ended by signal 9' "qemu: the second fails"
called "10-a freeze" "20-b freeze" "10-a thaw" "20-b thaw" "it is undone, too"

# -- one fails to thaw

fresh
hook "$qemu/10-a" "at thaw exit 4"
hook "$qemu/20-b"
hook "$vmware/10-c" "at thaw exit 5"
hook "$vmware/20-d"
backup
failed WRITERERROR_RETRYABLE '10-c thaw: exit status 5' "one fails to thaw"
called "10-a freeze" "20-b freeze" "10-c freeze" "20-d freeze" "20-d thaw" "10-c thaw" "10-a thaw" "20-b thaw" \
	"all are thawed all the same, once"

# -- refused

fresh
hook "$qemu/10-a"
hook "$qemu/20-b"
chmod 777 "$qemu/20-b"
backup
failed WRITERERROR_NONRETRYABLE '20-b is not run: .*20-b can be written by others than root' "one that is writable by all"
is "$(answer 7 .error.phase)" prepare-snapshot "already when it is prepared"
called "nothing is called"
like "$(cat "$SCRATCH/said")" '<4>shadow-writer-script: .*20-b is not run: ' "and the log has it"
chmod 755 "$qemu/20-b"
backup
is "$(answer 7 .result.consistency)" application "then nobody but root may write it: the set is made"

# -- whoever dies

fresh
hook "$qemu/10-a"
hook "$vmware/10-b"
undone=("10-a freeze" "10-b freeze" "10-b freezeFail" "10-a thaw")
backup_until_frozen
pkill -9 -P "$REQUESTER"
wait_for 30 grep -q "10-a thaw" "$calls"
called "${undone[@]}" "the requester is killed: what froze is undone"
it_ends

fresh
hook "$qemu/10-a"
hook "$vmware/10-b"
backup_until_frozen
kill -TERM "$WRITER"
status=0
bg_wait "$LIMIT" || status=$?
called "${undone[@]}" "the writer is told to end: what froze is undone"
is $status 0 "and it ends"
wait_for 60 eval '[ "$(wc -l <"$SCRATCH/answers")" = 6 ]'
is "$(answer 6 '.error | "\(.code) \(.object)"')" "WRITER_NOT_RESPONDING script" "the set is given up"
it_ends

fresh
hook "$qemu/10-a"
hook "$vmware/10-b" "at freeze sleep 300"
script_writer
bg 120 python3 -IS "$TREE/selftests/protocol/requester.py" init-backup gather-metadata start-set \
	"$volume" prepare-backup create-set >"$SCRATCH/answers"
wait_for 60 grep -q "10-b freeze" "$calls"
kill -TERM "$WRITER"
bg_wait "$LIMIT"
called "10-a freeze" "10-b freeze" "10-a thaw" "it is told to end while one freezes: that is not waited for"
wait_for 60 eval '[ "$(wc -l <"$SCRATCH/answers")" = 6 ]'
like "$(answer 6 .error.cause)" '10-b freeze: killed, as this writer was told to end' "and it is said"
wait_for 20 nothing_runs

fresh
hook "$qemu/10-a"
hook "$vmware/10-b"
script_writer
backup_until_frozen
kill -KILL "$WRITER"
bg_wait "$LIMIT" || :
called "10-a freeze" "10-b freeze" "the writer is killed: nobody thaws"
script_writer
called "${undone[@]}" "but the next one does"
like "$(cat "$SCRATCH/said")" 'the last "script" was killed while scripts were frozen' "and says so"
it_ends
bg_stop "$LIMIT"

# -- time

fresh
hook "$qemu/10-a"
hook "$vmware/10-b" "trap '' TERM" "at freeze sh -c 'echo waiting >&2; sleep 300'"
hook "$vmware/20-c"
script_writer --freeze-ms 20000
backup
failed WRITERERROR_TIMEOUT '10-b freeze: killed, as it was not done after [0-9.]+ s: waiting' "one hangs"
called "10-a freeze" "10-b freeze" "10-a thaw" "it is given up, and the one before it thawed"
wait_for 20 nothing_runs

fresh
hook "$qemu/10-a"
hook "$vmware/10-b"
hook "$vmware/20-c" "at thaw sleep 300"
backup
failed WRITERERROR_TIMEOUT '20-c thaw: killed, as it was not done after 10.0 s' "one hangs when it is thawed"
called "10-a freeze" "10-b freeze" "20-c freeze" "20-c thaw" "10-b thaw" "10-a thaw" "the others are thawed"
bg_stop "$LIMIT"

# -- the dispatcher that comes with the guest agent, where there is one

fresh
if [ -e /etc/qemu/fsfreeze-hook ]; then
	cp /etc/qemu/fsfreeze-hook "$SCRATCH/fsfreeze-hook"
	hook "$qemu/10-a" "at freeze exit 3"
	hook "$qemu/20-b"
	script_writer --qemu "$SCRATCH/fsfreeze-hook"
	backup
	is "$(answer 7 .result.consistency)" application "QEMU's own dispatcher"
	called "10-a freeze" "20-b freeze" "10-a thaw" "20-b thaw" "it calls them as it always did"
	bg_stop "$LIMIT"
else
	diag "no /etc/qemu/fsfreeze-hook here"
fi

fresh
script_writer
backup
is "$(answer 7 .result.consistency)" application "without any hook it is at rest at once"
wait_for 20 touch "$SCRATCH/mnt/file"
