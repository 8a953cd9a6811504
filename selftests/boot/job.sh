#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a machine that was booted from its own disk: what is done in each life of it.  The
# kernel's command line says boot.stage=N and boot.sets=N; the answer goes to the second serial
# port, in KTAP's words.
#
# The disks: root, data, the stores of both, and the oracles: what each volume was at the instant
# of each set, one after the other, as they were read while the set was held.

set -uo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

root=/dev/vda data=/dev/vdb root_store=/dev/vdc data_store=/dev/vdd oracle=/dev/vde
mib=1048576
exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 -onlcr

word() {
	sed -n "s/.*$1=\([0-9]*\).*/\1/p" /proc/cmdline
}

stage=$(word boot.stage)
sets=$(word boot.sets)
root_bytes=$(blockdev --getsize64 $root)
data_bytes=$(blockdev --getsize64 $data)

check() {
	local text=$1

	shift
	if "$@"; then
		echo "ok $text"
	else
		echo "not ok $text"
		echo "# $*"
	fi
}

is() {
	check "$3" [ "$1" = "$2" ]
	[ "$1" = "$2" ] || printf '# got    %s\n# wanted %s\n' "$1" "$2"
}

# offset SET VOLUME: where its oracle is
offset() {
	local at=$(($1 * (root_bytes + data_bytes)))

	[ "$2" = $root ] || at=$((at + root_bytes))
	echo $at
}

# copy SET VOLUME: a command that makes its oracle
copy() {
	echo "dd if=$2 of=$oracle bs=1M seek=$(($(offset "$1" "$2") / mib)) iflag=direct" \
		"oflag=direct conv=notrunc,sparse status=none"
}

# images VOLUME: its shadows, oldest first
images() {
	shadowadm list --bytes --noheadings -o CREATED,DEVICE,VOLUME | sort |
		awk -v volume="${1#/dev/}" '$NF == volume { print $(NF - 1) }'
}

# equal IMAGE OFFSET BYTES: is it what the oracle has from there on?  Read past the cache, in which a
# filesystem that is mounted from it read-only may have changed its own blocks, never to be written.
equal() {
	dd if="$1" bs=1M iflag=direct status=none | cmp -n "$3" -i "0:$2" - $oracle
}

# same VOLUME SET...: its shadows are those of these sets
same() {
	local volume=$1 set n=0 bytes
	local -a found

	shift
	mapfile -t found < <(images "$volume")
	is ${#found[@]} $# "$volume has $# shadows"
	bytes=$(blockdev --getsize64 "$volume")
	for set; do
		check "the shadow of $volume of set $set is what the volume was" \
			equal "${found[n]}" "$(offset "$set" "$volume")" "$bytes"
		n=$((n + 1))
	done
}

# take SET: of both at one instant
take() {
	check "set $1 is made" holder --timeout 120000 --persistent \
		$data --store $data_store --freeze $root --store $root_store --freeze -- \
		add hold "exec:$(copy "$1" $root)" "exec:$(copy "$1" $data)" take release keep
	udevadm settle --timeout=20
}

# change SEED: files come, are overwritten and go, on both
change() {
	local dir

	for dir in /var/tmp /srv; do
		head -c 3M /dev/urandom >"$dir/busy"
		head -c 1M /dev/urandom >"$dir/$(($1 % 3))"
		cp -r /etc "$dir/etc-$1"
		rm -rf "$dir/etc-$(($1 - 2))"
	done
	sync
}

# series FROM TO: the sets from one to before another
series() {
	seq "$1" "$(($2 - 1))"
}

# uuid IMAGE
uuid() {
	shadowadm list --noheadings -o DEVICE,UUID | sed -n "s,^$1 *,,p"
}

# keep_base VOLUME: its oldest shadow
keep_base() {
	check "the oldest shadow of $1 is kept as a base" delta keep "$(uuid "$(images "$1" | head -n 1)")"
}

# tracking VOLUME: why nothing older is known, and how many bases there are
tracking() {
	delta tracking "$(lsblk -dno MAJ:MIN "$1" | tr -d ' ')" | cut -d ' ' -f 1-2
}

# changed VOLUME SET SINCE: all that differs between the images of the two sets has changed, and not
# all of the volume has
changed() {
	local -a found
	local bytes

	mapfile -t found < <(images "$1")
	check "what of $1 differs between sets $3 and $2 has changed" delta check \
		"${found[$3]}" "${found[$2]}" "$(uuid "${found[$3]}")" "$(uuid "${found[$2]}")"
	bytes=$(delta runs C "$(uuid "${found[$2]}")" "$(uuid "${found[$3]}")" |
		awk '{ n += $2 } END { print n + 0 }')
	check "$bytes bytes are, and not all" \
		[ "$bytes" -gt 0 -a "$bytes" -lt $(($(blockdev --getsize64 "$1") / 2)) ]
}

# expose2: the oldest and the newest shadow at directories
expose2() {
	local oldest newest

	oldest=$(images $data | head -n 1)
	newest=$(images $root | tail -n 1)
	mkdir -p "/mnt/old data" /mnt/root /mnt/full/file
	check "a shadow is exposed" shadowadm expose -q "$oldest" "/mnt/old data"
	check "another one" shadowadm expose -q "$newest" /mnt/root
	expose_fails "$oldest" /mnt/full 'is exposed at /mnt/old data already'
	expose_fails "$(images $data | tail -n 1)" /mnt/full 'the directory is not empty'
	expose_fails "$(images $data | tail -n 1)" /mnt/root 'something is mounted there already'
}

# expose3: they are there again; they are not deleted; then they go
expose3() {
	local oldest

	oldest=$(images $data | head -n 1)
	check "it is mounted after a boot" wait_for_mount "/mnt/old data"
	check "so is the other one" wait_for_mount /mnt/root
	is "$(findmnt -nro SOURCE "/mnt/old data")" "$oldest" "it is the same shadow"
	for option in ro nosuid nodev; do
		check "with $option" grep -q "\b$option\b" <(findmnt -nro OPTIONS "/mnt/old data")
	done
	check "an old file is in it" [ -x /mnt/root/usr/local/sbin/boot-job ]
	is "$(shadowadm list --noheadings -o DEVICE,EXPOSED | sed -n "s,^$oldest *,,p")" \
		"/mnt/old data" "list shows where"
	check "it is not deleted" grep -q 'it is exposed at /mnt/old data' \
		<(shadowadm delete "$oldest" 2>&1)
	check "it is exposed no longer" shadowadm unexpose -q "/mnt/old data"
	check "so is the other one" shadowadm unexpose -q "$(images $root | tail -n 1)"
	is "$(findmnt -nro TARGET | grep ^/mnt)$(find /etc/systemd/system -name 'mnt-*')" "" \
		"nothing is left"
	check "then it is deleted" shadowadm delete -q "$oldest"
}

# expose_fails IMAGE DIRECTORY WORDS
expose_fails() {
	check "it is refused: $3" grep -q "$3" <(shadowadm expose "$1" "$2" 2>&1)
}

wait_for_mount() {
	local n

	for ((n = 0; n < 100; n++)); do
		! mountpoint -q "$1" || return 0
		sleep 0.2
	done
	return 1
}

half=$((sets / 2))
echo "# stage $stage: $(uname -r), $(findmnt -nro SOURCE,FSTYPE,OPTIONS /)"
check "no unit has failed but ours" \
	[ -z "$(systemctl list-units --failed --plain --no-legend | grep -v shadowcopy-attach)" ]
check "the data are mounted" mountpoint -q /srv
dmesg | grep -i shadow | sed 's/^/# /'

case $stage in
0)
	is "$(systemctl is-active shadowcopy-attach)" active "nothing to attach is no failure"
	check "the module is not loaded without need" [ ! -d /sys/module/shadow ]
	for n in $(series 0 $half); do
		take "$n"
		change "$n"
	done
	# shellcheck disable=SC2046 # numbers
	same $root $(series 0 $half)
	# shellcheck disable=SC2046
	same $data $(series 0 $half)
	keep_base $root
	keep_base $data
	;;
1)
	# shellcheck disable=SC2046
	same $root $(series 0 $half)
	# shellcheck disable=SC2046
	same $data $(series 0 $half)
	is "$(tracking $root), $(tracking $data)" "1 1, 1 1" "the bases of both are known after a reboot"
	for n in $(series $half "$sets"); do
		take "$n"
		change "$n"
	done
	for n in $root $data; do
		changed "$n" $half $((half - 1))
		changed "$n" $half 0
	done
	while :; do change 1; done &
	sleep 5
	echo
	echo CUT
	sleep 60
	;;
2 | 3)
	# shellcheck disable=SC2046
	same $root $(series 0 "$sets")
	# shellcheck disable=SC2046
	same $data $(series 0 "$sets")
	is "$(tracking $root), $(tracking $data)" "3 0, 3 0" "what has changed is not known after a loss of power"
	change $((stage + 20))
	"expose$stage"
	;;
4)
	# The kernel does not load the module.
	is "$(images $root)" "" "without the module there are no shadows"
	is "$(systemctl is-failed shadowcopy-attach)" failed "a unit has failed, and the boot went on"
	check "the journal says why" grep -q 'module' <(journalctl -b -u shadowcopy-attach)
	change 30
	;;
5)
	is "$(images $root) $(images $data)" " " "shadows that miss what was written are not shown"
	is "$(systemctl is-failed shadowcopy-attach)" failed "the unit has failed, and the boot went on"
	check "the journal says why, of the data" \
		grep -q 'written by somebody else' <(journalctl -b -u shadowcopy-attach)
	check "and of the root filesystem, from the initramfs" \
		grep -q 'shadowcopy:.*written by somebody else' <(journalctl -b -k)
	;;
esac
echo
echo END
systemctl --no-block "$([ "$stage" = 5 ] && echo poweroff || echo reboot)"
