# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of writable images share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# take_writable VOLUME... [OPTION...]: as take, and the images take writes
take_writable() {
	take "$@" --writable
}

# same_buffered A B: equal, as the page cache has them
same_buffered() {
	cmp -n "$(($(sectors "$1") * 512))" "$1" "$2"
}

# store_used DEVICE: print how many bytes of a volume's store are in use
store_used() {
	volume "$1" store_used
}

# sealed IMAGE...: seal, and see that it is so
sealed() {
	local image

	settle
	run shadowadm seal -q "$@"
	for image; do
		is "$(shadow "$image" '| "\(.writable) \(.sealed)"')" "false true" \
			"$image is sealed"
		is "$(blockdev --getro "$image")" 1 "$image is read-only"
		expect_fail 'Read-only file system' devio "$image" write:0:4k
	done
}

# keep_open IMAGE HOW: a process, $BG, has it open: '<' for reading, '<>' for writing too
keep_open() {
	local openers

	openers=$(shadow "$1" openers)
	bg 60 bash -c "exec 3$2\"\$1\"; exec sleep 50" open "$1"
	wait_for 10 more_openers "$1" "$openers"
}

more_openers() {
	[ "$(shadow "$1" openers)" -gt "$2" ]
}

unused() {
	[ "$(shadow "$1" openers)" -eq 0 ]
}

# written IMAGE BYTES: have so many been written?
written() {
	[ "$(shadow "$1" overlay)" -ge "$2" ]
}

deleting() {
	[ "$(shadow "$1" state)" = deleting ]
}

none_left() {
	[ "$(shadow_count)" -eq 0 ] && [ "$(volume_count)" -eq 0 ]
}
