#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shadowadm as a whole, with a module made of nothing: arguments, output, errors.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"
# shellcheck source=userspace/tests/machine.sh
. "$here/machine.sh"

shadowadm=${BUILD:?}/tests/shadowadm-fake
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export FAKE_SYSROOT=$scratch/machine FAKE_STATE=$scratch/state TZ=UTC LC_ALL=C.UTF-8

machine_new "$FAKE_SYSROOT"
disk vda 254:0
partition vda vda1 254:1
partition vda vda2 254:2
disk vdb 254:16
disk vdc 254:32
mounted vda1 / ext4
mounted vda2 /home ext4
# What is chosen where nothing is said has tests of its own.
echo '* memory' >"$FAKE_SYSROOT/etc/shadowcopy/stores.conf"

fresh() {
	rm -f "$FAKE_STATE"
}

# run ARGUMENT...: sets $out, $err and $status
run() {
	out=$("$shadowadm" "$@" 2>"$scratch/err")
	status=$?
	err=$(cat "$scratch/err")
}

# parse FILTER: of the JSON that the last command printed
parse() {
	jq -r "$1" <<<"$out"
}

echo KTAP version 1

# --- commands ---

run
is $status 2 "no command"
run --help
is "$status $err" "0 " "--help"
like "$out" "create .*list .*delete .*doctor" "the overview names the commands"
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$out")
for command in $commands; do
	run "$command" --help
	is "$status" 0 "$command --help"
	like "$out" "Usage:.*--json.*--help" "$command --help shows its use"
	direct=$out
	run help "$command"
	is "$out" "$direct" "help $command shows the same"
	run "$command" --nonsense
	is "$status" 2 "$command --nonsense"
	like "$err" "unrecognized option.*Try \"shadowadm $command --help\"" "$command says so"
	if [ -c /dev/full ]; then
		"$shadowadm" "$command" --help >/dev/full 2>&1
		is $? 1 "$command --help with a full output"
	fi
done
run --version
like "$out" "^shadowadm [0-9]" "--version"
run crate
is "$status" 2 "an unknown command"
like "$err" "no command \"crate\"; did you mean \"create\"" "with the nearest"
run frobnicate
unlike "$err" "did you mean" "or without"
for verb in "store attach" "store detach" "volume find" "writer status" "provider list"; do
	# shellcheck disable=SC2086 # words
	run $verb --help
	direct=$out
	# shellcheck disable=SC2086 # words
	run help $verb
	is "$status $out" "0 $direct" "help $verb"
done
run volume --help
direct=$out
run help volume track
is "$status $out" "0 $direct" "help of a verb that has none of its own"
run help store frobnicate
like "$status $err" "2 .*there is no \"store frobnicate\"" "help of an unknown verb"
run help store attac
like "$status $err" "2 .*did you mean \"attach\"" "... that is nearly one"
run help create attach
like "$status $err" "2 .*there is no \"create attach\"" "... of a command that has none"
run help store attach now
is "$status" 2 "help of more than that"
run help frobnicate
is "$status" 2 "help of an unknown command"

# --- providers, and what is where (B-50, D-01, E-14, O-04) ---

run provider
is "$status" 2 "provider without list"
run provider add
is "$status" 2 "provider add is not there"
run provider list
is "$status" 0 "provider list"
like "$out" "native *system" "shows the module"
run provider list --json
is "$(parse '.providers | length')" 1 "that is all"
is "$(parse '.providers[0] | keys | sort | join(" ")')" "id name type version version_id" "with these members"
run volume candidates
is "$status" 0 "volume candidates"
like "$out" "/dev/vda1 .*yes *native" "a volume that could have a shadow"
run volume candidates --json
is "$(parse '[.candidates[].device] | join(" ")')" "/dev/vda /dev/vda1 /dev/vda2 /dev/vdb /dev/vdc" \
	"all block devices are there"
is "$(parse '[.candidates[].supported] | unique | join(" ")')" yes "and can have one"
echo 0 >"$FAKE_SYSROOT/sys/devices/vdc/size"
run volume candidates --json
is "$(parse '[.candidates[].device] | index("/dev/vdc")')" null "but one without a size"
echo 2097152 >"$FAKE_SYSROOT/sys/devices/vdc/size"
run volume candidates --provider zfs
is "$status" 1 "by a provider that there is not"
like "$err" "there is no such provider" "says so"
FAKE_OPEN=2 run volume candidates
like "$status $err" "0 .*warning: nothing can be made now: .*is not loaded" "candidates without the module"
FAKE_OPEN=2 run provider list
like "$status $err" "0 .*warning: nothing can be made now: .*is not loaded" "and the list of providers"
FAKE_OPEN=13 run provider list
is "$status $err" "0 " "who may not ask does not know"
run volume candidates vda
is "$status" 2 "candidates takes no volume"
run volume find /home/user/file /etc/passwd / --json
is "$(parse '[.places[] | .device, .mountpoint, .path] | join(" ")')" \
	"/dev/vda2 /home /user/file /dev/vda1 / /etc/passwd /dev/vda1 / /" "volume find"
echo "40 1 254:1 /srv /exports rw - ext4 /dev/vda1 rw" >>"$FAKE_SYSROOT/proc/self/mountinfo"
run volume find /exports/a --json
is "$(parse '.places[0] | .mountpoint + " " + .path')" "/exports /srv/a" "where a directory is mounted"
run volume find /exports --json
is "$(parse '.places[0].path')" /srv "and of that itself"
sed -i '$d' "$FAKE_SYSROOT/proc/self/mountinfo"
run volume find
is "$status" 2 "volume find without a file"

# --- create ---

run create
is "$status" 2 "create needs a volume"
run create / --persistent
is "$status" 1 "--persistent without a device"
like "$err" "a persistent shadow of / needs a store that survives a reboot, and memory would be chosen\. Name a device, or a file" \
	"says what is needed, and why"
run create / --persistent --store memory
like "$status $err" "1 .*needs a store that survives a reboot, and memory does not" "--persistent with memory"
run create / --persistent --store "$scratch/"
like "$status $err" "1 .*needs a store that survives a reboot, and a file without a name in $scratch/ does not" "with a directory"
run create / --persistent --store /dev/vdb --store /dev/vdc
like "$status $err" "1 .*the store of / would have 2 parts, and a durable one has one" "with two devices"
run create / --persistent --writable --store /dev/vdb
like "$status $err" "2 .*--persistent and --writable do not go together" "and writable"
run create / --writers
is "$status" 1 "--writers without a coordinator"
like "$err" 'shadowd does not run\. Start it with "systemctl start shadowd\.socket"' "says what to do"
for options in --degrade "--exclude-writer x"; do
	# shellcheck disable=SC2086 # words
	run create / $options
	is "$status" 2 "$options without --writers"
done
run create / --writers --max 10M
is "$status" 2 "--writers with a size"
run create / --writers --store memory --store /dev/nothing
is "$status" 2 "--writers with several stores"
run create / --writers --context nas-rollback
is "$status" 2 "--writers in a context without writers"
like "$err" "the context nas-rollback has no writers" "says so"
run create / --no-writers --dry-run
is "$status" 0 "--no-writers is what it does anyway"
run writer
is "$status" 2 "writer without list"
run create / --context cilent-accessible
is "$status" 2 "an unknown context"
like "$err" "did you mean \"client-accessible\"" "with the nearest"
for timeout in 0 0.001 601 x ""; do
	run create / --timeout "$timeout"
	is "$status" 2 "--timeout '$timeout'"
done
for size in x 1.5G 100 101% ""; do
	run create / --max "$size"
	is "$status" 2 "--max '$size'"
	run create / --store "memory:$size"
	is "$status" 2 "--store memory:'$size'"
done
run create / --store memory:1G --max 1G
is "$status" 2 "two sizes"
run create / --store memory --store memory:1G
like "$status $err" "2 .*--store memory:1G was given twice for /" "memory twice"
run create / --store /dev/vdx=memory
is "$status" 2 "a store for a volume that was not named"
run create /dev/vda1 /dev/vdb --store /dev/vdc
is "$status" 2 "one store device for two volumes"
run create / --store memory --initial 8M
like "$status $err" "2 .*--initial 8M: only a file has an initial size" "an initial size without a file"
run create / --store /dev/null
like "$status $err" "1 .*the store.*/dev/null: there is no such block device\." "a store that is none"
run create /nowhere/at/all --json
is "$status $(parse .error.errno)" "1 ENOTBLK" "failures are in the JSON too"
is "$(parse '.error.remedy')" "name the mount point instead: /" "with the remedy"
run create $'/no/caf\xe9' --json
iconv -f UTF-8 -t UTF-8 <<<"$out" >/dev/null
is "$status $?" "1 0" "JSON is UTF-8, whatever a file is called"
is "$(parse .error.object)" "/no/caf?" "a byte that is none is replaced"
mapfile -t many < <(seq -f /dev/x%g 65)
run create "${many[@]}"
is "$status" 2 "65 volumes (VSS J-01)"
is "$([ -e "$FAKE_STATE" ] && jq -n input <"$FAKE_STATE" 2>/dev/null; "$shadowadm" list)" "" \
	"none of these made a shadow"

fresh
run create / --quiet
is "$status $out" "0 /dev/shadow0" "--quiet prints the path"
run create /home /dev/vdb --json --context app-rollback --store "/home=memory:64M" \
	--store /dev/vdb=/dev/vdc --timeout 2.5
is "$status" 0 "create of a set"
is "$(parse '.shadows[].device' | paste -sd' ')" "/dev/shadow1 /dev/shadow2" \
	"the shadows, in the order of the arguments"
is "$(parse '.context, .hold_ns, .gate_ns' | paste -sd' ')" "app-rollback 12345678 1234567" \
	"context and times; the answer was asked for again"
is "$(parse '[.shadows[].consistency] | join(" ")')" "filesystem raw" "how consistent they are"
is "$(parse '.set == .shadows[0].set and .set == .shadows[1].set')" true "of one set"
is "$(parse '.shadows[0].created')" "2023-11-14T22:13:20.123456789Z" "times in full"
set=$(parse .set)
run volume list --json
is "$(parse '[.volumes[] | "\(.dev) \(.store) \(.store_max)"] | join(", ")')" \
	"254:1 memory 0, 254:2 memory 67108864, 254:16 254:32 0" "the stores are as wanted"

FAKE_FAIL="20 16 7 25 254 2" run create /
is "$status" 1 "a failure of adding"
FAKE_FAIL="22 16 7 25 254 2" run create / /home --json
is "$status" 1 "a failure of taking"
is "$(parse '.error | "\(.phase) \(.reason) \(.errno)"')" "freeze frozen EBUSY" \
	"phase and reason, though the answer had to be asked for again"
like "$err" "cannot take the shadows: /dev/vda2: its filesystem is frozen already.*\(while freezing" \
	"as a sentence"

# --- hold ---

run hold
is "$status" 2 "hold needs a volume"
run hold -- true
is "$status" 2 "also with a command"
for command in "" "--"; do
	# shellcheck disable=SC2086 # a word, or none
	run hold /home $command
	is "$status" 2 "hold needs a command: \"$command\""
done
like "$err" 'say what to do while they are held: "-- COMMAND"' "says so"
run hold /home --timeout 601 -- true
is "$status" 2 "hold for too long"
run hold /home /dev/vda2 -- touch "$scratch/held"
is "$status" 1 "hold a volume twice"
like "$err" "cannot hold /dev/vda2.*it was named twice" "says so"
run hold /nowhere -- touch "$scratch/held"
is "$status" 1 "hold what is not there"
run hold /home -- "$scratch/no-program" --json
is "$status $out" "1 " "hold without a program, whose arguments are not ours"
like "$err" "cannot run $scratch/no-program: there is no such program; nothing was held" "says so"
run hold /home -- shadowadm-no-such-program
is "$status" 1 "nor is it in PATH"
FAKE_FAIL="21 110 8 27" run hold /home -- touch "$scratch/held"
is "$status" 1 "a failure of holding"
like "$err" "cannot bring the volumes to rest: .*in time" "says so"
is "$([ -e "$scratch/held" ] && echo run)" "" "nothing was run by any of these"
run hold /home / --time 5 -- sh -c 'echo "$@"; exit 7' sh --json -q
is "$status $out" "7 --json -q" "the command's arguments, output and exit status"
out=$(env --ignore-signal=CHLD "$shadowadm" hold /home -- sh -c 'exit 7' 2>/dev/null)
is $? 7 "also where who started us does not care how its programs end"
printf '#!/bin/sh\nexit 9\n' >"$scratch/here"
chmod +x "$scratch/here"
shadowadm_there=$(readlink -f "$shadowadm")
(cd "$scratch" && PATH=$PATH: "$shadowadm_there" hold /home -- here)
is $? 9 "a program in the directory that we are in, by an empty word at the end of PATH"
run hold /home -- sh -c 'kill -TERM $$'
is "$status" 143 "a command that is ended by a signal"
like "$err" "sh was ended by signal 15" "says so"
FAKE_FAIL="23 110 8 27" run hold /home -- touch "$scratch/held"
is "$status" 1 "a hold that has expired before the command had ended"
like "$err" "not at rest until touch had ended: what it has copied is worth nothing" "says so"
is "$([ -e "$scratch/held" ] && echo run)" run "the command was run"
FAKE_FAIL="23 110 8 27" run hold /home --json -- sh -c 'echo here'
is "$(parse '.error | "\(.phase) \(.reason) \(.errno)"')" "hold timeout ETIMEDOUT" "as JSON"
run hold /home / --json -- sh -c 'echo here; exit 3'
is "$status $(parse '[.exit_status, .hold_ns, .gate_ns, (.volumes | join(" "))] | map(tostring) | join(" ")')" \
	"3 3 3000000 2000000 /dev/vda2 /dev/vda1" "hold --json"
like "$err" "here" "what the command says goes to standard error then"

# --- run ---

run run
is "$status" 2 "run needs a volume"
run run -- true
is "$status" 2 "also with a command"
for command in "" "--"; do
	# shellcheck disable=SC2086 # a word, or none
	run run --volumes /home $command
	is "$status" 2 "run needs a command: \"$command\""
done
like "$err" 'say what to run: "-- COMMAND"' "says so"
run run /home tar -C / -cf /dev/null home
is "$status" 2 "run with a forgotten --"
like "$err" 'put "--" before the command' "says so"
run run /home -C -- true
unlike "$err" 'put "--"' "but not where it is there"
run run --volumes /home,,/ -- touch "$scratch/ran"
is "$status" 2 "an empty name"
run run / --context nas-rollback -- touch "$scratch/ran"
is "$status" 2 "a context whose shadows stay"
like "$err" "use backup or file-share-backup" "says what else"
run run / --degrade -- touch "$scratch/ran"
is "$status" 2 "options of create are checked as there"
run run / --persistent -- touch "$scratch/ran"
is "$status" 2 "shadows that outlive it"
run run / --bind "$scratch/nothing" -- touch "$scratch/ran"
is "$status" 125 "what is to stay live is not there"
if [ "$(id -u)" -eq 0 ]; then
	run run /nowhere -- touch "$scratch/ran"
	is "$status" 125 "run on what is not there"
	like "$err" "cannot find the volume /nowhere" "says so"
	run run / -- "$scratch/no-program" --json
	is "$status $out" "127 " "run without a program, whose arguments are not ours"
	like "$err" "cannot run $scratch/no-program: there is no such program; no shadow was made" "says so"
	run run / -- shadowadm-no-such-program
	is "$status" 127 "nor is it in PATH"
	: >"$scratch/no-program"
	run run / --json -- "$scratch/no-program"
	is "$status $(parse '.error.message | test("it is not executable")')" "126 true" "one that cannot be run"
	FAKE_FAIL="22 16 7 25 254 2" run run / -- touch "$scratch/ran"
	is "$status" 125 "a failure of taking"
fi
is "$([ -e "$scratch/ran" ] && echo run)" "" "nothing was run by any of these"

# --- list, show ---

run list
is "$status $(wc -l <<<"$out")" "0 4" "list: a header and three shadows"
run list --noheadings -o DEVICE,VOLUME,size --bytes
is "$(head -n 1 <<<"$out" | tr -s ' ')" "/dev/shadow0 fake1 1073741824" "chosen columns"
run list -o +SET --json
is "$(parse '.shadows[0] | keys | length')" 8 "a column more than the default, in JSON too"
run list -o nonsense
is "$status" 2 "an unknown column"
run list /home --json
is "$(parse '[.shadows[].index] | join(" ")')" 1 "of one volume"
run list --tree --json
is "$(parse '[.shadows[] | [.children[].index]] | tostring')" "[[0],[1,2]]" "as a tree"
run list /home/user
is "$status" 1 "list of a path inside a volume"
run list a b
is "$status" 2 "list of two volumes"
run show 1 --json
is "$(parse '.shadows[0].uuid' | cut -c1-2)" bb "show by number"
uuid=$(parse '.shadows[0].uuid')
run show 1 --export
like "$out" "SHADOWCOPY_UUID=$uuid.SHADOWCOPY_SET=[0-9a-f-]{36}.SHADOWCOPY_VOLUME=[a-z0-9]+.SHADOWCOPY_CREATED=[0-9]+$" \
	"show --export is for scripts"
run show 1 --export --json
like "$status $err" "^2 .*--export and --json are different formats" "it has no JSON"
for name in /dev/shadow1 shadow1 "$uuid" "${uuid:0:8}" "${uuid^^}"; do
	run show "$name" --json
	is "$(parse '.shadows[0].uuid')" "$uuid" "show $name"
done
run show "$set"
is "$(grep -c ^DEVICE <<<"$out")" 2 "show of a set"
run show 7
like "$status $err" "1 .*no shadow and no set has this name" "show of none"
run show bbb
like "$status $err" "1 .*neither a UUID nor" "too few digits"
run show /etc/passwd
like "$status $err" "1 .*not a block device" "a file"
run show xyzzy
is "$status" 1 "nonsense"

# --- persistent shadows ---

kept_state=$FAKE_STATE
FAKE_STATE=$scratch/durable
run store attach
is "$status" 2 "store attach needs a volume"
run store attach /dev/vda1 /dev/vdb
is "$status" 2 "the store is an option"
run store attach /dev/vda1
like "$status $err" "2 .*name the device or file that is the store with --store" "without a device"
run store attach /dev/vda1 --store memory
like "$status $err" "2 .*--store memory: a durable store is a block device" "with memory"
run store attach /dev/vda1 --store /dev/vdb --store /dev/vdc
is "$status" 2 "with two devices"
run store attach /dev/vda1 --store /dev/vdb --json
is "$status $(parse '.error | "\(.errno) \(.reason)"')" "1 EMEDIUMTYPE store-format" "a device without a store"
run store detach /dev/vda1
like "$status $err" "1 .*cannot detach the store of /dev/vda1: the volume has no store now" "detach without a store"
run create / --quiet
run store detach /
like "$status $err" "1 .*its store is not durable: its shadows would be gone for good" "detach one in memory"
run delete 0 --quiet
for _ in 1 2 3; do
	run create / --persistent --store /dev/vdb --quiet
done
is "$status $out" "0 /dev/shadow2" "create --persistent"
run list --json -o DEVICE,PERSISTENT
is "$(parse '[.shadows[].persistent] | tostring')" "[true,true,true]" "list tells that they are"
run show 0
like "$out" "PERSISTENT +yes" "so does show"
FAKE_FAIL="a 16 6 31 254 1" run store detach /
like "$status $err" "1 .*cannot detach the store of /dev/vda1: one of its shadows is in use" "detach with a shadow open"
FAKE_FAIL="a 16 2 31 254 1" run store detach /
like "$status $err" "1 .*the volume is mounted, or in use" "detach with the volume mounted"
run store attach / --store /dev/vdb
like "$status $err" "1 .*cannot attach the store of /dev/vda1: the volume has a store already" "attach twice"
run store detach /
is "$status $err" "0 " "store detach"
like "$out" '^3 shadows of /dev/vda1 stay in the store; "shadowadm store attach /dev/vda1 --store /dev/vdb" has them again$' \
	"says how to have them again"
run list --json
is "$(parse '.shadows | length')" 0 "the shadows are gone"
for fault in "16 2 31:BUSY:the volume is mounted, or in use" \
	"124 5 42:store-format:there is no durable store on it" \
	"117 5 43:store-damaged:store check" "95 5 44:store-newer:made by a newer version" \
	"16 5 14:store-in-use:somebody else uses the store's device"; do
	FAKE_FAIL="9 ${fault%%:*} 254 16" run store attach / --store /dev/vdb
	like "$status $err" "1 .*cannot attach the store of /dev/vda1: .*${fault##*:}" "attach fails: ${fault##*:}"
done
FAKE_CHANGED=1 run store attach / --store /dev/vdb
like "$status $err" "1 .*cannot attach the store of /dev/vda1: the volume was written by somebody else since, or it is not.*--lost" \
	"one that was written is refused"
FAKE_CHANGED=1 FAKE_DROPPED=2 run store attach / --store /dev/vdb --lost
is "$status $err" "3 " "store attach, and one is lost"
is "$out" "3 shadows of /dev/vda1 are there again; 1 is lost: the volume was written by somebody else, while its store was not attached; 2 were not persistent, or not complete, and are gone" \
	"says so"
run list --json -o DEVICE,STATE,REASON
is "$(parse '[.shadows[] | .state, .reason] | map(tostring) | join(" ")')" \
	"lost volume-changed created null created null" "so does list"
run store detach / --final
like "$status $err" "1 .*cannot detach the store of /dev/vda1: it is mounted read-write at .*remount it read-only" \
	"store detach --final with the volume mounted"
run store detach --all --final
is "$status" 3 "likewise, with --all"
mountinfo=$FAKE_SYSROOT/proc/self/mountinfo
cp "$mountinfo" "$scratch/mountinfo"
sed -i 's/ rw\(,[^ ]*\)\?$/ ro/' "$mountinfo"
run store detach / --final --quiet
is "$status $out$err" "0 " "but not with one that is mounted read-only"
cp "$scratch/mountinfo" "$mountinfo"
run store attach / --store /dev/vdb -q
run store detach / --json
is "$status $(parse '"\(.volume) \(.store) \(.shadows)"')" "0 /dev/vda1 /dev/vdb 3" "store detach --json"
run store attach / --store /dev/vdb -q
run store detach --all --json
is "$status $(parse '.stores[] | "\(.volume) \(.store) \(.inode) \(.shadows)"')" "0 /dev/vda1 /dev/vdb null 3" \
	"store detach --all --json"
run store detach --all --json
is "$status $(jq -c . <<<"$out")" '0 {"stores":[]}' "... of nothing"
echo '/dev/vda1 /dev/vdb' >>"$FAKE_SYSROOT/etc/shadowcopy/stores.conf"
run store attach / --json
is "$status $(parse '"\(.volume) \(.store) \(.shadows) \(.lost) \(.dropped)"')" "3 /dev/vda1 /dev/vdb 3 1 0" \
	"store attach --json, with the device of stores.conf"
sed -i '$d' "$FAKE_SYSROOT/etc/shadowcopy/stores.conf"

# --- revert ---

run revert
is "$status" 2 "revert needs a shadow"
run revert --yes 7
like "$status $err" "1 .*no shadow and no set has this name" "one that is not there"
run revert 1 </dev/null
like "$status $err" "2 .*loses what was written to it since; say --yes" "it asks, or is told"
run revert --status --yes
is "$status" 2 "--status does not begin anything"
run revert --status --cancel /
is "$status" 2 "nor does it cancel"
run revert --force --no-writers 1
like "$status $err" "2 .*neither with --status nor with --no-writers" "--force is not for who was not asked"
run revert --force --status
is "$status" 2 "nor for --status"
run revert --at-boot --no-wait 1
is "$status" 2 "--at-boot has nothing to wait for"
run revert --status
is "$status $err" "0 " "no volume has a revert"
FAKE_REVERT=100 run revert 1 --yes
is "$status $err" "0 " "revert"
like "$out" "^/dev/vda1 is what /dev/shadow1 is: 50M of 100M were written$" "says so"
FAKE_REVERT=100 run revert 1 --yes --json
is "$status $(parse '.revert | "\(.state) \(.percent) \(.volume)"')" "0 done 100 /dev/vda1" "revert --json"
FAKE_REVERT=100 run revert 1 --yes --json --progress
is "$status $(parse '"\(.volume) \(.state) \(.percent) \(.all)"')" "0 /dev/vda1 done 100 104857600" "--progress --json is lines"
FAKE_REVERT=101 run revert 1 --yes
like "$status $err" "1 .*/dev/vda1 was reverted half-way, .*do not use it: writing the volume failed" \
	"one that fails"
FAKE_REVERT=30 run revert 1 --yes --no-wait
is "$status $out$err" "0 " "--no-wait"
FAKE_REVERT=0 run revert 1 --yes --at-boot
like "$status $out" "0 /dev/vda1 is reverted when its store is attached again" "--at-boot"
FAKE_REVERT=30 run revert --status / --json
is "$status $(parse '.reverts[0] | "\(.volume) \(.state) \(.percent) \(.done)"')" "0 /dev/vda1 running 30 31457280" "--status"
run revert --cancel /
is "$status $err" "0 " "--cancel"
FAKE_REVERT=0 run revert --cancel / --json
is "$status $(parse .cancelled)" "0 /dev/vda1" "--cancel --json"
for fault in "16 2 31:busy:mounted, or in use by another device.*--at-boot" \
	"16 11 31:busy:a set with a shadow of the volume is being made" \
	"124 11 46:not-persistent:there would be neither" \
	"28 11 52:revert-room:may need 0.0 MiB of the store, and it has 0.0 MiB" \
	"114 11 50:reverting:is being reverted, or is to be" \
	"27 11 48:volume-size:smaller than it was"; do
	FAKE_FAIL="f ${fault%%:*} 254 1" run revert 1 --yes
	like "$status $err" "1 .*cannot revert /dev/vda1: .*${fault##*:}" "revert fails: ${fault##*:}"
done
FAKE_FAIL="6 16 11 50 254 1" run delete 1
like "$status $err" "1 .*cannot delete /dev/shadow1: the volume is being reverted" "delete the shadow of a revert"
unlike "$out$err" "waiting|who uses" "waits for nobody, and looks for nobody"
FAKE_FAIL="11 16 11 51 254 1" run revert --cancel /
like "$status $err" "1 .*cannot take back the revert of /dev/vda1: it has ended half-way.*--force" "cancel one that failed"
FAKE_REVERT=100 run store attach / --store /dev/vdb
is "$status" 1 "attached already"
run store detach / -q
FAKE_REVERT=100 run store attach / --store /dev/vdb
like "$status $out" "3 .*/dev/vda1 was reverted: 50M were written" "store attach reverts"
run store detach / -q
FAKE_REVERT=30 run store attach / --store /dev/vdb --no-wait
like "$status $out" "3 .*/dev/vda1 is being reverted" "or begins to"
run store detach / -q
FAKE_REVERT=101 run store attach / --store /dev/vdb --json
is "$status" 1 "or fails to"
run revert --help
like "$out" "--at-boot" "its help"
FAKE_STATE=$kept_state

# --- store check ---

store=$BUILD/tests/store
run store check
is "$status" 2 "store check needs a device"
run store check "$scratch/nothing"
like "$status $err" "1 .*cannot open $scratch/nothing: No such file" "a device that is not there"
run store check "$scratch"
like "$status $err" "1 .*$scratch is neither a block device nor a file" "a directory"
truncate -s 2M "$scratch/zeros"
run store check "$scratch/zeros"
is "$status $out" "1 " "a device without a store"
like "$err" "zeros: there is no durable store on it. Name the device" "says so"
: >"$scratch/empty"
run store check "$scratch/empty" --json
is "$status $(parse .verdict)" "1 no-store" "an empty one"
"$store" sample >"$scratch/sample"
run store check "$scratch/sample"
is "$status $err" "0 " "one that is sound"
like "$out" "sample: a durable store, sound.*for volume vda1 of 256M.*in use +28K of records, 64K of log.*shadows +4; 1 deleted" \
	"and what is in it"
like "$out" "revert +to [0-9a-f-]{36}: the volume may be so in part" "and of the revert that has begun"
run store check "$scratch/sample" --json
like "$(parse .created)" "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$" "times are in UTC"
is "$(parse '"\(.verdict) \(.problem) \(.store) \(.headers | join(",")) \(.log.groups) \(.records_bytes)"')" \
	"sound null 11111111-1111-1111-1111-111111111111 sound,sound 8 28672" "as JSON"
is "$(parse '[.shadows[].state] | join(" ")')" "lost kept kept incomplete" "what will become of its shadows"
run store check "$scratch/sample" --json --verbose
is "$(parse '.entries | length') $(parse .log.entries)" "57 57" "with each entry"
run store check "$scratch/sample" --verbose
like "$out" "group 3 block 4 entry 2: epoch 5: blocks 9 to 11 of the volume, in blocks 40 to 42" "also as text"
run store check "$scratch/sample" -o UUID,REASON --noheadings
like "$out" "43434343-.* store-full" "columns are chosen"
"$store" damaged >"$scratch/damaged"
run store check "$scratch/damaged"
like "$status $err" "1 .*the store is damaged: blocks of the log are missing, at block 4 of its log \(group 3, byte 1060864 of the file\)" \
	"one that is damaged, and where"
run store check "$scratch/damaged" --json
is "$status $(parse '"\(.verdict) \(.place.block) \(.place.byte) \(.shadows | length)"')" "1 damaged 4 1060864 3" \
	"as JSON, with what was read up to there"
"$store" failed >"$scratch/failed"
run store check "$scratch/failed"
like "$status $err" "3 .*warning: .*failed: it could not be written for a while.*--lost" "one that has failed"
like "$out" "failed: a durable store, sound, but it has failed" "says so first"
run store check "$scratch/failed" --json
is "$status $(parse '"\(.verdict) \(.failed) \([.shadows[] | .state, .reason] | map(tostring) | join(" "))"')" \
	"3 sound true lost store-full lost store-error lost store-error incomplete store-error" \
	"as JSON, with what will become of its shadows"
"$store" dump >"$scratch/dump"
run store check "$scratch/dump"
is "$status $err" "0 " "one with a dump"
like "$out" "dump +1 group in 1 block, 3 entries, 1 segment.*log +1 group in 1 block, 2 entries, 1 segment.*in use +20K of records, 32K of log, 32K of dump" \
	"and how long it is"
run store check "$scratch/dump" --json --verbose
is "$(parse '"\(.failed) \(.dump.blocks) \(.log.blocks) \(.log.end) \([.entries[].chain] | join(" "))"')" \
	"false 1 1 null dump dump dump log log" "as JSON"
run store check "$scratch/dump" --verbose
like "$out" "dump group 1 block 1 entry 1: .*"$'\n'"group 1 block 1 entry 2: " "entries of dump and log"
dd if=/dev/zero of="$scratch/dump" bs=4096 seek=296 count=1 conv=notrunc status=none
run store check "$scratch/dump"
like "$status $err" "1 .*the store is damaged: a block of the dump is missing, at block 1 of its dump \(group 1, byte 1212416 of the file\)" \
	"one whose dump is not all there"
"$store" saved >"$scratch/saved"
run store check "$scratch/saved"
is "$status $err" "0 " "one in which it is saved what has changed"
like "$out" "changes +of generation 33333333-.*; known since 2 instants, 1 of them base.* base +43434343-.*: 16K written.* shadow +45454545-.*: 260K" \
	"and what that is"
run store check "$scratch/saved" --json --verbose
is "$(parse '.changes | "\(.state) \(.problem) \(.reason) \(.whole) \(.chunks) \(.bases) \([.instants[] | .type, .changed_bytes, .free_bytes] | map(tostring) | join(" "))"')" \
	"saved null unclean true 2 1 base 16384 16384 shadow 266240 0" "as JSON"
is "$(parse '[.entries[] | select(.chain == "saved") | .block] | map(tostring) | join(" ")')" "1 1 1 1 2 2 2 2" \
	"with each record"
run store check "$scratch/saved" --verbose
like "$out" "saved chunk 1 record 4: of blocks 32768 to 65535 of the volume 4 were written" "also as text"
"$store" spoilt >"$scratch/spoilt"
run store check "$scratch/spoilt"
like "$status $err" "3 .*warning: .*what is saved of changes is damaged: it is not whole, in chunk 2, byte 1101824 of the file.*shadows are good" \
	"one in which that is damaged"
run store check "$scratch/spoilt" --json
is "$status $(parse '"\(.verdict) \(.changes | "\(.state) \(.problem) \(.chunk) \(.byte) \(.instants | length)")"')" \
	"3 sound damaged it is not whole 2 1101824 1" "as JSON"
dd if=/dev/zero of="$scratch/sample" bs=4096 count=1 conv=notrunc status=none
run store check "$scratch/sample"
like "$status $err" "3 .*warning: .*copy 1 of its header is not whole" "one header is enough"
truncate -s 1100K "$scratch/sample"
run store check "$scratch/sample"
like "$status $err" "1 .*the device is smaller than the store" "one that is cut off"

# --- pin ---

run pin
is "$status" 2 "pin nothing"
run pin 0 "$set" --json
is "$status $(parse '.pinned | length')" "0 2" "pin a shadow and a set"
run list --json -o PINNED
is "$(parse '[.shadows[].pinned] | tostring')" "[true,true,true]" "all of them are pinned"
run unpin 1 99
like "$status $err" "1 .*no shadow and no set has this name" "unpin one that is, and one that is not"
run list --json -o PINNED
is "$(parse '[.shadows[].pinned] | tostring')" "[true,false,true]" "changes the first"
FAKE_FAIL="d 2" run pin 0
like "$status $err" "1 .*cannot pin /dev/shadow0: there is no such shadow" "pin of one that goes"
run unpin "$set" 0 --quiet
is "$status $out$err" "0 " "unpin all"

# --- seal ---

run seal
is "$status" 2 "seal nothing"
run create /home --writable --quiet
writable=${out#/dev/shadow}
run list --json -o WRITABLE,SEALED,OVERLAY
is "$(parse '[.shadows[] | [.writable, .sealed, .overlay]] | last | tostring')" "[true,false,8192]" \
	"a writable one"
FAKE_BUSY=$writable run seal "$writable"
like "$status $err" "1 .*cannot seal /dev/shadow$writable: it is in use" "seal of one that is open"
run seal "$writable" 99
is "$status" 1 "seal one that is there, and one that is not"
run list --json -o WRITABLE
is "$(parse '.shadows[-1].writable')" true "seals none"
FAKE_BUSY=$writable:2 run seal "$writable" --json
is "$status $(parse '.sealed | length')" "0 1" "seal"
run list --json -o WRITABLE,SEALED
is "$(parse '[.shadows[] | [.writable, .sealed]] | last | tostring')" "[false,true]" "it is sealed"
run delete "$writable" -q

# --- stats, volume ---

run stats --json
is "$(parse '.volumes[0] | "\(.bytes_per_block) \(.store_io_mean) \(.direct_percent)"')" \
	"8192 102400 90" "what is computed from the counters"
run stats vda1
like "$out" "BIOS-SEEN +1000" "all counters of a volume"
run stats vdc
is "$status" 1 "of one that is not tracked"
run stats --watch 0
is "$status" 2 "--watch 0"
run volume track /dev/vdc --memory 64M --json
is "$status $(parse '.volumes | length')" "0 4" "volume track"
run volume untrack vdc
is "$status" 0 "volume untrack"
run volume untrack vdc
like "$status $err" "1 .*not tracked" "volume untrack again"
run volume tarck vdc
like "$status $err" "2 .*did you mean \"track\"" "volume tarck"
run volume policy
like "$status $err" "2 .*for one volume" "volume policy of nothing"
run volume policy / evict evict
is "$status" 2 "two policies"
run volume policy / --json
is "$status $(parse '"\(.policy) \(.fault)"')" "0 evict null" "the default policy"
for policy in evikt throttle=x throttle=3601 evict=3 fail-io= throttle=; do
	run volume policy / $policy
	is "$status" 2 "volume policy $policy"
done
run volume policy / fial-io
like "$err" "no such policy; did you mean \"fail-io\"" "with the nearest"
run volume policy / throttle=2.5
run volume policy /
is "$status $out" "0 throttle=2.5" "it was set"
run volume policy vdc evict
like "$status $err" "1 .*it is not tracked\. Track it first" "of what is not tracked"
FAKE_FAULT=8 run volume policy / evict
like "$status $err" "0 .*faulted still: .*clear-fault" "another policy does not clear a fault"
run volume list -o STATE,FAULT,FAULT-CAUSE --json
is "$(parse '.volumes[0].fault')" store-full "the fault is in the list"
run doctor --json
is "$(parse '.checks[] | select(.check == "faults") | .verdict')" failure "doctor shows it"
run volume clear-fault
is "$status" 2 "clear the fault of nothing"
run volume clear-fault vda1
like "$status $err" "1 .*the filesystem of / has seen failed writes: unmount it.*--force" \
	"clear the fault of what is mounted"
run volume clear-fault vda1 --force --json
is "$status $(parse '.volumes[0].fault')" "0 null" "clear it all the same"
run volume clear-fault vda1
is "$status" 0 "clear the fault of what has none"
FAKE_FAIL="2 95 4 2 0 0" run volume track vdc
like "$status $err" "1 .*cannot track /dev/vdc:.*DAX.*Use the device without DAX" \
	"volume track of what cannot be tracked"

# --- delete ---

run delete
is "$status" 2 "delete nothing"
run delete --oldest
is "$status" 2 "delete the oldest of nothing"
run delete --oldest --all /
is "$status" 2 "delete the oldest and all"
run delete 0 99
is "$status" 1 "delete one that is, and one that is not"
run list --json
is "$(parse '.shadows | length')" 3 "deletes neither"
run create /home --quiet
FAKE_BUSY=3:2 run delete 3
is "$status" 0 "delete one that somebody opens and closes"
FAKE_BUSY=1 run delete 1 0 --json
is "$status $(parse '"\(.deleted | length) \(.failed | length)"')" "1 1 1" \
	"a busy one fails, the other goes"
like "$err" "cannot delete /dev/shadow1: it is in use\. Unmount.*cannot be seen from here" \
	"and it is said who uses it"
run delete "${set:0:4}"
is "$status" 0 "delete a set by the beginning of its UUID"
run delete "$set"
is "$status" 1 "delete it again"
for _ in 1 2 3; do
	run create / --quiet
done
run create /home --quiet
run delete --oldest /
run list / --json
is "$(parse '[.shadows[].index] | join(" ")')" "1 2" "delete --oldest"
run delete --all /
run list --json
is "$(parse '[.shadows[].volume] | join(" ")')" fake2 "delete --all of a volume"
run delete --all
run list
is "$status $out" "0 " "delete --all"
run delete --all
is "$status" 0 "delete --all of none"

# --- the module is not there, or another ---

FAKE_OPEN=2 run list
like "$status $err" "1 .*\"shadow\" is not loaded.*modprobe shadow" "the module is not loaded"
FAKE_OPEN=13 run list
like "$status $err" "1 .*only root.*sudo" "not root"
FAKE_ABI=0 run list
like "$status $err" "1 .*another version.*same release" "a module of another version"
FAKE_ABI=1000 run list
is "$status" 0 "a newer module"
FAKE_OPEN=2 run version --json
is "$status $(parse .module)" "0 null" "version without the module"
run version --json
is "$(parse '.module | "\(.version) \(.features | join(","))"')" "fake store-memory,store-device,hold,store-file,store-grow,store-change,persistent,revert,changes" \
	"version with it"

# --- lost shadows ---

FAKE_LOST=20 run create / --json
is "$status $(parse '.shadows[0] | "\(.state) \(.reason)"')" "3 lost store-full" \
	"a shadow lost at once is a degraded success"
FAKE_LOST=20 run list -o STATE,CAUSE --noheadings
like "$out" "lost +the store was full" "a lost shadow tells why"
FAKE_LOST=20 run mount 0 "$scratch"
like "$status $err" "1 .*the shadow is lost, because the store was full" "mount of a lost shadow"
FAKE_LOST=20 run doctor --json
is "$(parse '.checks[] | select(.check == "lost") | .verdict')" warning "doctor shows it"

# --- mount, umount: what is refused before anything is done ---

run mount 0
is "$status" 2 "mount without a directory"
run mount 0 "$scratch" -o nodev,rw
like "$status $err" "1 .*cannot mount .dev.shadow.* with -o rw: the shadow is read-only" "mount for writing"
run mount 0 "$scratch/none"
is "$status" 1 "mount on nothing"
run mount 0 "$here/cli.sh"
is "$status" 1 "mount on a file"
run umount "$scratch"
like "$status $err" "1 .*no shadow is mounted on or in" "umount of what is not mounted"
run umount 0
like "$status $err" "1 .*nothing to unmount" "umount of a shadow that is not mounted"

# --- expose, unexpose: what is refused before anything is done ---

run expose 0
is "$status" 2 "expose without a directory"
run unexpose
is "$status" 2 "unexpose without a name"
run expose 0 "$scratch"
if [ -d /run/systemd/system ]; then
	like "$status $err" "1 .*cannot expose .dev.shadow.*: the shadow is not persistent" "expose of one that is not persistent"
else
	like "$status $err" "1 .*systemd does not run here" "expose without systemd"
fi
run store attach --all /dev/vda1
is "$status" 2 "store attach --all with a volume"
run store attach --all --store /dev/vdb
is "$status" 2 "store attach --all with a store"
for wrong in 0 x 3601; do
	run store attach --all --wait "$wrong"
	like "$status $err" "2 .*--wait $wrong" "store attach --wait $wrong"
done
run store attach /dev/vda1 --timeout 3
like "$status $err" "2 .*go with --all" "--timeout without --all"

run monitor --count 0
is "$status" 2 "monitor --count 0"
run monitor --timeout x
is "$status" 2 "monitor --timeout x"

done_testing
