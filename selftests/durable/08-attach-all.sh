#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: "store attach --all" finds each durable store and its volume, whatever they are called now
# DISKS: a=32M b=48M c=32M d=32M astore=64M bstore=64M cstore=64M copy=64M
# TIMEOUT: 300

. "$(dirname "$0")/durable.sh"

mnt=$SCRATCH/mnt

# all STATUS [OPTION...]: attach what there is; $OUT, $ERR
all() {
	local wanted=$1 status=0

	shift
	OUT=$(shadowadm store attach --all "$@" 2>"$SCRATCH/err") || status=$?
	ERR=$(cat "$SCRATCH/err")
	is "$status" "$wanted" "store attach --all $* ends with $wanted"
	[ "$status" -eq "$wanted" ] || diag "$OUT $ERR"
	settle
}

# states: the JSON answer in a few words
states() {
	jq -r '[.stores[] | "\(.state) \(.volume) \(.shadows)"] | sort | join(", ")' <<<"$OUT"
}

# change DISK: a filesystem is mounted and written to
change() {
	mount_at "$1" "$mnt"
	fill "$mnt/file" 7 8
	umount_at "$mnt"
}

# same VOLUME ORACLE: its shadow is what the volume was
same() {
	local image

	image=$(shadowadm list --json "$1" | jq -r '.shadows[].device')
	is "$(checksum "$image")" "$(<"$RESULTS/$2")" "the shadow of $1 is what it was"
}

# late: the second volume, which is there only when its mapping is
late() {
	dm_linear late "$DISK_b" 2048
}

# spoil STORE: both copies of the header
spoil() {
	printf spoilt | tee >(dd of="$1" bs=1 seek=300 conv=notrunc,fsync status=none) |
		dd of="$1" bs=1 seek=$((65536 + 300)) conv=notrunc,fsync status=none
}

rm -f /etc/shadowcopy/stores.conf
need_module

if [ "$STAGE" -eq 0 ]; then
	all 0
	is "$OUT" "there is no store to attach" "a machine without a store"
	all 0 --json
	is "$(states)" "" "as JSON, too"
	late
	mkfs_on ext4 "$DISK_a"
	mkfs_on ext4 /dev/mapper/late
	fill "$DISK_c" 3
	for pair in "$DISK_a $DISK_astore" "/dev/mapper/late $DISK_bstore" "$DISK_c $DISK_cstore"; do
		read -r volume store <<<"$pair"
		checksum "$volume" >"$RESULTS/${volume##*/}"
		shadowadm create -q --persistent --no-free-space --store "$store" "$volume" >/dev/null
	done
	change "$DISK_a"
	change /dev/mapper/late
	fill "$DISK_c" 4
	all 0
	is "$(grep -c ': 1 shadow of .*, attached already$' <<<"$OUT")" 3 "what is attached is left alone"
	expect_fail 'does not go with --all' shadowadm store attach --all --lost
	expect_fail 'go with --all' shadowadm store attach "$DISK_a" --wait 3
	power_cut
fi

# -- a device that does not answer

dm_linear hangs "$DISK_b"
settle
dmsetup suspend hangs
started=$SECONDS
all 1 --timeout 3
check "a device that does not answer is not waited for" [ $((SECONDS - started)) -lt $((10 * ${SLOW:-1})) ]
like "$ERR" 'not done within 3.000 seconds' "and that is said"
dmsetup resume hangs
dm_remove hangs

# -- one with another name, one that comes later, one as it was

dm_linear renamed "$DISK_a"
settle
all 0 --volume /dev/mapper/renamed --json
is "$(states)" "attached /dev/mapper/renamed 1" "only the store of the volume that was named"
all 1 --json
is "$(states)" "attached $DISK_c 1, failed null 0, there /dev/mapper/renamed 1" \
	"one fails, and the others are attached"
like "$(jq -r '.stores[].error' <<<"$OUT")" \
	"no device here is the volume that it is the store of; that was dm-0, of 47M" "that of a volume that is not there"
bg 60 sh -c "sleep 3; dmsetup create late --table '0 $(($(sectors "$DISK_b") - 2048)) linear $DISK_b 2048'"
all 0 --wait 60
like "$OUT" "$DISK_bstore: 1 shadow of /dev/mapper/late is there again" "it is waited for"
same /dev/mapper/renamed "${DISK_a##*/}"
same /dev/mapper/late late
same "$DISK_c" "${DISK_c##*/}"

# -- what cannot be attached

shadowadm store detach -q /dev/mapper/renamed
shadowadm store detach -q /dev/mapper/late
shadowadm store detach -q "$DISK_c"
dm_remove renamed
change "$DISK_a"
all 1 --json
is "$(states)" "attached /dev/mapper/late 1, attached $DISK_c 1, failed $DISK_a 0" \
	"a volume that was written meanwhile is refused, and no other one"
like "$(jq -r '.stores[].error' <<<"$OUT")" 'was written by somebody else since.*--lost' "with the reason"

shadowadm store detach -q /dev/mapper/late
dd if="$DISK_bstore" of="$DISK_copy" bs=1M oflag=direct conv=fsync status=none
all 1 --volume /dev/mapper/late --json
is "$(states)" "failed null 0, failed null 0" "of two copies of a store none is attached"
all 1
like "$ERR" "$DISK_bstore: the same store is on $DISK_copy as well" "which is said"
like "$ERR" "$DISK_copy: the same store is on $DISK_bstore as well" "of both"
dd if=/dev/zero of="$DISK_copy" bs=1M count=1 oflag=direct conv=fsync status=none

spoil "$DISK_bstore"
all 1
like "$ERR" "$DISK_bstore: the store cannot be attached: its header is not whole; .*store check" "one that is damaged is not"
dd if=/dev/zero of="$DISK_bstore" bs=1M count=1 oflag=direct conv=fsync status=none

# -- two volumes that begin alike

shadowadm store detach -q "$DISK_c"
dd if="$DISK_c" of="$DISK_d" bs=1M oflag=direct conv=fsync status=none
all 1
like "$OUT" "$DISK_cstore: 1 shadow of $DISK_c is there again" "of two that are alike the one with the name that it had"
shadowadm store detach -q "$DISK_c"
dm_linear one "$DISK_c"
dm_linear two "$DISK_d"
settle
all 1
like "$ERR" "it can be the store of 2 volumes, which begin alike: /dev/mapper/one, /dev/mapper/two" "none is taken where no name tells"
echo "/dev/mapper/two $DISK_cstore" >/etc/shadowcopy/stores.conf
all 1
like "$OUT" "$DISK_cstore: 1 shadow of /dev/mapper/two is there again" "but by stores.conf"
shadowadm store detach -q /dev/mapper/two
all 0 --volume /dev/mapper/one
like "$OUT" "$DISK_cstore: 1 shadow of /dev/mapper/one is there again" "or if it was named"
same /dev/mapper/one "${DISK_c##*/}"

settle
shadowadm store detach -q /dev/mapper/one

# -- what is waited for

# waits STATUS LINE [OPTION...]: how long it takes with this line in stores.conf
waits() {
	local started=$SECONDS

	echo "$2" >/etc/shadowcopy/stores.conf
	all "$1" --wait 30 "${@:3}"
	WAITED=$((SECONDS - started))
}

fill /dev/mapper/two 9
dd if=/dev/zero of="$DISK_astore" bs=1M count=1 oflag=direct conv=fsync status=none
for line in "/srv $DISK_copy" "/dev/mapper/one /srv/stores/" "/dev/mapper/none /dev/mapper/neither" \
	"/dev/mapper/one memory"; do
	waits 0 "$line"
	check "nothing is missing: $line" [ $WAITED -lt 25 ]
	shadowadm store detach -q /dev/mapper/one
done
waits 0 "/dev/mapper/two /dev/mapper/none" --volume /dev/mapper/one
check "another volume's store is not waited for" [ $WAITED -lt 25 ]
shadowadm store detach -q /dev/mapper/one
waits 0 "/dev/mapper/one /dev/mapper/none"
check "one of two that are associated is waited for" [ $WAITED -ge 30 ]
shadowadm store detach -q /dev/mapper/one
for name in one two late; do
	dm_remove $name
done
unload
