#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: scenario 14: each restore method, a service that is stopped and started, and what is left to the next boot
# TIMEOUT: 300
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"
. "$(dirname "$0")/betest.sh"

# At one path in both stages.
top=/mnt/betest
data=$top/data
media=$top/backup
if [ "$STAGE" -eq 0 ]; then
	mkfs_on ext4 "$DISK_a"
fi
mount_at "$DISK_a" "$top"

if [ "$STAGE" -eq 1 ]; then
	# No systemd runs here: this is what its unit would do, in the order that it says.
	is "$(cat "$data/boot/one" "$data/boot/two" "$data/maybe/one" | xargs)" "old old old" "until the next boot all is as it was"
	like "$(<"$TREE/userspace/systemd/shadow-restore-boot.service.in")" 'Before=sysinit.target.*ExecStart=@SBINDIR@/shadow-betest boot' \
		"a service has it done before others begin"
	chattr -i "$data/maybe/two"
	rm "$data/boot/two"
	mkdir "$data/boot/two"
	betest boot --state "$top/state"
	ended 1 "what cannot be done"
	said "cannot put $data/boot/two in its place.*next boot" "is told, and tried again"
	is "$(cat "$data/boot/one" "$data/maybe/one" "$data/maybe/two" | xargs)" "new new new" "all the rest is in its place (L-06, L-07)"
	rmdir "$data/boot/two"
	betest boot --state "$top/state"
	ended 0 "at the next one"
	is "$(cat "$data/boot/two")" new "all of it is"
	is "$(find "$top/state" -type f; find "$data" -name '.shadow*')" "" "and nothing is left of it"
	betest boot --state "$top/state"
	ended 0 "the boot after has nothing to do"
	exit 0
fi

# a writer of two files with its method, as "old" as the application goes on with them
# method NAME METHOD [MEMBERS [MAPPING]]
method() {
	local mappings=

	[ $# -lt 4 ] || mappings="\"mappings\": [{\"path\": \"$data/$1\", \"spec\": \"*\", \"destination\": \"$4\"}],"
	mkdir -p "$data/$1"
	echo new >"$data/$1/one"
	echo new >"$data/$1/two"
	cat >"$SCRATCH/$1.json" <<-END
	{"format": "shadowcopy-writer-metadata", "version": "1.0", "class_id": "$class", "instance_id": "$class",
	 "name": "x", "usage": "user-data", "source": "other", "restore_method": "$2", "participation": "always",
	 ${3:+$3,} $mappings
	 "components": [{"type": "file-group", "name": "Of-$1", "selectable": true,
	                 "files": [{"path": "$data/$1", "spec": "*"}]}]}
	END
	begin "$1"
}

# begin NAME: its writer
begin() {
	test_writer "$1" --instance "$1" --metadata "$SCRATCH/$1.json" \
		--edit "pre-restore:echo pre $1 >>$SCRATCH/noted; cat $SCRATCH/edit-$1 2>/dev/null || :" \
		--run "post-restore:echo \"post $1 \$STATUS\$RESTORE_NAME\" >>$SCRATCH/noted"
	eval "pid_$1=$BG"
}

# A stand-in for systemctl, where no systemd runs: the service is a writer, which ends and begins.
mkdir "$SCRATCH/bin"
cat >"$SCRATCH/bin/systemctl" <<END
#!/bin/bash
name=\${2%.service}
echo "\$1 \$name \$(cat $data/\$name/one)" >>$SCRATCH/noted
[ ! -e $SCRATCH/systemctl-fails ] || exit 1
touch $SCRATCH/\$1-\$name
while [ -e $SCRATCH/\$1-\$name ]; do sleep 0.05; done
END
chmod +x "$SCRATCH/bin/systemctl"
PATH=$SCRATCH/bin:$PATH

need_module
coordinator
method absent if-not-there '' "$top/alternate-absent"
method replace if-can-replace '"schema": ["copy", "restore-rename", "restore-with-move"]'
method stop stop-restore-start '"service": "stop.service"'
method restart restore-stop-start '"service": "restart.service"'
method elsewhere to-alternate-location '' "$top/elsewhere"
method boot at-reboot
method maybe at-reboot-if-cannot-replace
method own custom
method deaf if-can-replace
method failing if-can-replace
sed -i 's/"always"/"never"/' "$SCRATCH/deaf.json"
sed -i 's/"always"/"if-replace-fails"/' "$SCRATCH/failing.json"
backup "$media"
ended 0 "a backup of a writer of each method"
settle
for file in "$data"/*/*; do
	echo old >"$file"
done
rm -f "$SCRATCH/noted"

# get NAME [OPTION...]: restore what is of one
get() {
	local name=$1

	shift
	restore "$media" -- --component "$name:/Of-$name" --state "$top/state" "$@"
}

# has NAME: what its files are
has_now() {
	xargs <<<"$(cat "$data/$1/one" "$data/$1/two" 2>&1)"
}

# -- L-01: only where nothing is there
rm "$data/absent/one"
get absent
ended 0 "if-not-there: one file is there"
said 'Of-absent all, in its alternate location' "so that all go to the alternate location"
is "$(cat "$top"/alternate-absent/* "$data/absent/two" | xargs)" "new new old" "both, and none to its own"
get absent
ended 3 "where something is there, too"
said 'Of-absent none' "nothing is restored"
rm "$data/absent/two"
get absent
ended 0 "where nothing is there"
is "$(has_now absent)" "new new" "all of it is restored to its place (L-01)"
is "$(noted | xargs)" "pre absent post absent all pre absent post absent none pre absent post absent all" "the writer is told each time"

# -- L-02: only if all can be replaced
exec {busy}<"$data/replace/one"
get replace
ended 0 "if-can-replace: a file that is open"
is "$(has_now replace)" "new new" "is replaced"
is "$(cat <&"$busy")" old "and who has it open reads on in the old one"
exec {busy}<&-
echo old | tee "$data/replace/one" >"$data/replace/two"
chattr +i "$data/replace/two"
get replace
ended 3 "a file that cannot be replaced"
said "replace/two cannot be replaced: it is immutable" "is named, with the reason"
is "$(has_now replace)" "old old" "and nothing of the component is (L-02)"
chattr -i "$data/replace/two"
get replace --rename replace:/Of-replace=Other
is "$(noted | tail -n 1)" "post replace allOther" "a new name of a component is the writer's to heed (B-43)"

# -- to another instance (B-33)
get replace --move replace:/Of-replace=nobody
ended 1 "an instance that is not there gets nothing"
sed "s/Of-replace/Of-other/; s|$data/replace|$data/other|" "$SCRATCH/replace.json" >"$SCRATCH/other.json"
begin other
noted >/dev/null
get replace --move replace:/Of-replace=other
ended 0 "another instance gets a component, if its writer offers that"
like "$(noted | xargs)" '^pre other post other all$' "it is told, and the first one is not"

# -- L-03, L-04: a service that is the writer
# service NAME: do what the stand-in was asked for, until it is started again
service() {
	wait_for 60 [ -e "$SCRATCH/stop-$1" ]
	eval "bg_stop \$pid_$1"
	[ "$1" != stop ] || echo stopped >>"$data/stop/one"
	rm "$SCRATCH/stop-$1"
	wait_for 60 [ -e "$SCRATCH/start-$1" ]
	sed -i "/ $1 registered/d" "$SCRATCH/told"
	begin "$1"
	rm "$SCRATCH/start-$1"
}
noted >/dev/null
get stop &
running=$!
service stop
wait $running || :
is "$(noted | xargs)" "pre stop stop stop old start stop new post stop all" \
	"stop-restore-start: it is stopped, restored, started, and told of the end though it was started again (L-03)"
is "$(has_now stop)" "new new" "and has what was restored"
get restart &
running=$!
service restart
wait $running || :
is "$(noted | xargs)" "pre restart post restart all stop restart new start restart new" \
	"restore-stop-start: it is restored, told of the end, stopped and started (L-04)"
touch "$SCRATCH/systemctl-fails"
echo old | tee "$data/stop/one" >"$data/stop/two"
get stop
ended 3 "a service that does not stop"
said 'cannot stop stop.service.*systemctl status' "is named"
is "$(has_now stop)" "old old" "and its files are not touched"
rm "$SCRATCH/systemctl-fails"

# -- L-05, and the targets that are over methods (l.3)
get elsewhere
ended 0 "to-alternate"
is "$(cat "$top"/elsewhere/* | xargs) $(has_now elsewhere)" "new new old old" "goes there, and only there (L-05)"
printf 'restore-target\toriginal-location\n' >"$SCRATCH/edit-elsewhere"
get elsewhere
is "$(has_now elsewhere)" "new new" "but where the writer wants it in its own place after all"
printf 'restore-target\talternate\n' >"$SCRATCH/edit-replace"
get replace
ended 1 "a writer that wants an alternate location and has none"
said 'fault of the writer' "is at fault, and that is said"
printf 'restore-target\tdirected\ndirected-target\t%s\tone\t0:2\t%s\tone\t1:2\n' \
	"$data/replace" "$data/replace" >"$SCRATCH/edit-replace"
echo OLDER >"$data/replace/one"
get replace
is "$(<"$data/replace/one")" OneER "parts of a file go where the writer directs them (F-45)"

# -- L-06, L-07: at the next boot
get boot
ended 0 "at-reboot"
said 'Of-boot all, at the next boot' "is left to the next boot"
said 'restart the machine' "and that it is needed is said"
is "$(has_now boot)" "old old" "until then all is as it was"
get maybe
is "$(has_now maybe)" "new new" "at-reboot-if-cannot-replace: now, if it can be (L-07)"
echo old | tee "$data/maybe/one" >"$data/maybe/two"
chattr +i "$data/maybe/two"
get maybe
said 'Of-maybe all, at the next boot' "else at the next boot"
is "$(has_now maybe)" "old old" "all of it"

# -- L-08: as only the writer knows
get own
ended 3 "custom: nobody knows how"
said 'Name a command that does it with --custom' "and that is said"
get own --custom "cp \"\$MEDIA$data/own/\"* $data/own/; echo \"custom \$WRITER \$COMPONENT\" >>$SCRATCH/noted"
ended 0 "a command does it"
is "$(has_now own)" "new new" "with the files of the backup (L-08)"
like "$(noted | xargs)" 'pre own custom own Of-own post own all$' "between what the writer is told"

# -- l.4: who takes part
get deaf
is "$(has_now deaf) $(noted)" "new new " "never: it is restored, and not told"
get failing
is "$(has_now failing) $(noted | xargs)" "new new pre failing" "if-replace-fails: it is told before, and not after what succeeded"
chattr +i "$data/failing/two"
get failing
is "$(noted | xargs)" "pre failing post failing none" "but after what did not (l.4)"
chattr -i "$data/failing/two"
settle
writers_stop
sync
power_cut
