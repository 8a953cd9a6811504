#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm hold: the copy that a command makes of a busy filesystem is clean and whole
# DISKS: a=64M copy=64M

. "$(dirname "$0")/hold.sh"

# Each file has its own checksum in its name, and gets it when it is complete.
busy() {
	local n

	for ((n = 0; ; n = (n + 1) % 200)); do
		head -c $((RANDOM * 2)) /dev/urandom >"$SCRATCH/mnt/new"
		sync "$SCRATCH/mnt/new"
		mv "$SCRATCH/mnt/new" "$SCRATCH/mnt/$n.$(sha256sum <"$SCRATCH/mnt/new" | cut -c 1-64)"
		rm -f "$SCRATCH/mnt/$(((n + 100) % 200))".*
	done
}

whole() {
	local file

	for file in "$1"/*.*; do
		[ "$(sha256sum <"$file" | cut -c 1-64)" = "${file##*.}" ] || return 1
	done
}

many_files() {
	[ "$(find "$SCRATCH/mnt" -name '*.*' | wc -l)" -ge 20 ]
}

# into_file FILE: with its standard output there
into_file() {
	timeout 20 shadowadm hold "$DISK_a" -- echo here >"$1"
}

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
export -f busy
export SCRATCH
bg 100 bash -c busy
busy=$BG
wait_for 20 many_files

status=0
# shellcheck disable=SC2016 # in the command
timeout 60 shadowadm hold "$SCRATCH/mnt" --timeout 50 --json -- sh -c '
	dd if="$1" of="$2" bs=1M iflag=direct oflag=direct status=none && cat "$3"/[0-9]*.* >/dev/null &&
	sleep 1 && dd if="$1" bs=1M iflag=direct status=none | cmp - "$2" && exit 42' \
	sh "$DISK_a" "$DISK_copy" "$SCRATCH/mnt" >"$SCRATCH/json" || status=$?
is "$status $(jq .exit_status "$SCRATCH/json")" "42 42" "the exit status is the command's"
check "it was held as long as that" [ "$(jq .gate_ns "$SCRATCH/json")" -gt 1000000000 ]
nothing_left
rm -f "$SCRATCH/mnt"/*.*
wait_for 20 many_files
ok "the filesystem is in use again"
bg_stop "$busy"

check "the copy has no journal to be replayed" \
	sh -c "! dumpe2fs -h '$DISK_copy' 2>/dev/null | grep -q needs_recovery"
check "it is clean" quietly e2fsck -fn "$DISK_copy"
mkdir "$SCRATCH/copy"
mount_at "$DISK_copy" "$SCRATCH/copy" -o ro
check "its files are whole" whole "$SCRATCH/copy"
umount_at "$SCRATCH/copy"

# What it runs, and where its output goes.
expect_fail 'standard output is a file on .*which is to be held' into_file "$SCRATCH/mnt/output"
check "but it can be one elsewhere" into_file "$SCRATCH/output"
expect_fail 'cannot run no-such-program' timeout 20 shadowadm hold "$DISK_a" -- no-such-program
cp "$(type -P true)" "$SCRATCH/mnt/true"
chmod +x "$SCRATCH/mnt/true"
echo 3 >/proc/sys/vm/drop_caches
check "a command is run from what is held" timeout 20 shadowadm hold "$DISK_a" -- "$SCRATCH/mnt/true"
check "it can be written to" timeout 10 touch "$SCRATCH/mnt/after"
nothing_left
umount_at "$SCRATCH/mnt"
unload
