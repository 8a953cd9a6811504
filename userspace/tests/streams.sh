#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shadowadm receive, which needs no module: files and images, wrong bases, what was cut or killed.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"

shadowadm=${BUILD:?}/shadowadm
streams=$BUILD/tests/streams
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
export LC_ALL=C.UTF-8

# run ARGUMENT...: sets $out, $err and $status; standard input is the caller's
run() {
	out=$("$shadowadm" "$@" 2>err)
	status=$?
	err=$(cat err)
}

parse() {
	jq -r "$1" <<<"$out"
}

# random KIB: as many, always others
random() {
	head -c "$1K" /dev/urandom
}

# put FILE KIB: overwrite from there on with what is on standard input
put() {
	dd of="$1" bs=1K seek="$2" conv=notrunc status=none
}

same() {
	if cmp "$1" "$2"; then
		is 0 0 "$3"
	else
		is 1 0 "$3"
	fi
}

# stream IMAGE SHADOW BASE RUN...: one without compression, in chunks of 64K
stream() {
	"$streams" "$1" "$2" "$3" none 65536 - "${@:4}"
}

echo KTAP version 1

# --- three states of a volume ---

truncate -s 8M one
random 2048 | put one 0
random 1024 | put one 4096
cp one two
random 64 | put two 512
random 4 | put two 5004
head -c 1M /dev/zero | put two 4096
cp two three
random 256 | put three 7000
full=(d:0:2048 h:2048:2048 d:4096:1024 h:5120:3072)
stream one 1 - "${full[@]}" >one.stream
stream two 2 1 d:512:64 h:2048:2956 d:5004:4 h:5008:3184 >two.stream
stream three 3 2 d:7000:256 >three.stream

# --- a file ---

run receive raw <one.stream
is "$status" 0 "all of a shadow"
like "$out" "raw is what shadow 1111.* 3M of data" "it says what"
same one raw "the file is the volume"
is "$(stat -c %a raw)" 600 "nobody else can read it"
[ "$(du -k raw | cut -f1)" -lt 5000 ]
is $? 0 "it is sparse"
before=$(stat -c %y raw)
run receive raw <one.stream
like "$status $out" "0 .*is that already" "once more, it is that already"
run receive --json raw <one.stream
is "$status $(parse .received.already)" "0 true" "as JSON, too"
run receive --verify --json raw <one.stream
is "$status $(parse .compared.verified)" "0 true" "it is compared if that is wanted"
is "$(stat -c %y raw)" "$before" "nothing was written"
head -c 1000000 one.stream >begun.stream
run receive raw <begun.stream
like "$status $err" "1 .*ends too early" "nor is a stream good that was cut"
touch raw
run receive raw <one.stream
is "$status" 1 "it is not overwritten"
like "$err" "there already.*--force" "but for --force"
run receive --force --verify --json raw <one.stream
is "$status $(parse .received.verified)" "0 true" "overwritten, and verified"
is "$(parse .received.format) $(parse .received.shadow)" \
	"raw 11111111-1111-1111-1111-111111111111" "as JSON"

run receive --verify raw <two.stream
is "$status" 0 "what has changed"
like "$out" "read back" "it was read back"
same two raw "the file is the second volume"
run receive raw <two.stream
like "$status $out" "0 .*is that already" "once is enough"
run receive raw -i three.stream
same three raw "and the third"

# --- closed descriptors, links ---

(exec 2>&-; "$shadowadm" receive --progress closed >/dev/null) \
	< <(head -c 1000000 one.stream; sleep 1.5; tail -c +1000001 one.stream)
is $? 0 "with standard error closed"
same one closed "what would be said there is not written to the target"
"$shadowadm" receive closed2 2>err <&-
like "$? $(cat err)" "1 .*Bad file descriptor" "without standard input"
[ ! -e closed2 ]
is $? 0 "no file is made"
echo kept >victim
ln -s "$PWD/victim" linked.shadowcopy.new
run receive -q linked <one.stream
is "$status $(cat victim)" "0 kept" "a link in the place of the new state is not followed"

# --- the wrong base ---

cp raw before
run receive raw <two.stream
is "$status" 1 "what has changed since another base"
like "$err" "since 11111111.*is shadow 33333333" "both are named"
same before raw "nothing was written"
cp one stranger
run receive stranger <two.stream
is "$status" 1 "a file of which nothing is known"
like "$err" "not known what stranger is.*--assume-base" "it says so"
same one stranger "nothing was written"
truncate -s 4M short
run receive --assume-base short <two.stream
like "$status $err" "1 .*cannot be what the base was: it has 4194304" "one of another size"
[ ! -e short.shadowcopy ]
is $? 0 "nothing is said of it"
run receive --assume-base --verify --json stranger <two.stream
is "$status $(parse '.received | .verified, .assumed' | xargs)" "0 false true" \
	"but for --assume-base"
is "$(jq -c '[.verified, .assumed]' stranger.shadowcopy)" "[false,true]" "that is kept"
cp one supposed
run receive --assume-base supposed <two.stream
like "$out" "if it was the base" "it says so"
run receive --json supposed <three.stream
is "$(parse .received.assumed)" true "and of what it becomes"
same two stranger "which was right"
random 4 | put stranger 6000
run receive stranger <three.stream
is "$status" 1 "a file that was written to"
like "$err" "was written to later" "it says so"
run receive -q --force stranger <one.stream
cp -p stranger one.copy
random 4 | put stranger 8
touch -r one.copy stranger
run receive stranger <two.stream
is "$status" 1 "... and whose time was set back"
like "$err" "as if it had been mounted" "it says so"
run receive none <two.stream
is "$status" 1 "a file that is not there"
[ ! -e none ] && [ ! -e none.shadowcopy ]
is $? 0 "it is not made"

# --- comparing ---

run receive --verify-only -i three.stream raw
is "$status" 0 "the target has all that is in the stream"
run receive --verify-only -i one.stream raw
is "$status" 1 "and not what is in another"
like "$err" "not what it should be, from byte 524288" "it says where"
stream three 3 - d:0:8192 >whole.stream
run receive --verify-only raw -i whole.stream
is "$status" 0 "all of the shadow proves what the file has become in steps"
random 4 | put raw 8188
run receive --verify-only raw -i whole.stream
is "$status" 1 "one block at the end is noticed"

# --- a stream that was cut ---

size=$(stat -c %s one.stream)
wrong=0
for at in 0 100 512 600 700 70000 1000000 $((size - 129)) $((size - 128)) $((size - 1)); do
	rm -f cut cut.shadowcopy
	head -c "$at" one.stream >cut.stream
	run receive cut <cut.stream
	[ "$status" = 1 ] || wrong=1
	[ ! -e cut.shadowcopy ] || [ "$(jq .complete cut.shadowcopy)" = false ] || wrong=1
done
is "$wrong" 0 "cut anywhere, it fails, and the target is not complete"

rm -f cut cut.shadowcopy
head -c 1000000 one.stream >cut.stream
run receive --json cut <cut.stream
is "$status" 1 "one that was cut"
like "$err" "ends too early.*--resume-from cut.shadowcopy" "it says how to go on"
token=$(parse .error.resume)
run receive cut <three.stream
is "$status" 1 "it is no base of anything"
like "$err" "on its way to" "it says so"
"$streams" one 1 - 3 16384 "$token" "${full[@]}" >rest.stream
run receive --verify cut <rest.stream
like "$status $err" "1 .*not read back when it was received" "what was not verified cannot be now"
run receive cut <rest.stream
is "$status" 0 "the rest of it"
same one cut "the file is the volume"
run receive cut <rest.stream
like "$status $out" "0 .*is that already" "not twice"

rm -f cut cut.shadowcopy
run receive --verify cut <cut.stream
run receive --verify --json cut <rest.stream
is "$status $(parse .received.verified)" "0 true" "both verified, all is"
run receive --verify-only --json cut <rest.stream
is "$status $(parse .compared.verified)" "0 false" "a rest does not prove all of it"

rm -f cut cut.shadowcopy
head -c 1200000 one.stream | "$shadowadm" receive -q cut 2>/dev/null
run receive cut <rest.stream
is "$status" 1 "a rest that begins elsewhere"
like "$err" "goes on at byte .* send it once more" "it says where"
run receive --resume --json cut <one.stream
is "$status $(parse .received.resumed)" "0 true" "all of it again, from where it was"
[ "$(parse .received.data_bytes)" -lt 2200000 ]
is $? 0 "what was there is not written again"
same one cut "the file is the volume"
rm -f cut cut.shadowcopy
head -c 1200000 one.stream | "$shadowadm" receive -q cut 2>/dev/null
run receive cut <one.stream
is "$status" 0 "or from the beginning"
same one cut "the file is the volume"

# Another file under its name is not gone on with, nor lost.
rm -f cut cut.shadowcopy
head -c 1000000 one.stream >cut.stream
run receive --json cut <cut.stream
"$streams" one 1 - 3 16384 "$(parse .error.resume)" "${full[@]}" >rest.stream
mv cut half
echo another >cut
run receive cut <rest.stream
is "$status $(cat cut)" "1 another" "the rest of what has become a shorter file"
cp two cut
random 4 | put cut 0
cp cut before
run receive cut <rest.stream
like "$status $err" "1 .*begins with something else" "... and another one"
run receive --resume cut <one.stream
is "$status" 1 "... with all of it again"
run receive cut <one.stream
like "$status $err" "1 .*there already" "... and from the beginning"
same before cut "it was not written to"
mv half cut
run receive cut <rest.stream
is "$status" 0 "the right one"
same one cut "the file is the volume"

run receive -q base <one.stream
head -c 40000 two.stream | "$shadowadm" receive -q base 2>/dev/null
is "$(jq .complete base.shadowcopy)" false "changes that were cut"
run receive base <two.stream
is "$status" 0 "... and received again"
same two base "the file is the second volume"

# --- one that is killed, at any moment ---

wrong=0
for delay in 0.01 0.05 0.1 0.2 0.3; do
	rm -f killed killed.shadowcopy
	"$shadowadm" receive -q killed < <(head -c 1500000 one.stream; sleep 1) &
	sleep "$delay"
	kill -9 $!
	wait $! 2>/dev/null
	"$shadowadm" receive -q killed <one.stream || wrong=1
	cmp one killed || wrong=1
done
is "$wrong" 0 "killed at any moment, it is received again"

# Interrupted, it keeps what it has.
for signal in INT TERM; do
	rm -f killed killed.shadowcopy
	"$shadowadm" receive killed 2>err < <(head -c 1500000 one.stream; sleep 2) &
	sleep 1
	kill -$signal $!
	wait $!
	like "$? $(cat err)" "1 .*interrupted.*--resume-from" "SIG$signal: it says how to go on"
	[ "$(jq .offset killed.shadowcopy)" -gt 1000000 ]
	is $? 0 "it has what it had"
done
run receive --resume killed <one.stream
same one killed "and goes on"

# --- no room ---

(ulimit -f 2048; trap '' XFSZ; "$shadowadm" receive small <one.stream >out 2>err)
is $? 1 "a file that cannot be that large"
like "$(cat err)" "cannot have the size|could not be written" "it says so"

# (The state needs some, too: the last record that was begun makes it.)
if unshare -rm true 2>/dev/null; then
	unshare -rm bash -c 'mkdir tight && mount -t tmpfs -o size=1200k none tight || exit 77
		"$1" receive tight/t <one.stream 2>err
		echo "$? $(jq .complete,.offset tight/t.shadowcopy | xargs)" >out
		mount -o remount,size=20m tight
		"$1" receive -q --resume --verify tight/t <one.stream && cmp one tight/t' - "$shadowadm"
	status=$?
	if [ "$status" != 77 ]; then
		is "$status" 0 "what had no room is gone on with"
		like "$(cat out)" "^1 false [1-9]" "what there was room for was kept"
		like "$(cat err)" "No space left.*Make room, and go on with.*--resume" "it says how"
	fi
fi

# --- what is no stream ---

run receive raw2 <one
like "$status $err" "1 .*does not begin as a stream" "what is no stream"
[ ! -e raw2 ]
is $? 0 "no file is made of it"
cat one.stream two.stream >twice.stream
run receive raw2 <twice.stream
like "$status $err" "1 .*follows its end" "two in one"
is "$(jq .complete raw2.shadowcopy)" false "it is not complete"
(head -c 600 one.stream; printf x; tail -c +602 one.stream) >flipped.stream
run receive raw3 <flipped.stream
like "$status $err" "1 .*record 0.*damaged|1 .*record 0.*checksum" "one that is damaged"

# --- the stream itself as the target ---

cp one.stream own
ln own own-too
run receive --force -i own own
like "$status $err" "1 .*where the stream comes from" "a stream is not received over itself"
run receive --force own-too <own
like "$status $err" "1 .*where the stream comes from" "under no name"
same own one.stream "it is as it was"
[ ! -e own.shadowcopy ]
is $? 0 "nothing is said of it"

# --- why, for programs ---

# reason WORD ARGUMENT...: standard input is the stream
reason() {
	run receive --json "${@:2}"
	is "$status $(parse .error.reason)" "1 $1" "$1"
}

reason damaged why <one
reason damaged why <flipped.stream
reason cut why --force <begun.stream
reason cut why2 </dev/null
reason wrong-base why <two.stream
reason wrong-base why3 <two.stream
run receive -q --force why <one.stream
touch why
reason changed why <two.stream
reason exists why <one.stream
(ulimit -f 2048; trap '' XFSZ; "$shadowadm" receive --json why4 <one.stream >out 2>err)
is "$(jq -r .error.reason out)" no-space "no-space"

# --- wrong use ---

run receive
is "$status" 2 "no target"
run receive a b </dev/null
is "$status" 2 "two targets"
run receive --format iso a </dev/null
is "$status" 2 "no format"
run receive --format device raw </dev/null
like "$status $err" "2 .*no block device" "a file is no device"
run receive --base one raw </dev/null
is "$status" 2 "a base of a file"
run receive --verify-only --force raw </dev/null
is "$status" 2 "comparing by force"

# --- qcow2 ---

if ! command -v qemu-img >/dev/null || ! command -v qemu-nbd >/dev/null ||
	! ldconfig -p | grep -q libnbd.so.0; then
	echo "# qcow2 is left out: no qemu-img, qemu-nbd or libnbd"
else
	mkdir images
	run receive --verify images/one.qcow2 <one.stream
	is "$status" 0 "an image"
	[ "$(stat -c %s images/one.qcow2)" -lt 4000000 ]
	is $? 0 "it is sparse"
	is "$(stat -c %a images/one.qcow2)" 600 "nobody else can read it"
	run receive --verify images/two.qcow2 <two.stream
	is "$status" 0 "one that is laid over it"
	run receive images/three.qcow2 <three.stream
	is "$status" 0 "and a third"
	for name in one two three; do
		qemu-img check -q images/$name.qcow2
		is $? 0 "qemu-img check: $name"
		qemu-img compare -q -f raw -F qcow2 $name images/$name.qcow2
		is $? 0 "qemu-img compare: $name"
	done
	is "$(qemu-img info --backing-chain --output=json images/three.qcow2 |
		jq -r '[.[].filename] | join(" ")')" \
		"images/three.qcow2 images/two.qcow2 images/one.qcow2" "it is a chain"
	mv images moved
	qemu-img compare -q -f raw -F qcow2 three moved/three.qcow2
	is $? 0 "which can be moved"
	run receive --verify-only -i whole.stream moved/three.qcow2
	is "$status" 0 "and compared"
	run receive moved/two.qcow2 <two.stream
	like "$status $out" "0 .*is that already" "an image is that already"
	run receive moved/two.qcow2 <one.stream
	like "$status $err" "1 .*there already" "and not overwritten with another"
	run receive --force --base moved/one.qcow2 "$PWD/moved/one.qcow2" <two.stream
	like "$status $err" "1 .*over itself" "an image is not laid over itself"
	run receive -q --format qcow2 image.raw <one.stream
	cp image.raw before
	run receive --force image.raw <two.stream
	is "$status" 1 "an image is no file to change in place, by force either"
	same before image.raw "it was not written to"
	rm image.raw image.raw.shadowcopy
	run receive elsewhere.qcow2 <two.stream
	like "$status $err" "1 .*no image beside.*11111111" "without its base"
	run receive --base moved/three.qcow2 elsewhere.qcow2 <two.stream
	like "$status $err" "1 .*not known to be what the base was" "with another"
	run receive --assume-base --base one.stream elsewhere.qcow2 <two.stream
	like "$status $err" "1 .*no qcow2 image" "nor on what is none"
	sum=$(sha256sum moved/one.qcow2)
	run receive --force moved/one.qcow2 <one.stream
	like "$status $err" "1 .*is beneath moved/two.qcow2" "nor one that another is laid over"
	(cd moved && "$shadowadm" receive --force one.qcow2 <../one.stream 2>../err)
	like "$? $(cat err)" "1 .*is beneath two.qcow2" "not from within its directory"
	run receive --force moved/one.qcow2 <two.stream
	like "$status $err" "1 .*what the base was.*over itself" "nor the base itself"
	is "$(sha256sum moved/one.qcow2)" "$sum" "it is as it was"
	run receive --base moved/one.qcow2 elsewhere.qcow2 <two.stream
	is "$status" 0 "with its own, elsewhere"
	qemu-img compare -q -f raw -F qcow2 two elsewhere.qcow2
	is $? 0 "qemu-img compare: elsewhere"
	head -c 40000 two.stream | "$shadowadm" receive -q moved/cut.qcow2 2>/dev/null
	run receive --resume --verify moved/cut.qcow2 <two.stream
	is "$status" 0 "one that was cut"
	qemu-img compare -q -f raw -F qcow2 two moved/cut.qcow2
	is $? 0 "qemu-img compare: cut"
	# Interrupted from a terminal, which concerns qemu-nbd, too.
	mkfifo fifo
	setsid "$shadowadm" receive group.qcow2 <fifo 2>err &
	exec 7>fifo
	head -c 1500000 one.stream >&7
	sleep 1
	kill -INT -- -$!
	wait $!
	exec 7>&-
	like "$(cat err)" "interrupted" "a Ctrl-C"
	[ "$(jq .offset group.qcow2.shadowcopy)" -gt 1000000 ]
	is $? 0 "what was received is there"
	run receive --resume --verify group.qcow2 --json <one.stream
	is "$status $(parse .received.verified)" "0 true" "and gone on with, all of it verified"
	qemu-io -c "write -P 1 0 4k" moved/one.qcow2 >/dev/null
	run receive moved/again.qcow2 <two.stream
	like "$status $err" "1 .*was written to later" "a base that was written to"
fi

done_testing
