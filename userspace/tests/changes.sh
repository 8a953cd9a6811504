#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What shadowadm says of changes, bases and maps, with a module made of nothing.

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
unset COLUMNS NO_COLOR

machine_new "$FAKE_SYSROOT"
disk vda 254:0
partition vda vda1 254:1
partition vda vda2 254:2
mounted vda1 / ext4
mounted vda2 /home ext4
echo '* memory' >"$FAKE_SYSROOT/etc/shadowcopy/stores.conf"

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

# uuid NUMBER: print the identity of /dev/shadowNUMBER
uuid() {
	"$shadowadm" list --json | jq -r ".shadows[] | select(.device == \"/dev/shadow$1\").uuid"
}

echo KTAP version 1

# --- bases ---

run base list
is "$status $out" "0 " "base list where there are none"
run base
is "$status" 0 "base is base list"
run create / --json
is "$(parse '.shadows[0] | has("base_kept")')" false "create keeps no base unasked"
run create / --keep-base --json
is "$status $(parse '.shadows[0].base_kept')" "0 true" "create --keep-base"
one=$(uuid 1)
run create /home --keep-base -q
is "$status $out" "0 /dev/shadow2" "create --keep-base -q"
FAKE_FAIL="14 12" run create / --keep-base -q
is "$status $out" "3 /dev/shadow3" "the shadow stays where it cannot be kept as a base"
like "$err" "warning: cannot keep as a base .*not enough memory" "and that is said"
run base list --noheadings -o base,volume,device,kept
is "$(wc -l <<<"$out")" 2 "base list shows those that are kept"
like "$out" "$one +fake1 +/dev/shadow1 yes" "with their shadows"
run base list /home --json
is "$(parse '[.bases[] | .device, .kind] | join(" ")')" "/dev/shadow2 base" "those of one volume"
run base list --all --json
is "$(parse '[.bases[].kind] | sort | join(" ")')" "base base shadow shadow" "--all shows the others, too"
is "$(parse '.bases[0] | [.changed, .changed_since, .size, .memory] | join(" ")')" \
	"1048576 2097152 1073741824 4096" "with what changed since, added up in a generation"
run base list / /home
is "$status" 2 "base list of two volumes"

run base keep
is "$status" 2 "base keep without a name"
run base keep 0 nonsense
is "$status" 1 "base keep of what there is not"
like "$err" "cannot find the shadow nonsense: this is neither" "says so"
run base keep 0 12345678 --json
like "$status $err" "1 .*cannot find the shadow 12345678: no shadow and no base has this name" "or was there once"
unlike "$err" "full backup" "and no backup helps"
is "$(parse '.error | .errno, .object' | xargs)" "ENOENT 12345678" "as JSON"
run base list --json
is "$(parse '.bases | length')" 2 "nothing is kept then"
run base keep 0 --json
is "$status $(parse '.kept[0]')" "0 $(uuid 0)" "base keep"
run base keep 0
is "$status" 0 "base keep of what is kept"
run delete 1
run base list --json
is "$(parse ".bases[] | select(.base == \"$one\") | [.device, .kept] | map(tostring) | join(\" \")")" "null true" \
	"delete leaves the base"
run base drop
is "$status" 2 "base drop without a name"
run base drop --all / /home
is "$status" 2 "base drop --all of two volumes"
run base drop "${one:0:8}" --json
is "$status $(parse '.dropped[0]')" "0 $one" "base drop by the beginning of its name"
run base drop "${one:0:8}"
like "$status $err" "1 .*cannot find the base .*no shadow and no base has this name" "it is gone"
unlike "$err" "full backup" "and no backup is needed for that"
run base keep 3
run base drop --all /home --json
is "$status $(parse '.dropped | length')" "0 1" "base drop --all of a volume"
run base list --json
is "$(parse '.bases | length')" 2 "leaves those of others"
run base drop --all
run base list --json
is "$(parse '.bases | length')" 0 "base drop --all"
run base kepe
like "$status $err" "2 .*did you mean \"keep\"" "a verb that there is not"

# --- what is known, tracking ---

run volume tracking
like "$status $out" "0 .*fake1 +2023-11-14 22:13:20 it was not tracked before +0 +8K +64M" "volume tracking"
FAKE_TRACKING=3 run volume tracking / --json
is "$(parse '.tracking[] | [.reason, .since, .memory_limit, .forgotten] | map(tostring) | join(" ")')" \
	"unclean 2023-11-14T22:13:20.123456789Z 67108864 3" "of one volume, as JSON"
FAKE_TRACKING=0 run volume tracking / --json
is "$(parse '.tracking[0] | [.reason, .since, .generation] | map(tostring) | join(" ")')" "none null null" \
	"where nothing is known"
run volume tracking vda
like "$status $err" "1 .*is not tracked.*volume track" "of a volume that is not tracked"
run volume tracking / /home
is "$status" 2 "of two"
run volume track / --changes-memory 128M
is "$status" 0 "volume track --changes-memory"
run volume track / --changes-memory x
like "$status $err" "2 .*--changes-memory x" "a size that is none"
FAKE_FAIL="2 34" run volume track / --changes-memory 1K
like "$status $err" "2 .*with this --changes-memory: a volume of its size needs .* at least" "one that is too small"
FAKE_FAIL="2 34" run volume track / --changes-memory 1K --memory 1K
like "$status $err" "2 .*--memory .4M to 16T are possible. or this --changes-memory" "or one of two"
run base keep 0
run volume untrack /
like "$status $err" "1 .*bases of /dev/vda1 are kept.*base drop --all /dev/vda1.*--force" "volume untrack while bases are kept"
run volume untrack / --json
is "$status $(parse .error.reason)" "1 bases" "as JSON"
FAKE_FAIL="3 16" run volume untrack / --force
like "$status $err" "1 .*has shadows" "--force where it is something else"
run base list / --json
is "$(parse '.bases | length')" 1 "drops no base"
run volume untrack / --force
is "$status" 0 "volume untrack --force"
run base list / --json
is "$(parse '.bases | length')" 0 "drops them"

# --- changes ---

run create / -q
export FAKE_RUNS="0+1:1 1+2:3 5+1:4 9+4:2 100+1000:9 2000+1:10"
run changes
is "$status" 2 "changes of nothing"
run changes 0 1
is "$status" 2 "or of two"
run changes 3 --since 0
is "$status $err" "0 " "changes"
is "$out" "          OFFSET       SIZE
               0        12K
          409600       3.9M
3.9M in 2 ranges: 0.38% of 1G" "what was written, with its sum"
run changes 3 --since 0 --exact --bytes
is "$out" "          OFFSET       SIZE
               0      12288
           20480       4096
           36864      16384
          409600    4096000
4128768 in 4 ranges: 0.38% of 1G" "--exact: also what was free at one instant"
run changes 3 --since 0 --skip-free --noheadings --bytes
is "$out" "               0       4096
          409600    4096000" "--skip-free: not what is free, and rows alone"
run changes 3 --since 0 --exact --skip-free --noheadings --bytes
is "$(awk '{ print $1 }' <<<"$out" | xargs)" "0 20480 409600" "both"
run changes 3 --since 0 --human
like "$out" "400K +3.9M" "--human"
run changes 3 --since 0 --human --bytes
is "$status" 2 "--human and --bytes"
run changes 3 --since 0 --json
is "$status $(parse '[.blockMetadata[] | .byteOffset, .sizeBytes] | join(" ")')" "0 0 12288 409600 4096000" \
	"as JSON"
is "$(parse '[.shadow, .since, .blockMetadataType, .volumeCapacityBytes, .changedBytes] | join(" ")')" \
	"$(uuid 3) $(uuid 0) VARIABLE_LENGTH 1073741824 4108288" "with names as in Kubernetes"
whole=$out
FAKE_RUNS_EACH=1 run changes 3 --since 0 --json
is "$out" "$whole" "in many answers of the module it is the same"
run changes 3 --json
is "$(parse '.since, .changedBytes' | xargs)" "null 4108288" "without --since: since tracking began"
run changes 3 --exact
like "$status $err" "2 .*--exact goes with --since" "--exact without --since"
FAKE_RUNS="" run changes 3 --since 0
is "$status $(tail -n 1 <<<"$out")" "0 0B in 0 ranges: 0.00% of 1G" "nothing"
FAKE_RUNS="" run changes 3 --since 0 --json
is "$(parse '[.blockMetadata, .changedBytes] | tostring')" "[[],0]" "as JSON"
if [ -c /dev/full ]; then
	for option in --json --bytes; do
		"$shadowadm" changes 3 --since 0 $option >/dev/full 2>"$scratch/err"
		is "$?" 1 "changes $option with a full output"
	done
fi

# What is not known needs a full backup: a status of its own.
run changes 3 --since 12345678
like "$status $err" "4 .*no shadow and no base has this name.*a full backup is needed" "a base that is gone"
run changes 3 --since 12345678 --json
is "$status $(parse '.error | .reason, .errno, .object, has("tracking")' | xargs)" \
	"4 changes-unknown ENOENT 12345678 false" "as JSON"
run map 3 --since 12345678 --json
is "$status $(parse '.error.reason')" "4 changes-unknown" "also of map"
FAKE_FORGET=0 FAKE_TRACKING=2 run changes 3 --since 0
like "$status $err" "4 .*not known so far back.*a full backup is needed: changes of fake1 are known since 2023-11-14 22:13:20, as there was not the memory to know more" \
	"changes that are not known so far back"
FAKE_FORGET=0 FAKE_TRACKING=2 run changes 3 --since 0 --json
is "$status $(parse '.error | .reason, .tracking.reason' | xargs)" "4 changes-unknown memory" "as JSON"
FAKE_FORGET=0 FAKE_TRACKING=0 run changes 3
like "$status $err" "4 .*nothing is known of the changes of fake1" "nothing is known"
FAKE_FORGET=0 run changes 0
like "$status $err" "4 .*in 0: tracking of fake1 began with it: nothing lies before; .*--since" \
	"the first shadow without --since"
is "$(wc -l <<<"$err")" 1 "once"
FAKE_FORGET=0 run changes 0 --json
is "$status $(parse '.error | .reason, .object, .tracking.reason' | xargs)" "4 changes-unknown 0 began" "as JSON"
FAKE_FORGET=0 FAKE_TRACKING=2 run changes 0
like "$status $err" "4 .*changes of fake1 are known since" "or the first that is still known"
FAKE_FORGET=0 FAKE_BEGAN=1 run changes 0
unlike "$err" "nothing lies before" "or one that is the oldest now"
FAKE_FORGET=0 run changes 3
unlike "$err" "nothing lies before" "or one that is not the oldest"
FAKE_RUNS_EACH=1 FAKE_FORGET=13 run changes 3 --since 0 --exact --json
is "$status $(parse '[.blockMetadata[].sizeBytes, .error.reason, has("changedBytes")] | map(tostring) | join(" ")')" \
	"4 12288 changes-unknown false" "forgotten in the middle: still JSON, that says so"
FAKE_RUNS_EACH=1 FAKE_FORGET=13 run changes 3 --since 0 --exact
is "$status $(tail -n 1 <<<"$out")" "4                0        12K" "a table without a sum"
run changes nonsense --since 0
is "$status" 1 "of a shadow that there is not"
run changes 12345678 --since 0
like "$status $err" "1 .*cannot find the shadow 12345678: no shadow and no base .*\"shadowadm list\"" "or that is gone"
unlike "$err" "full backup" "which no backup helps"
run changes 0 --since 3
like "$status $err" "1 .*is not older\. Name the older of the two as the one to compare with" "since a newer one"
unlike "$err" "--since" "in words that are those of all who use the library"
run changes 3 --since "$(uuid 3)"
like "$status $err" "2 .*3 since itself is nothing" "since itself"
run changes 3 --since 2
like "$status $err" "1 .*of different volumes" "since one of another volume"

# --- map ---

run map
is "$status" 2 "map of nothing"
run map 3 --since 0
is "$status $err" "0 " "map"
is "$(sed -n 2p <<<"$out")" "    0B CCCCc--w--------------------------------------------------------" "cells of a mebibyte"
like "$out" "C +[0-9.]+M +0.4%  changed since 2023-11-14 22:13:20 \(bb" "with a legend"
is "$(sed -n '2,17p' <<<"$out" | cut -c 8- | tr -d '\n' | wc -m)" 1024 "sixteen rows of 64"
run map 3 --width 8
is "$(sed -n '2,17p' <<<"$out" | cut -c 8- | tr -d '\n' | wc -m)" 128 "or of 8"
unlike "$out" "changed" "without --since nothing is said of changes"
for wrong in 7 513 x -1; do
	run map 3 --width $wrong
	like "$status $err" "2 .*--width $wrong" "--width $wrong"
done
run map 3 --since 0 --color
like "$out" $'\033''\[33m' "--color"
run map 3 --since 0 --color=never
unlike "$out" $'\033' "--color=never"
run map 3 --color=auto
unlike "$out" $'\033' "no colours where there is no terminal"
run map 3 --color=red
like "$status $err" "2 .*auto, always and never" "--color=red"
run map 3 --since 0 --json
is "$(parse '[.bytes, (.cells | length), .total.changed, .total.written, ([.cells[].changed] | add)] | join(" ")')" \
	"1073741824 1024 4108288 4096 4108288" "as JSON"
run map 3 --since 0 --svg "$scratch/map.svg"
is "$status $out" "0 " "--svg"
is "$(xmllint --noout "$scratch/map.svg" 2>&1)" "" "is XML"
is "$(stat -c %a "$scratch/map.svg")" "$(printf '%o' $((0666 & ~$(umask))))" "with the mode of a new file"
run map 3 --since 0 --svg -
is "$out" "$(cat "$scratch/map.svg")" "--svg -"
run map 3 --svg "$scratch/none/map.svg"
like "$status $err" "1 .*cannot write the picture to .*No such file" "--svg where there is no directory"
mkdir "$scratch/directory"
ln -s map.svg "$scratch/link.svg"
echo old >"$scratch/map.svg"
run map 3 --since 0 --svg "$scratch/link.svg"
is "$status $(readlink "$scratch/link.svg") $(xmllint --noout "$scratch/map.svg" 2>&1)" "0 map.svg " \
	"--svg on a link replaces its target"
ln -s new.svg "$scratch/dangling.svg"
run map 3 --svg "$scratch/dangling.svg"
is "$status $(readlink "$scratch/dangling.svg") $(xmllint --noout "$scratch/new.svg" 2>&1)" "0 new.svg " \
	"or makes it"
mkfifo "$scratch/pipe"
timeout 10 cat "$scratch/pipe" >"$scratch/piped.svg" &
run map 3 --svg "$scratch/pipe"
wait $!
is "$status $(stat -c %F "$scratch/pipe") $(xmllint --noout "$scratch/piped.svg" 2>&1)" "0 fifo " "--svg on a pipe"
# One of its own: were it replaced after all, the machine's would be gone.
if mknod "$scratch/full" c 1 7 2>/dev/null && [ "$(echo 2>&1 >"$scratch/full")" ]; then
	run map 3 --svg "$scratch/full"
	like "$status $err" "1 .*cannot write the picture to .*No space" "--svg on a full device"
	is "$(stat -c %F "$scratch/full")" "character special file" "which it stays"
fi
run map 3 --svg "$scratch/directory"
is "$status $(find "$scratch" -name 'directory.*')" "1 " "--svg on a directory leaves nothing"
run map 3 --svg - --json
is "$status" 2 "--svg - and --json"
run map "$("$shadowadm" list --json | jq -r '.shadows[0].set')"
like "$status $err" "1 .*is a set of shadows" "map of a set"
gone=$("$shadowadm" create / --keep-base --json | jq -r '.shadows[0].uuid')
run delete "$gone"
run map "$gone"
like "$status $err" "1 .*cannot draw $gone: it is a base, its shadow is gone" "map of a base without a shadow"
run map 12345678
like "$status $err" "1 .*cannot find the shadow 12345678" "or of what is neither"
FAKE_LOST=13 run map 3
like "$status $err" "1 .*cannot draw /dev/shadow3: the shadow is lost, because " "map of a shadow that is lost"
run map 3 --since 3
like "$status $err" "2 .*3 since itself is nothing" "map since itself"
run map 3 --since 12345678
is "$status" 4 "since a base that is gone"

done_testing
