# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of durable stores share: shadows that have an oracle on a disk of its own, which
# both survive the end of the machine.

# shellcheck source=selftests/image/common.sh
. "${BASH_SOURCE[0]%/*}/../image/common.sh"
# shellcheck source=selftests/shadow.sh
. "${BASH_SOURCE[0]%/*}/../shadow.sh"

# shot ORACLE [OPTION...]: a persistent shadow of the volume, and a copy made while it is held; $UUID
shot() {
	local oracle=$1 answer

	shift
	answer=$(holder --timeout 60000 --persistent "$DISK_origin" --store "$DISK_store" \
		--freeze "$@" -- add hold \
		"exec:dd if=$DISK_origin of=$oracle bs=1M iflag=direct oflag=direct conv=fsync status=none" \
		take release keep print)
	IMAGE=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
	[ -b "$IMAGE" ] || fail "a shadow was made: $answer"
	settle
}

# images: the device of each shadow, oldest first
images() {
	shadowadm list --json | jq -r '.shadows | sort_by(.created) | .[].device'
}

# attach SHADOWS [LOST [DROPPED]]: attach the store; so many are there, of which so many are lost
attach() {
	is "$(parts attach "$DISK_origin" "$DISK_store" ${2:+lost})" \
		"shadows=$1 lost=${2:-0} dropped=${3:-0}" "the store is attached"
	settle
}

# equal ORACLE...: the shadows, from the oldest on, are their oracles
equal() {
	local oracle n=0
	local -a found

	mapfile -t found < <(images)
	is "${#found[@]}" $# "$# shadows are there"
	for oracle; do
		check "shadow $n is its oracle" ora_compare "${found[n]}" "$oracle"
		n=$((n + 1))
	done
}
