# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of full stores share: shadows with oracles of their own, taken
# while fio writes, and writes that wait or fail.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# SHOTS: the images that shot made; ORACLE[IMAGE]: a copy of the volume at its instant
SHOTS=()
declare -A ORACLE

# shot DEVICE BYTES: one more shadow, $IMAGE; the store of the first one has BYTES of
# memory, or is a device
shot() {
	local oracle=$SCRATCH/oracle.${#SHOTS[@]} store=memory:$2 answer

	[ ! -b "$2" ] || store=$2
	answer=$(holder --timeout 60000 "$1" --store "$store" -- add hold \
		"exec:dd if=$1 of=$oracle bs=1M iflag=direct status=none" take release keep print)
	[ ${#SHOTS[@]} -gt 0 ] || cleanup drop_all
	IMAGE=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
	[ -n "$IMAGE" ] || fail "a shadow was made: $answer"
	settle
	SHOTS+=("$IMAGE")
	# shellcheck disable=SC2034 # for the caller
	ORACLE[$IMAGE]=$oracle
}

# is_right IMAGE...: each shows its instant
is_right() {
	local image

	for image; do
		check "$image is what its volume was" ora_compare "$image" "${ORACLE[$image]}"
	done
}

# images: print those that exist, oldest first, and their states where it is not "created"
images() {
	shadowadm list --json | jq -r '[.shadows[] |
		if .state == "created" then .device else "\(.device):\(.state)" end] | join(" ")'
}

images_are() {
	[ "$(images)" = "$*" ]
}

# fio_under DEVICE OPTION...: random writes until fio_ends
fio_under() {
	local before

	before=$(volume_writes "$1")
	bg 110 fio --name=w --filename="$1" --direct=1 --rw=randwrite --bs=4k --norandommap \
		--ioengine=libaio --iodepth=4 --runtime=$((100 * ${SLOW:-1})) --time_based --randrepeat=0 \
		"${@:2}" --output="$SCRATCH/fio"
	FIO=$BG
	wait_for 30 has_written "$1" $((before + 20))
}

volume_writes() {
	local stat

	read -ra stat <"/sys/class/block/$(basename "$(readlink -f "$1")")/stat"
	echo "${stat[4]}"
}

has_written() {
	[ "$(volume_writes "$1")" -ge "$2" ]
}

# fio_ends: it was writing all the time, and saw no error
fio_ends() {
	check "fio writes still" kill -0 "$FIO"
	bg_stop "$FIO"
	check "and saw no error" grep -q 'err= 0' "$SCRATCH/fio"
}

# state_is DEVICE STATE
state_is() {
	[ "$(volume "$1" state)" = "$2" ]
}

# policy DEVICE POLICY
policy() {
	shadowadm volume policy "$@"
	is "$(shadowadm volume policy "$1")" "$2" "the policy is $2"
}

# of EVENT FILTER: print that of the events of that name
of() {
	jq -r "select(.event == \"$1\") | $2" "$EVENTS"
}

# uuids IMAGE...: print their UUIDs
uuids() {
	local image

	for image; do
		shadow "$image" uuid
	done
}

# waits PID: it still runs
waits() {
	kill -0 "$1" 2>/dev/null
}
