#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stores: which one is chosen (VSS E-05), associations, the files that are made for
# them and those that are refused, and what gc deletes (VSS E-12).

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"
# shellcheck source=userspace/tests/machine.sh
. "$here/machine.sh"

shadowadm=${BUILD:?}/tests/shadowadm-fake
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export FAKE_STATE=$scratch/state TZ=UTC LC_ALL=C.UTF-8

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

# A machine with a system disk (/, /home, /boot), a disk for /srv, one for /data, and a
# stick; / and /data are roomy.
new_machine() {
	export FAKE_SYSROOT=$scratch/machine
	rm -rf "$FAKE_SYSROOT" "$FAKE_STATE"
	machine_new "$FAKE_SYSROOT"
	conf=$FAKE_SYSROOT/etc/shadowcopy/stores.conf
	disk vda 254:0
	partition vda vda1 254:1
	partition vda vda2 254:2
	partition vda vda3 254:3
	disk vdb 254:16
	partition vdb vdb1 254:17
	disk vdc 254:32
	disk vdd 254:48
	disk sdx 8:0
	echo 1 >"$FAKE_SYSROOT/sys/devices/sdx/removable"
	mounted vda1 / ext4
	mounted vda2 /home ext4
	mounted vda3 /boot ext4
	mounted vdb1 /srv xfs
	mounted vdc /data ext4
	mounted sdx /media/stick ext4
	for target in /home /boot /srv /data /media/stick; do
		fstab $target
	done
	for target in / /home /boot /srv /data /media/stick; do
		space $target 100000 1000
	done
	tags vda1 1111-aaaa 0a0a-01 ext4
	tags vda2 2222-bbbb 0a0a-02 ext4
	tags vdb1 3333-cccc 0b0b-01 xfs
	tags vdd - - -
}

# free MOUNTPOINT MIB: so much is free there
free() {
	sed -i "s|^$1 .*|$1 100000 $2|" "$FAKE_SYSROOT/space"
}

# chosen VOLUME...: print store and rule of each that gets a shadow
chosen() {
	run create "$@" --dry-run --json
	parse '[.plan[] | select(.shadow) | "\(.store) \(.rule)"] | sort | join(", ")'
}

echo KTAP version 1

# --- which store is chosen (E-05); volumes have 1 GiB, a tenth is 103 MiB -----------

new_machine
is "$(chosen /srv)" "/ another-disk" "another disk, the first where there are equals"
free /data 2000
is "$(chosen /srv)" "/data/ another-disk" "of several, where there is most room"
free /data 200
free / 200
free /home 200
is "$(chosen /srv)" "/srv/ own-volume" "too little room on other disks: the volume itself"
free /srv 200
is "$(chosen /srv)" "/srv/ most-room" "too little everywhere: where it is, among equals"
free / 204
is "$(chosen /srv)" "/ most-room" "or where there is most"
free /srv 206
is "$(chosen /srv)" "/srv/ own-volume" "the tenth is enough"
for target in / /home /srv /data; do
	free $target 100
done
is "$(chosen /srv)" "memory memory" "none has room: memory"
free /home 5000
is "$(chosen / --max 1G)" "/home/ same-disk" "on the same disk if need be"

new_machine
sed -i '/ \/data /d' "$FAKE_SYSROOT/etc/fstab"
free /data 9000
free /media/stick 9000
free /boot 9000
is "$(chosen /srv)" "/ another-disk" \
	"no disk that is removable, for booting, or not mounted for good"
fstab /data noauto
is "$(chosen /srv)" "/ another-disk" "nor one that is not mounted at boot"
run store candidates /srv --json
is "$(parse '[.candidates[] | select(.obstacle) | "\(.mountpoint): \(.obstacle)"] | sort | join(", ")')" \
	"/boot: for booting, /data: not mounted by /etc/fstab at boot, /media/stick: removable" \
	"candidates tells why"
is "$(parse '.candidates[0] | "\(.mountpoint) \(.place) \(.chosen) \(.free) \(.room)"')" \
	"/ another-disk true $((1000 << 20)) $((500 << 20))" "and which one would be chosen"
run store candidates /nowhere
is "$status" 1 "candidates of nothing"
is "$(chosen /dev/vdd)" "/ another-disk" "a volume without a filesystem"

new_machine
is "$(chosen / /home /srv /data)" "/ own-volume, /data/ own-volume, /home/ own-volume, /srv/ own-volume" \
	"no volume of a set has its store on another one of it"
free /data 600
is "$(chosen /srv /home)" "/ another-disk, /data/ another-disk" "volumes of a set share room"
free /data 300
is "$(chosen /srv /home)" "/ another-disk, /home/ own-volume" "so it may be too little for two"

# The module takes no store whose blocks are larger than the volume's.
new_machine
free /data 9000
for disk in vda:512 vdb:512 vdc:4096; do
	mkdir "$FAKE_SYSROOT/sys/devices/${disk%:*}/queue"
	echo "${disk#*:}" >"$FAKE_SYSROOT/sys/devices/${disk%:*}/queue/logical_block_size"
done
is "$(chosen /srv)" "/ another-disk" "no disk with larger blocks, though it has more room"
is "$(chosen /data)" "/ another-disk" "but one with smaller blocks"
run store candidates /srv --json
is "$(parse '.candidates[] | select(.mountpoint == "/data") | .obstacle')" \
	"its logical blocks are larger than the volume's" "and it is said why"

# What lies above the volume waits for it, so no store may be there.
new_machine
holder vdd dm-0 253:0 above
mounted dm-0 /above ext4
fstab /above
space /above 100000 90000
for target in / /home /srv /data; do
	free $target 100
done
is "$(chosen /dev/vdd)" "memory memory" "no store on what is stacked on the volume"
is "$(chosen /srv)" "/above/ another-disk" "but one of another volume"
loop loop0 7:0 /srv/disk.img
mounted loop0 /looped ext4
fstab /looped
space /looped 100000 90000
run store candidates /home --json
is "$(parse '.candidates[] | select(.mountpoint == "/looped") | .obstacle')" "not on a disk" \
	"nor on a file"
is "$(parse '.candidates[] | select(.mountpoint == "/above") | .place')" another-disk \
	"a device-mapper device is on the disks below it"

# A file on btrfs cannot grow, ext2 and ext3 have none that is allocated in advance, and
# others are not taken by the module
new_machine
free /data 9000
type=ext4
for next in btrfs ext3 ext2 f2fs; do
	sed -i "s/- $type \/dev\/vdc/- $next \/dev\/vdc/" "$FAKE_SYSROOT/proc/self/mountinfo"
	type=$next
	is "$(chosen /srv)" "/ another-disk" "$type is not chosen"
done
sed -i 's/ \/ rw,relatime/ \/ ro,relatime/' "$FAKE_SYSROOT/proc/self/mountinfo"
is "$(chosen /srv)" "/home/ another-disk" "nor what is read-only"

# --- associations ------------------------------------------------------------------

new_machine
echo 'UUID=3333-CCCC memory max=1G' >"$conf"
is "$(chosen /srv)" "memory associated" "an association comes first, by the UUID"
is "$(chosen /home)" "/srv/ another-disk" "others are as without it"
echo '* memory' >>"$conf"
is "$(chosen /home)" "memory default" "then what is for all"
echo 'PARTUUID=0b0b-01 /dev/vdd' >>"$conf"
is "$(chosen /srv)" "memory, 1 more associated" "lines of one volume are parts of one store"
is "$(chosen /srv --store /dev/vdc)" "/dev/vdc asked" "what is asked for comes before all"
run create /srv --max 1G --dry-run
like "$status $err" "1 .*has 2 parts: leave --max and --initial out" "--max is of one part"
echo 'broken' >>"$conf"
run create /srv
like "$status $err" "1 .*cannot read the associations in /etc/shadowcopy/stores.conf:4: it has a volume, but no store\. Correct the line" \
	"a broken line stops it, and is named"
run create /srv --store memory --quiet
is "$status" 0 "it has no say where it is not needed"
: >"$conf"
is "$(chosen /srv)" "null kept" "a volume with shadows keeps its store"
run create /srv --max 1G
like "$status $err" "1 .*has shadows and with them a store already.*store resize" \
	"whose size is changed by another command"

# --- files ----------------------------------------------------------------------------

new_machine
stores=$scratch/stores
mkdir -m 0755 "$stores"
space "$stores" 100000 50000
owner=$(id -u)

run store add /srv "$stores/srv" --max 1G --initial 8M --json
is "$status $(parse '"\(.volume) \(.store) \(.max) \(.initial)"')" \
	"0 UUID=3333-cccc $stores/srv 1G 8M" "store add"
is "$(stat -c '%a %u %s %h' "$stores/srv")" "600 $owner $((9 << 20)) 1" "it made the file"
is "$(stat -c '%b' "$stores/srv")" "$((9 << 11))" "all of it allocated"
is "$(head -c 8 "$stores/srv")" shadowst "with our header"
like "$(tail -n 1 "$conf")" "^UUID=3333-cccc +$stores/srv +max=1G,initial=8M$" "and wrote the line"
link=$(find "$FAKE_SYSROOT/var/lib/shadowcopy/stores" -type l)
is "$(readlink "$link")" "$stores/srv" "and noted where it is"
run store add /srv "$stores/srv"
like "$status $err" "1 .*write the association to /etc/shadowcopy/stores.conf: line 3 says the same.*store list" "not twice"
run store add /home "$stores/srv"
like "$status $err" "1 .*is the store of UUID=3333-cccc already" "nor for another volume"
run store add /srv memory:64M
is "$status" 0 "a second part"
like "$(tail -n 1 "$conf")" "^UUID=3333-cccc +memory +max=64M$" "is a second line"

sed -i '/srv/d' "$conf"
run store add /home "$stores/srv" --initial 16M
is "$status $(stat -c %s "$stores/srv")" "0 $((17 << 20))" "a store is used again, and grows"
is "$(find "$FAKE_SYSROOT/var/lib/shadowcopy/stores" -type l | wc -l)" 1 "it keeps its identity"
: >"$conf"

echo "precious" >"$stores/file"
chmod 600 "$stores/file"
run store add /srv "$stores/file"
like "$status $err" "1 .*cannot use as a store .*the file has other contents, which would be lost\. Name another file, or say --force" \
	"other contents are not overwritten"
is "$(cat "$stores/file")" precious "they are as they were"
head -c 4096 "$stores/srv" | tr c k >"$stores/damaged"
run store add /srv "$stores/damaged"
like "$status $err" "1 .*the file has other contents" "a damaged header is none"
run store add /srv "$stores/file" --force --initial 4M
is "$status $(stat -c %s "$stores/file")" "0 $((5 << 20))" "--force overwrites"
: >"$conf"
: >"$stores/empty"
run store add /srv "$stores/empty" --initial 4M
is "$status $(head -c 8 "$stores/empty")" "0 shadowst" "an empty file is as none"
: >"$conf"

ln -s srv "$stores/link"
run store add /srv "$stores/link"
like "$status $err" "1 .*it is a symbolic link\. Name the file that it leads to" "a link"
ln "$stores/srv" "$stores/other-name"
run store add /srv "$stores/srv"
like "$status $err" "1 .*it has another name besides" "a file with two names"
rm "$stores/other-name"
mkfifo "$stores/fifo"
run store add /srv "$stores/fifo"
like "$status $err" "1 .*neither a regular file nor a directory nor a block device" "a pipe"
run store add /srv "$stores/none/srv"
like "$status $err" "1 .*find the directory of the store.*Make the directory first" "no directory"
run store add /srv /dev/nowhere
like "$status $err" "1 .*there is no such block device" "below /dev nothing is made"
is "$(ls /dev/nowhere 2>/dev/null)" "" "really"
mkdir -m 0777 "$scratch/open"
run store add /srv "$scratch/open/srv"
like "$status $err" "1 .*others than root may write to the directory $scratch/open \(mode 0777\)" \
	"a directory that others can write to"
mkdir -m 0755 "$scratch/open/below"
run store add /srv "$scratch/open/below/srv"
like "$status $err" "1 .*may write to the directory $scratch/open \(mode" "nor one in such a one"
chmod 1777 "$scratch/open"
run store add /srv "$scratch/open/below/srv" --initial 4M
is "$status" 0 "but with the sticky bit"
: >"$conf"
if [ "$owner" -eq 0 ]; then
	mkdir "$scratch/theirs"
	chown 12345 "$scratch/theirs"
	run store add /srv "$scratch/theirs/srv"
	like "$status $err" "1 .*the directory $scratch/theirs belongs to user 12345" \
		"a directory of somebody else"
	run create /srv --quiet --store "$scratch/theirs/" --initial 4M
	like "$status $err" "1 .*the directory $scratch/theirs belongs to user 12345" \
		"not for a file without a name either, as it could be another filesystem's soon"
	cp "$stores/srv" "$stores/theirs"
	chown 12345 "$stores/theirs"
	run store add /srv "$stores/theirs"
	like "$status $err" "1 .*it belongs to user 12345" "a file of somebody else"
fi
run store add /srv "$stores/new" --initial 2M
like "$status $err" "1 .*a store has 4M at least" "too small (E-16)"
run store add /srv "$stores/new" --initial 2G --max 1G
like "$status $err" "1 .*its initial size is more than its maximum" "larger than its maximum"
run store add /srv "$stores/new" --max 0
is "$status" 2 "of no size"
run store add /srv "$stores/new" --max 1.5G
like "$status $err" "2 .*it has a fraction" "of half a size"
run store add /srv memory --initial 8M
like "$status $err" "2 .*only a file has an initial size" "memory has no initial size"
run store add /srv memory --max unlimited
is "$status" 2 "nor no limit"
exec {lock}<"$stores/srv"
flock "$lock"
run store add /srv "$stores/srv"
like "$status $err" "1 .*the file is in use, as a store or for swapping" "a store that is in use"
exec {lock}<&-
is "$(ls "$stores/new" 2>/dev/null; cat "$conf")" "" "nothing of these is left"

tags vdc 4444 - ext4
run store add /srv /dev/vdc
like "$status $err" "1 .*in use \(mounted at /data\)" "a device that is mounted"
cp "$FAKE_SYSROOT/proc/self/mountinfo" "$scratch/mounted"
sed -i '/\/data /d' "$FAKE_SYSROOT/proc/self/mountinfo"
run store add /srv /dev/vdc
like "$status $err" "1 .*there is something on it \(ext4\), which would be lost.*--force" \
	"a device with a filesystem"
cp "$scratch/mounted" "$FAKE_SYSROOT/proc/self/mountinfo"
run store add /srv /dev/vdd
like "$status $err" "0 .*/dev/vdd has no name that lasts" "a device without a lasting name"
: >"$conf"
run store add '*' "$stores/x"
like "$status $err" "1 .*what is for all volumes \(\*\) is memory or a directory" \
	"a file for all volumes"
run store add '*' "$stores"
is "$status $(sed -n '$s/ *$//p' "$conf")" \
	"0 $(printf '%-41s %s' '*' "$stores/")" "a directory for all"
is "$(chosen /srv)" "$stores/ default" "it is chosen"
run create /srv --quiet
is "$status $(find "$stores" -newer "$conf" -type f)" "0 " "its files have no names"
run delete --all

# What is made for a shadow that cannot be made goes again.
FAKE_FAIL="22 16 7 25 254 2" run create /srv --store "$stores/made" --initial 4M
is "$status $(ls "$stores/made" 2>/dev/null)" "1 " "a failure leaves no file behind"
is "$(find "$FAKE_SYSROOT/var/lib/shadowcopy/stores" -lname "$stores/made")" "" "nor a note of it"
run create /srv --store "$stores/made" --initial 4M --quiet
is "$status $(stat -c %s "$stores/made")" "0 $((5 << 20))" "a file that was named stays"

# --- list, policy, remove ---------------------------------------------------------------

new_machine
rm -rf "$stores"
mkdir -m 0755 "$stores"
run store
is "$status $(wc -l <<<"$out")" "0 1" "store list of nothing"
for arguments in "/srv $stores/srv --max 1G --initial 8M" "/srv memory" "/home /dev/vdd"; do
	# shellcheck disable=SC2086 # words
	run store add $arguments
done
run create /home --quiet
run create / --store /dev/vdc --quiet
run store list --json
is "$(parse '[.stores[] | "\(.volume) \(.store) \(.kind) \(.associated) \(.in_use) \(.limit)"] | join(", ")')" \
	"UUID=3333-cccc $stores/srv file true false 1G, UUID=3333-cccc memory memory true false null, \
UUID=2222-bbbb /dev/vdd device true true null, /dev/vda1 /dev/vdc device false true null" \
	"associated ones, and those in use (E-04)"
run store list /home --json
is "$(parse '.stores | length')" 1 "those of a volume"
run store list / /home
is "$status" 2 "or of two"
FAKE_OPEN=2 run store list --json
is "$status $(parse '.stores | length')" "0 3" "without the module, what is associated"
run store gcc
like "$status $err" "2 .*no \"store gcc\"; did you mean \"gc\"" "store gcc"

run store policy /srv
is "$status $out" "0 evict" "the policy of who has none (E-08)"
run store policy /srv throttle --throttle 2.5
is "$status $(grep -c ' max=1G,initial=8M,policy=throttle,throttle=2.5$' "$conf")" "0 1" \
	"a policy is in the volume's first line"
run store policy /srv
is "$out" "throttle for 2.5 s" "and shown"
run store policy /srv fail-io --json
is "$(parse '"\(.policy) \(.throttle_ms)"')" "fail-io null" "another one"
run store policy /data fail-io
like "$status $err" "1 .*/dev/vdc has no association that could keep a policy.*store add" \
	"it needs an association"
run store policy /srv sometimes
like "$status $err" "2 .*there are evict, throttle and fail-io" "no such policy"
run store policy /srv evict --throttle 1
is "$status" 2 "evict takes no time"
run store policy /srv throttle --throttle 0
is "$status" 2 "throttle for no time"
sed -i '/3333-cccc/{/policy=/!s/$/ policy=fail-io/}' "$conf"
is "$(grep -c 'policy=fail-io' "$conf")" 2 "two lines may say the same policy"
run store policy /srv evict
is "$status $(grep -c policy= "$conf") $(grep -c policy=evict "$conf")" "0 1 1" \
	"another one is in one line only"
run store policy /srv
is "$status $out" "0 evict" "and holds"

run store remove /srv /dev/vdd
like "$status $err" "1 .*/dev/vdd is no store of /srv" "remove of another volume's store"
run store remove /srv "$stores/srv" --json
is "$status $(parse .file_deleted) $(ls "$stores")" "0 true " "remove deletes the file"
is "$(grep -c "$stores/srv" "$conf")" 0 "and the line"
run store add /srv "$stores/srv" --initial 4M
echo "precious" >"$stores/srv"
run store remove /srv "$stores/srv" --json
is "$status $(parse .file_deleted) $(cat "$stores/srv")" "0 false precious" \
	"but no file that is another one now"
run store remove /home vdd
like "$status $err" "1 .*it is the only part of the store" "not what the shadows have"
run delete --all
run store remove /home vdd
is "$status $(grep -c vdd "$conf")" "0 0" "by another name of the device"

# --- stores that are in use ---------------------------------------------------------------

# parts VOLUME: print the parts of its store: number, store, kind, maximum in MiB
parts() {
	run store list "$1" --json
	parse '[.stores[] | select(.in_use)] | sort_by(.part) | [.[] | "\(.part) \(.store) \(.kind) \(.max / 1048576 | floor)"] | join(", ")'
}

# lines: print the associations, without columns
lines() {
	grep -v '^#' "$conf" | tr -s ' ' | sed 's/ $//' | paste -sd,
}

new_machine
rm -rf "$stores"
mkdir -m 0755 "$stores"
space "$stores" 100000 50000
run create /srv --quiet --store memory:64M --store "$stores/a" --store "$stores/b" --initial 4M
is "$status" 0 "a shadow with a store of several parts"
is "$(parts /srv)" "0 memory memory 64, 1 $stores/a file 25000, 2 $stores/b file 25000" "it has them all"
run store list --json
is "$(parse '[.stores[] | "\(.state) \(.growth) \(.on_volume)"] | unique | join(", ")')" \
	"ready growing false, ready null false" "with their state"
run create /srv --quiet --store "$stores/a" --store "$stores/b"
is "$status" 0 "asked for again they are not made again"
run create /srv --quiet --store memory:64M
is "$status" 0 "nor with the size that they have"
run create /srv --quiet --store memory:65M
like "$status $err" "1 .*has shadows and with them a store already.*or give no size" "another size is refused"
run create /srv --quiet --store "$stores/a" --initial 64M
like "$status $err" "1 .*has shadows and with them a store already.*store resize.*or give no size" \
	"no size is set by the way"
run create /srv --quiet --store "$stores/a" --store "$stores/c"
like "$status $err" "1 .*has shadows and with them a store already.*store add" \
	"others are not added by the way"
run create /srv --quiet --store memory
is "$status" 0 "one of them is enough"
run delete --all
is "$(parts /srv)" "" "they go with the last shadow"
is "$(ls "$stores")" "a
b" "files that were named stay"
run create /srv --dry-run --store "$stores/a" --store /dev/vdb1
like "$status $err" "1 .*/dev/vdb1: the store lies on the volume" "each part is looked at"
FAKE_FAIL="7 16 5 14 254 2" run create /srv --store memory --store "$stores/c" --initial 4M
like "$status $err" "1 .*cannot add a part to the store of /dev/vdb1.*in use" "a part that fails"
is "$(parts /srv) $(cd "$stores" && echo *)" " a b" "fails all, and leaves nothing behind"

# add
rm -f "$stores"/*
run create /srv --quiet --store memory:64M
run store add /srv "$stores/a" --initial 4M --max 1G
is "$status $(parts /srv)" "0 0 memory memory 64, 1 $stores/a file 1024" \
	"store add adds a part to the store in use"
is "$(lines)" "UUID=3333-cccc $stores/a max=1G,initial=4M" "and writes the line"
run store add /srv "$stores/a"
like "$status $err" "1 .*line 3 says the same" "not twice"
FAKE_FAIL="7 16 5 14 254 2" run store add /srv "$stores/b" --initial 4M
is "$status $(ls "$stores") $(lines)" "1 a UUID=3333-cccc $stores/a max=1G,initial=4M" \
	"a failure leaves no file and no line"
sed -i "/^UUID/d" "$conf"
run store add /srv "$stores/a"
is "$status $(parts /srv)" "0 0 memory memory 64, 1 $stores/a file 1024" \
	"what is in use already gets its line"
echo "UUID=3333-cccc $stores/b max=2G,initial=8M,policy=throttle" >>"$conf"
run store add /srv "$stores/b" --initial 4M
is "$status $(parts /srv)" \
	"0 0 memory memory 64, 1 $stores/a file 1024, 2 $stores/b file 2048" \
	"and what has a line already is added, as that says"
is "$(lines)" "UUID=3333-cccc $stores/a,UUID=3333-cccc $stores/b max=2G,initial=4M,policy=throttle" \
	"which stays, with what is said now"

# resize
run store resize /srv "$stores/b" 512M --json
is "$status $(parse '"\(.max) \(.max_bytes) \(.part) \(.associated)"')" "0 512M $((512 << 20)) 2 true" \
	"store resize"
is "$(parts /srv)" "0 memory memory 64, 1 $stores/a file 1024, 2 $stores/b file 512" "of the part in use"
like "$(lines)" "$stores/b max=512M,initial=4M,policy=throttle$" "and of the line"
run store resize /srv 0 128M
is "$status $(parts /srv)" "0 0 memory memory 128, 1 $stores/a file 1024, 2 $stores/b file 512" \
	"by the number of the part, without a line"
run store resize /srv "$stores/b" 1%
is "$status $(parts /srv)" "0 0 memory memory 128, 1 $stores/a file 1024, 2 $stores/b file 1000" \
	"in per cent of the filesystem"
run store resize /srv "$stores/b" unlimited
like "$status $(parts /srv)" "0 .*2 $stores/b file 99999" "without a limit: all of that"
like "$(lines)" "$stores/b max=unlimited," "the line says it as it was said"
run store resize /srv memory unlimited
is "$status" 2 "memory has a limit"
run store resize /srv "$stores/b" 0
like "$status $err" "2 .*nothing could be stored in it.*store remove" "of no size"
run store resize /srv "$stores/none" 1G
like "$status $err" "1 .*$stores/none is no store of /srv" "what is no store"
run store resize /srv 7 1G
like "$status $err" "1 .*the store of /dev/vdb1 has no part 7" "nor a part"
FAKE_NO_ROOM=2 run store resize /srv "$stores/b" 8M --json
like "$status $err" "1 .*cannot change the size of part 2 of the store of /dev/vdb1.*the rest of the store has no room.*Give the store another part.*nothing was lost" \
	"no room for what is in it"
is "$(parse .error.reason)" store-full "with the reason of the module"
like "$(lines)" "$stores/b max=unlimited," "nothing was changed"
run store resize /home memory 1G
is "$status" 1 "of a volume without a store"
echo "UUID=2222-bbbb memory" >>"$conf"
run store resize /home memory 1G
is "$status" 0 "a line alone"
like "$(lines)" ",UUID=2222-bbbb memory max=1G$" "is changed"
FAKE_OPEN=2 run store resize /home memory 2G
is "$status" 0 "without the module, too"

# remove
FAKE_NO_ROOM=1 run store remove /srv "$stores/a"
like "$status $err" "1 .*cannot clear out part 1 of the store of /dev/vdb1.*no room" \
	"what cannot be cleared out is not removed"
like "$(lines)" "^UUID=3333-cccc $stores/a," "its line stays"
run store remove /srv "$stores/a" --json
is "$status $(parse '"\(.part) \(.moved) \(.file_deleted)"')" "0 1 1048576 true" "store remove clears out"
is "$(parts /srv) $(ls "$stores")" "0 memory memory 128, 2 $stores/b file 99999 b" "part and file are gone"
unlike "$(lines)" "$stores/a" "and the line"
run store remove /srv 0
is "$status $(parts /srv)" "0 2 $stores/b file 99999" "by its number, without a line"
run store remove /srv "$stores/b"
like "$status $err" "1 .*it is the only part of the store, and the volume has shadows.*Move it elsewhere with \"shadowadm store migrate\", or delete the shadows first" \
	"the last part stays as long as there are shadows"
like "$(lines)" "$stores/b" "and so does its line"
run store remove /srv memory
like "$status $err" "1 .*memory is no store of /srv" "what is no part any more"

# migrate
run store migrate /srv "$stores/b" "$stores/c" --initial 4M --json
is "$status $(parse '"\(.store) \(.moved) \(.cleared[0].store) \(.cleared[0].file_deleted)"')" \
	"0 $stores/c 1048576 $stores/b true" "store migrate"
is "$(parts /srv) $(ls "$stores")" "0 $stores/c file 25000 c" "the new part is there, the old one and its file gone"
is "$(lines)" "UUID=3333-cccc $stores/c initial=4M,policy=throttle,UUID=2222-bbbb memory max=2G" \
	"the line was replaced, the policy kept"
run store migrate /srv "$stores/b" "$stores/c"
is "$status $(parts /srv)" "0 0 $stores/c file 25000" "said again, all is as it should be"
run store migrate /srv "$stores/c" "$stores/c"
like "$status $err" "2 .*both the old and the new" "from one to the same"
run store migrate /srv "$stores/x" "$stores/d"
like "$status $err" "1 .*$stores/x is no store of" "from nowhere"
is "$(ls "$stores")" c "makes nothing"
run store migrate /srv "$stores/c"
is "$status" 2 "to nowhere"
run store migrate '*' memory "$stores/d"
is "$status" 2 "of all volumes"
FAKE_FAIL="7 16 5 14 254 2" run store migrate /srv "$stores/c" "$stores/d" --initial 4M
is "$status $(parts /srv) $(ls "$stores")" "1 0 $stores/c file 25000 c" "a new part that fails"
like "$(lines)" "^UUID=3333-cccc $stores/c" "changes nothing"
FAKE_NO_ROOM=0 run store migrate /srv "$stores/c" "$stores/d" --initial 4M
like "$status $err" "1 .*cannot clear out part 0.*no room" "no room in the new part"
is "$(parts /srv)" "0 $stores/c file 25000, 1 $stores/d file 25000" "both are there"
is "$(lines)" "UUID=3333-cccc $stores/d initial=4M,policy=throttle,UUID=2222-bbbb memory max=2G" \
	"the new one has the line"
run store migrate /srv "$stores/c" "$stores/d"
is "$status $(parts /srv) $(ls "$stores")" "0 1 $stores/d file 25000 d" "said again it goes on"
sed -i "s|$stores/d|$stores/c|" "$conf"
run store add /srv memory:64M
run store migrate --all /srv "$stores/d" --json
is "$status $(parse '[.cleared[].store] | join(" ")')" "0 memory $stores/c" \
	"--all: parts in use, and lines of others"
is "$(parts /srv)" "1 $stores/d file 25000" "one part is left"
is "$(lines)" "UUID=2222-bbbb memory max=2G,UUID=3333-cccc $stores/d policy=throttle" "and one line"
run store migrate /home memory "$stores/home" --initial 4M --max 1G
is "$status $(stat -c %s "$stores/home")" "0 $((5 << 20))" "of a volume without shadows"
like "$(lines)" "^UUID=2222-bbbb $stores/home max=1G,initial=4M," "the line is replaced"

# A signal ends it.  What the shell catches until it has become the program does not count.
run store add /srv memory:64M
FAKE_SLOW=1 "$shadowadm" store remove /srv memory --json >"$scratch/out" 2>"$scratch/err" &
pid=$!
for ((i = 0; i < 100; i++)); do
	caught=$(awk '$1 == "SigCgt:" { print $2 }' "/proc/$pid/status")
	[ "$(readlink "/proc/$pid/exe")" != "$(readlink -f "$BASH")" ] &&
		((0x${caught: -4} & 0x4000)) && break
	sleep 0.1
done
kill -TERM "$pid"
wait "$pid"
is "$? $(jq -r .error.errno "$scratch/out")" "1 EINTR" "a signal ends it"
like "$(cat "$scratch/err")" "cannot clear out part 0.*it was interrupted by a signal; 3 MiB of it were moved.*say it again to go on" \
	"and it is said what was moved"

# Files without a name are known by their filesystem.
new_machine
rm -rf "$stores" "$scratch/b"
mkdir -m 0755 "$stores" "$scratch/b"
space "$stores" 100000 50000
space "$scratch/b" 100000 50000
space "$scratch" 100000 50000
mounted vdd "$scratch" ext4
run create /srv --quiet --store "$stores" --initial 4M
is "$status $(parts /srv)" "0 0 $scratch/ file 25000" "a file without a name"
run store resize /srv "$scratch/b" 1G
is "$status $(parts /srv)" "0 0 $scratch/ file 1024" "is named by a directory of its filesystem"
run store add /srv "$scratch/named" --initial 4M
is "$status" 0 "a second one, with a name"
run store remove /srv "$scratch/"
is "$status$err $(parts /srv)" "0 1 $scratch/named file 25000" "is another"
run store migrate /srv "$scratch/named" "$stores/" --initial 4M
is "$status $(parts /srv) $(ls "$scratch/named" 2>/dev/null)" "0 0 $stores/ file 25000 " "and back"
run store list /srv --json
is "$(parse '.stores | length')" 1 "the line and the part are one"
run delete --all

# --- gc (E-12) -------------------------------------------------------------------------

new_machine
registry=$FAKE_SYSROOT/var/lib/shadowcopy/stores
rm -rf "$stores"
mkdir -m 0755 "$stores" "$scratch/elsewhere"
space "$stores" 100000 50000
space "$scratch/elsewhere" 100000 50000
files=(kept locked gone changed damaged linked exposed moved)
for name in "${files[@]}"; do
	run store add /srv "$stores/$name" --initial 4M
done
is "$(find "$registry" -type l | wc -l)" ${#files[@]} "stores to look for"
sed -i '/kept/!d' "$conf"
cp -a "$stores/gone" "$scratch/elsewhere/copy"
echo "precious" >"$stores/changed"
printf x | dd of="$stores/damaged" bs=1 seek=300 conv=notrunc status=none
ln "$stores/linked" "$scratch/elsewhere/second"
mkdir -m 0777 "$scratch/public"
mv "$stores/exposed" "$scratch/public/"
ln -s "$scratch/public/exposed" "$stores/exposed"
mv "$stores/moved" "$scratch/elsewhere/moved"
echo "somebody's" >"$stores/moved"
echo "not ours" >"$stores/innocent"
exec {lock}<"$stores/locked"
flock "$lock"

# files: a list of what is there
listing() {
	find "$stores" "$scratch/elsewhere" "$scratch/public" \( -type f -o -type l \) -printf '%P %s\n' |
		sort
}

before=$(listing)
run store gc --dry-run --json
is "$status $(parse '[.files[] | select(.kept == null) | "\(.path) \(.deleted)"] | join(" ")')" \
	"0 $stores/gone false" "gc --dry-run: one would go"
is "$(parse '.bytes')" $((5 << 20)) "with its size"
is "$(parse '[.files[] | select(.kept) | "\(.path | split("/") | last): \(.kept)"] | sort | join(", ")')" \
	"kept: associated with UUID=3333-cccc, linked: it has other names besides, locked: in use" \
	"others stay, and it is said why"
is "$(listing)" "$before" "nothing was deleted"
is "$(find "$registry" -type l | wc -l)" ${#files[@]} "nor forgotten"

echo 'nonsense' >>"$conf"
run store gc
like "$status $err" "1 .*stores.conf:2: it has a volume, but no store" \
	"nothing is deleted while an association cannot be read"
is "$(listing)" "$before" "really nothing"
sed -i '$d' "$conf"

run store gc
like "$status $out" "0 .*deleted $stores/gone \(5M, of UUID=3333-cccc\).*1 file deleted, 5M; 3 kept" "gc"
is "$(diff <(echo "$before") <(listing))" "$(diff <(echo "$before") <(grep -v '^gone ' <<<"$before"))" \
	"that one file is gone, and no other was touched"
exec {lock}<&-
run store gc --json
is "$(parse '[.files[] | select(.deleted) | .path] | join(" ")')" "$stores/locked" \
	"what is not in use any more goes"
run store gc --json
is "$(parse '[.files[] | select(.deleted)] | length')" 0 "gc again: nothing"

# What was not made here is found where somebody says that it is.
run store gc "$scratch/elsewhere" "$scratch/public" --json
is "$(parse '[.files[] | select(.deleted) | .path] | sort | join(" ")')" \
	"$scratch/elsewhere/copy $scratch/elsewhere/moved" \
	"of a directory all stores go, but what others could exchange"
is "$(cat "$stores/changed" "$stores/moved" "$stores/innocent")" "precious
somebody's
not ours" "files of others are as they were"
run store gc "$scratch/nowhere"
like "$status $err" "1 .*cannot look for stores in $scratch/nowhere" "no such directory"

done_testing
