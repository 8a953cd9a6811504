#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a durable store that is spoilt is refused and left as it is, or its shadows are right, or lost
# EXPECT_LOG: the store is damaged
# EXPECT_LOG: I/O error
# DISKS: origin=16M store=16M copy=16M a=16M b=16M other=16M
# TIMEOUT: 400

. "$(dirname "$0")/durable.sh"

volume=$DISK_origin
copy=$DISK_copy

# scatter FIRST LAST AT: blocks of the volume are written one after the other, a group of the log each
scatter() {
	local -a writes
	local i

	for ((i = $1; i <= $2; i++)); do
		writes+=("write:$((i * 128 + $3))k:4k")
	done
	devio "$volume" "${writes[@]}"
}

# fresh: the store as it was
fresh() {
	dm_remove unreadable
	dd if="$DISK_store" of="$DISK_copy" bs=1M iflag=direct oflag=direct status=none
	volume=$DISK_origin
	copy=$DISK_copy
}

# flip AT: a bit of the copy turns round
flip() {
	local byte

	byte=$(od -An -tu1 -j "$1" -N 1 "$DISK_copy")
	# shellcheck disable=SC2059 # a byte as an escape
	printf "\\x$(printf %02x $((byte ^ 1)))" |
		dd of="$DISK_copy" bs=1 seek="$1" conv=notrunc,fsync status=none
}

# zero AT: a block of the copy is zeros
zero() {
	dd if=/dev/zero of="$DISK_copy" bs=4k seek=$(($1 / 4096)) count=1 oflag=direct conv=notrunc status=none
}

# refused WHAT ERRNO REASON: it cannot be attached, and is not changed
refused() {
	local sum

	sum=$(checksum "$DISK_copy")
	diag "$1:"
	expect_fail "error=$2 phase=STORE reason=$3 " parts attach "$volume" "$copy"
	is "$(checksum "$DISK_copy") $(shadow_count)" "$sum 0" "$1: nothing has changed"
}

# right COUNT: so many shadows are there, the oldest ones, and are their oracles
right() {
	local -a oracles=("$DISK_a" "$DISK_b")

	equal "${oracles[@]:0:$1}"
}

detach() {
	settle
	parts detach "$volume" >/dev/null
	is "$(shadow_count)" 0 "no shadow is there any more"
}

# attached WHAT: it is as if nothing had been spoilt
attached() {
	is "$(parts attach "$volume" "$copy")" "shadows=2 lost=0 dropped=0" "$1: it can be attached"
	settle
	right 2
	detach
}

# lost WHAT: it is refused; it can be attached, and its shadows are lost
lost() {
	local sum

	sum=$(checksum "$DISK_copy")
	expect_fail "error=ESTALE phase=ATTACH reason=VOLUME_CHANGED" parts attach "$volume" "$copy"
	is "$(checksum "$DISK_copy")" "$sum" "$1: nothing has changed"
	is "$(parts attach "$volume" "$copy" lost)" "shadows=2 lost=2 dropped=0" "$1: it can be attached"
	settle
	is "$(shadowadm list --json | jq -r '[.shadows[] | .state, .reason] | unique | join(" ")')" \
		"lost volume-changed" "its shadows are lost, and say why"
	detach
}

# bearable WHAT: refused, or lost, or right
bearable() {
	local sum answer

	sum=$(checksum "$DISK_copy")
	if answer=$(parts attach "$volume" "$copy" 2>&1); then
		diag "$1: $answer"
		settle
		if [[ $answer =~ ^shadows=([0-2])\ lost=0 ]]; then
			right "${BASH_REMATCH[1]}"
		else
			like "$answer" "^shadows=(1 lost=1|2 lost=2) " "$1: its shadows are lost"
		fi
		detach
	else
		like "$answer" "error=EUCLEAN phase=STORE reason=STORE_DAMAGED" "$1: it is refused"
		is "$(checksum "$DISK_copy")" "$sum" "$1: nothing has changed"
	fi
}

# blocks NAME: print where the blocks of the log or of the dump lie, in their order
blocks() {
	disklog "$DISK_store" | sed -n "s/^$1 .* at=\([0-9]*\) .*/\1/p"
}

# ends NAME: print which of them, from 0 on, are the last ones of their segments
ends() {
	disklog "$DISK_store" | sed -n "/^$1 /p" | awk '/ left=1 / { print NR - 1 }'
}

# chain NAME: $at has where the blocks are, $end which of them end a segment
chain() {
	mapfile -t at < <(blocks "$1")
	mapfile -t end < <(ends "$1")
	diag "$1: ${#at[@]} blocks, ends of segments: ${end[*]}"
}

# unreadable START SECTORS: a part of the copy cannot be read
unreadable() {
	fresh
	dm_error unreadable "$DISK_copy" "$1" "$2"
	settle
	copy=/dev/mapper/unreadable
}

spoil_headers() {
	local i

	for i in 0 1; do
		fresh
		flip $((i * 65536 + 2000))
		attached "header $i is spoilt"
		fresh
		zero $((i * 65536))
		attached "header $i is gone"
	done
	unreadable 0 8
	attached "header 0 cannot be read"
	unreadable 128 8
	attached "header 1 cannot be read"
	unreadable 0 136
	refused "neither header can be read" EIO STORE_ERROR
	fresh
	flip 2000
	flip $((65536 + 2000))
	refused "both headers are spoilt" EUCLEAN STORE_DAMAGED
	fresh
	zero 0
	zero 65536
	refused "both headers are gone" EMEDIUMTYPE STORE_FORMAT
	fresh
	zero 0
	flip $((65536 + 2000))
	refused "one is spoilt, the other one gone" EUCLEAN STORE_DAMAGED
}

# In the middle: far from the end of the log, and from that of its segment.
spoil_middle() {
	local i

	for i in 0 1 $((end[0] / 2)) $((end[0] + 3)); do
		fresh
		flip $((at[i] + 100))
		refused "block $i is spoilt" EUCLEAN STORE_DAMAGED
		fresh
		zero "${at[i]}"
		refused "block $i is gone" EUCLEAN STORE_DAMAGED
	done
}

# What follows cannot be seen from there, or is what might have been under way.
spoil_ends() {
	local i n=${#at[@]}

	for i in $((end[0] - 1)) "${end[0]}" $((end[0] + 1)) $((n - 1)) $((n - 2)) $((n - 3)) \
		$((n - 4)); do
		fresh
		flip $((at[i] + 100))
		bearable "block $i is spoilt"
	done
	fresh
	zero "${at[n - 1]}"
	bearable "the last block is gone"
}

spoil_dump() {
	local i

	for i in 0 $((${#at[@]} - 1)); do
		fresh
		flip $((at[i] + 100))
		refused "block $i of the dump is spoilt" EUCLEAN STORE_DAMAGED
		fresh
		zero "${at[i]}"
		refused "block $i of the dump is gone" EUCLEAN STORE_DAMAGED
	done
}

other_devices() {
	fresh
	dm_linear short "$DISK_copy" 0 $(($(sectors "$DISK_copy") - 2048))
	copy=/dev/mapper/short
	refused "the device is shorter" EUCLEAN STORE_DAMAGED
	dm_remove short
	copy=$DISK_copy
	volume=$DISK_other
	lost "another volume"
	fresh
	dm_linear shrunk "$DISK_origin" 0 $(($(sectors "$DISK_origin") - 8))
	volume=/dev/mapper/shrunk
	lost "the volume has shrunk"
	dm_remove shrunk
	fresh
	attached "nothing is spoilt"
}

need_module
fill "$DISK_origin" 1
fill "$DISK_other" 2
shot "$DISK_a"
scatter 4 40 0
shot "$DISK_b"
scatter 4 120 64
devio "$DISK_origin" write:4k:4k	# as filesystems do it in the end
diag "$(parts log "$DISK_origin")"
detach
chain log
check "the log has several segments" [ "${#end[@]}" -ge 2 ]
spoil_headers
spoil_middle
spoil_ends
other_devices

# The same again with a dump.
attach 2
scatter 4 120 68
scatter 4 120 72
like "$(parts log "$DISK_origin")" "checkpoints=[1-9]" "the log was put together anew"
devio "$DISK_origin" write:4k:4k
detach
chain dump
check "there is a dump" [ "${#at[@]}" -ge 1 ]
spoil_headers
spoil_dump
other_devices
attach 2
drop_all
unload
