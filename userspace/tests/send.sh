#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shadowadm send, with a module made of nothing, and files for the images.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"
# shellcheck source=userspace/tests/machine.sh
. "$here/machine.sh"

shadowadm=${BUILD:?}/tests/shadowadm-fake
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
export FAKE_SYSROOT=$scratch/machine FAKE_STATE=$scratch/state FAKE_IMAGES=$scratch/images
export TZ=UTC LC_ALL=C.UTF-8

machine_new "$FAKE_SYSROOT"
disk vda 254:0
partition vda vda1 254:1
mounted vda1 / ext4
echo '* memory' >"$FAKE_SYSROOT/etc/shadowcopy/stores.conf"

# run ARGUMENT...: sets $out, $err and $status
run() {
	out=$("$shadowadm" "$@" 2>err)
	status=$?
	err=$(cat err)
}

parse() {
	jq -r "$1" <<<"$out"
}

# same FILE FILE WHAT
same() {
	cmp "$1" "$2"
	is $? 0 "$3"
}

echo KTAP version 1

mkdir images
run create / -q
run create / -q
size=$("$shadowadm" list --json | jq '.shadows[0].size')
blocks=$((size / 4096))
# What is random is at the beginning: the rest is sparse.
truncate -s "$size" images/0
head -c 3M /dev/urandom | dd of=images/0 conv=notrunc status=none
cp --sparse=always images/0 images/1

# --- wrong use ---

for arguments in "" "0 1" "0 --compress 23" "0 --compress x" "0 --chunk 5000" "0 --chunk 32M" \
	"0 --threads 0" "0 --resume x --resume-from y" "0 --resume xyz"; do
	# shellcheck disable=SC2086 # words
	run send $arguments
	is "$status" 2 "send $arguments"
done
run send 7
is "$status" 1 "a shadow that is not there"
run send 0 --since 0
is "$status" 2 "since itself"
run send 0 -o probe.stream
if [[ $err == *"does not know this command"* ]]; then
	echo "# the rest is left out: this module made of nothing has no maps"
	done_testing
	exit
fi

# --- all of it ---

export FAKE_RUNS="1024+$((blocks - 1024)):2"
run send 0 -o one.stream --json
is "$status $(parse .sent.bytes_read)" "0 $((1024 * 4096))" "what is free is not read"
is "$(parse '.sent.data_bytes + .sent.hole_bytes')" "$size" "all is described"
run send 0 -o one.stream
like "$status $err" "1 .*is there already" "what is there is not overwritten"
: >empty
run send 0 -o empty
like "$status $err" "1 .*is there already" "nor what is empty"
# (Of a driver that does not exist: nothing could be lost.)
if mknod block b 4095 0 2>/dev/null; then
	run send 0 -o block
	like "$status $err" "1 .*block device.*shadowadm receive block" "nor a block device"
fi
mkfifo fifo
cat fifo >fifo.stream &
run send -q 0 -o fifo
wait $!
is "$status" 0 "what keeps nothing is written to"
"$shadowadm" send -q 0 --compress none --chunk 64K | "$shadowadm" receive -q --verify one
is "${PIPESTATUS[*]}" "0 0" "by a pipe"
same one images/0 "it is the image"
"$shadowadm" send 0 --json 2>err | "$shadowadm" receive -q two
is "$(jq -c '.sent | .shadow | length' err)" 36 "JSON does not get into the stream"
same two images/0 "it is whole"
script -qec "$shadowadm send 0" /dev/null >out 2>&1 </dev/null
is $? 2 "to a terminal"
like "$(cat out)" "nothing for a terminal" "it says so"

# --- what has changed ---

head -c 40960 /dev/urandom | dd of=images/1 bs=4096 seek=100 conv=notrunc status=none
head -c 4096 /dev/urandom | dd of=images/1 bs=4096 seek=700 conv=notrunc status=none
dd if=/dev/zero of=images/1 bs=4096 seek=300 count=50 conv=notrunc status=none
FAKE_RUNS="100+10:1 300+20:3 320+30:2 700+1:4 1024+$((blocks - 1024)):6"
for each in 1 2 100; do
	cp --sparse=always one base
	jq --argjson t 0 '.changed_ns = $t' one.shadowcopy >base.shadowcopy
	FAKE_RUNS_EACH=$each "$shadowadm" send -q 1 --since 0 |
		"$shadowadm" receive -q --verify base
	is "${PIPESTATUS[*]}" "0 0" "what has changed, told by $each"
	same base images/1 "the base becomes the shadow"
done
run send 1 --since 0 -o changes.stream --json
is "$(parse .sent.bytes_read)" $((11 * 4096)) "no more is read than that"
run send 0 --since 1 -o none
like "$status $err" "1 .*not older" "the newer one is no base"
[ ! -e none ]
is $? 0 "no file is made"
run send 1 --since 12345678 -o none
like "$status $err" "4 .*full backup" "a base that is not known"
FAKE_FORGET=200 FAKE_RUNS_EACH=1 run send 1 --since 0 -o forgotten.stream
like "$status $err" "4 .*not known" "forgotten on the way"
run receive --assume-base forgotten -i forgotten.stream
is "$status" 1 "that is no whole stream"

# --- going on ---

wrong=0
cuts=0
all=$(stat -c %s changes.stream)
for ((at = 513; at < all; at += 4001)); do
	cp --sparse=always one base
	jq '.changed_ns = 0' one.shadowcopy >base.shadowcopy
	head -c "$at" changes.stream >part.stream
	"$shadowadm" receive -q base -i part.stream 2>/dev/null && wrong=1
	"$shadowadm" send -q 1 --resume-from base.shadowcopy | "$shadowadm" receive -q base || wrong=2
	cmp base images/1 || wrong=3
	# The same from the stream itself.
	rm -f rest.stream
	cp --sparse=always one base
	jq '.changed_ns = 0' one.shadowcopy >base.shadowcopy
	"$shadowadm" receive -q base -i part.stream 2>/dev/null
	"$shadowadm" send -q 1 --resume-from part.stream -o rest.stream || wrong=4
	"$shadowadm" receive -q base -i rest.stream || wrong=5
	cmp base images/1 || wrong=6
	cuts=$((cuts + 1))
done
is "$wrong" 0 "cut anywhere ($cuts), it is gone on with"
run send 0 --resume-from part.stream -o none
like "$status $err" "1 .*another shadow" "with the same shadow only"
run send 1 --resume-from changes.stream -o none
like "$status $err" "1 .*nothing to go on" "what is whole needs no rest"
run send 1 --resume-from images/0 -o none
like "$status $err" "1 .*neither a stream nor" "nor does what is none"

# --- who reads or is read fails ---

# (The pipe holds some of it.)
FAKE_RUNS=""
"$shadowadm" send 0 --compress none 2>err | head -c 100000 >/dev/null
is "${PIPESTATUS[0]}" 1 "who reads has ended"
like "$(cat err)" "who reads the stream has ended; its message says why" "it says so"
truncate -s 2M images/0
run send 0 -o short.stream
like "$status $err" "1 .*could not be read at byte 2097152" "an image that cannot be read"
run receive short -i short.stream
like "$status $err" "1 .*ends too early" "there is no end"

done_testing
