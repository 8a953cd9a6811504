#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: clients of nbdkit's plugin choose shadows and hold them; a lost one fails reads, and says why
# DISKS: a=32M b=32M
# TIMEOUT: 240

. "$(dirname "$0")/nbd.sh"

# client FILE: read a block of $URI whenever there is a new line in FILE; what comes of it is in
# FILE.said
client() {
	cat >"$1.py" <<'END'
import errno, nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
print("connected", flush=True)
for line in open(sys.argv[2]):
    try:
        print(len(h.pread(4096, 8192)), flush=True)
    except nbd.Error as error:
        print(errno.errorcode[error.errnum], flush=True)
END
	mkfifo "$1"
	bg 150 /usr/bin/python3 "$1.py" "$URI" "$1" >"$1.said" 2>&1
	exec {lib_client}>"$1"
	wait_for 60 grep -q connected "$1.said"
}

# read_one FILE: have it read one, and print what came of it
read_one() {
	local before

	before=$(wc -l <"$1.said")
	echo >&"$lib_client"
	wait_for 60 more_than "$before" "$1.said"
	tail -n 1 "$1.said"
}

more_than() {
	[ "$(wc -l <"$2")" -gt "$1" ]
}

nobody_has() {
	[ "$(shadow "$1" openers)" = 0 ]
}

fill "$DISK_a" 1
fill "$DISK_b" 2
need_module
listen
serve
expect_fail 'No such file or directory' nbdinfo --size "$URI"
check "the log says that there is none" grep -q 'there are 0 shadows, and the client has named none' \
	"$SCRATCH/nbdkit"

# -- names

take "$DISK_a"
a=$IMAGE a_uuid=$(shadow "$IMAGE" uuid)
is "$(nbdinfo --json "$URI" | jq -r '.exports[0]."export-size"')" $((32 << 20)) \
	"who names none gets the only one"
take "$DISK_b" --store memory:4M
b=$IMAGE b_uuid=$(shadow "$IMAGE" uuid)
expect_fail 'No such file or directory' nbdinfo --size "$URI"
check "the log says that there are two" grep -q 'there are 2 shadows' "$SCRATCH/nbdkit"
nbdinfo --list --json "$URI" >"$SCRATCH/list"
is "$(jq -r '.exports[]."export-name"' "$SCRATCH/list" | sort)" "$(printf '%s\n' "$a_uuid" "$b_uuid" | sort)" \
	"all are listed"
like "$(jq -r --arg u "$b_uuid" '.exports[] | select(."export-name" == $u).description' "$SCRATCH/list")" \
	"^${DISK_b##*/} at 20.* UTC, $b\$" "with volume and instant"
for name in "${b##*/}" "${b#/dev/shadow}" "${b_uuid:0:8}" "$b_uuid"; do
	nbdcopy "$(export_uri "$name")" "$SCRATCH/copy"
	check "$name is the second one" is_image "$SCRATCH/copy" "$b"
done
expect_fail 'No such file or directory' nbdinfo --size "$(export_uri shadow77)"
expect_fail 'No such file or directory' nbdinfo --size "$(export_uri "$(shadow "$b" set)")"
check "nor is a set: the log says so" grep -q 'this is a set of shadows' "$SCRATCH/nbdkit"
stop_serving
serve shadow="$b"
is "$(nbdinfo --list --json "$URI" | jq -r '.exports[]."export-name"')" "$b_uuid" \
	"with shadow= it is the only one"
expect_fail 'No such file or directory' nbdinfo --size "$(export_uri "$a_uuid")"
check "the log says so" grep -q "only shadow $b_uuid is served here" "$SCRATCH/nbdkit"

# -- several at once

for i in 1 2 3; do
	bg 100 nbdcopy --connections=4 --request-size=65536 "$URI" "$SCRATCH/copy.$i"
	copies[i]=$BG
done
for i in 1 2 3; do
	check "copy $i of three at once" bg_wait "${copies[i]}"
	check "is the image" is_image "$SCRATCH/copy.$i" "$b"
	rm "$SCRATCH/copy.$i"
done

# -- a client holds it

client "$SCRATCH/client"
is "$(read_one "$SCRATCH/client")" 4096 "a client reads"
settle
is "$(shadow "$b" openers)" 1 "and has it open"
expect_fail 'cannot delete .*in use' shadowadm delete "$b"
exec {lib_client}>&-
wait_for 60 nobody_has "$b"
client2=$SCRATCH/client2
client "$client2"

# -- it is lost, as its store is full

fill "$DISK_b" 3
wait_for 20 lost_for "$b" store-full
is "$(read_one "$client2")" EIO "reads fail when it is lost"
check "the log says where" grep -q "cannot read ${DISK_b##*/} at .* at byte 8192: Input/output error" \
	"$SCRATCH/nbdkit"
expect_fail 'No such file or directory' nbdinfo --size "$URI"
check "who comes then is refused" grep -q "$b: the store was full" "$SCRATCH/nbdkit"
exec {lib_client}>&-
wait_for 60 quietly shadowadm delete "$b"
ok "without clients it can be deleted"
expect_fail 'No such file or directory' nbdinfo --size "$URI"
expect_fail 'no shadow and no set has this name' nbdkit -f -U "$SCRATCH/s" "$PLUGIN" "$b"
nbdcopy "nbd+unix:///?socket=$SOCKET" "$SCRATCH/copy" 2>/dev/null && not_ok "it is served still"
check "the server goes on" kill -0 "$SERVER"
stop_serving
check "nothing holds the other one" drop "$a"
