# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of stores share: the oracle of the image tests, and looking at parts.

# shellcheck source=selftests/image/common.sh
. "${BASH_SOURCE[0]%/*}/../image/common.sh"
# shellcheck source=selftests/shadow.sh
. "${BASH_SOURCE[0]%/*}/../shadow.sh"

# store_file FILE MIB: make a file that can be a store
store_file() {
	rm -f "$1"
	fallocate -l "$2M" "$1"
	chmod 600 "$1"
}

# part VOLUME KEY [PART]: print what the list says of a part, by default the first
part() {
	parts list "$1" | grep -m 1 "part=${3:-}" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# overwrite DEVICE FIRST-MIB MIB: write something else, 1 MiB at a time
overwrite() {
	local at

	for ((at = $2; at < $2 + $3; at++)); do
		dd if=/dev/urandom of="$1" bs=1M count=1 seek="$at" oflag=direct conv=notrunc \
			status=none
	done
}

# swap_to FILE: what swapon does when the file looks like swap space
swap_to() {
	python3 -c '
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).swapon(sys.argv[1].encode(), 0):
    sys.exit(os.strerror(ctypes.get_errno()))' "$1"
}

# left_alone FILE: the kernel lets nobody change a file that is a store
left_alone() {
	local file=$1

	expect_fail 'Text file busy' truncate -s 0 "$file"
	expect_fail 'Text file busy' dd if=/dev/zero of="$file" bs=4k count=1 conv=notrunc
	expect_fail 'Text file busy' dd if=/dev/zero of="$file" bs=4k count=1 conv=notrunc oflag=direct
	expect_fail 'Text file busy' fallocate --punch-hole -o 0 -l 1M "$file"
	expect_fail 'Text file busy' fallocate --zero-range -o 0 -l 1M "$file"
	expect_fail 'Text file busy' fallocate --collapse-range -o 0 -l 1M "$file"
	expect_fail 'Operation not permitted' rm -f "$file"
	touch "$file.other"
	expect_fail 'Operation not permitted' mv -f "$file.other" "$file"
	rm "$file.other"
	expect_fail 'Device or resource busy' swap_to "$file"
	expect_fail 'busy' umount "$(dirname "$file")"
}

# is_free FILE: it can be changed and deleted again
is_free() {
	check "the file can be written" dd if=/dev/urandom of="$1" bs=1M count=2 conv=notrunc,fsync \
		status=none
	check "and read back" cmp -n 2097152 "$1" "$1"
	check "and truncated" truncate -s 1M "$1"
	check "and deleted" rm "$1"
}
