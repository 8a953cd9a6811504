# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests share of changes that survive: persistent instants, a detaching, and what is in
# $RESULTS from one machine to the next.

# shellcheck source=selftests/changes/changes.sh
. "${BASH_SOURCE[0]%/*}/changes.sh"

# What was written, and which instants there are, are remembered where they survive.
cleanup remember

remember() {
	mkdir -p "$RESULTS/memory"
	cp "$SCRATCH"/written.* "$RESULTS/memory" 2>/dev/null || true
	printf '%s\n' "${UUID_OF[@]}" >"$RESULTS/memory/uuids"
	sync
}

# recall: what the machine before has remembered
recall() {
	mapfile -t UUID_OF <"$RESULTS/memory/uuids"
	cp "$RESULTS"/memory/written.* "$SCRATCH"
	find_images
}

# persistent: an instant, whose shadow is persistent
persistent() {
	local answer

	answer=$(holder --persistent "$ORIGIN" --store "$DISK_store" -- add hold take release keep print)
	IMAGE=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
	[ -b "$IMAGE" ] || fail "a shadow was made: $answer"
	settle
	IMAGE_OF+=("$IMAGE")
	UUID_OF+=("$(shadow "$IMAGE" uuid)")
	: >"$SCRATCH/written.$((${#UUID_OF[@]} - 1))"
}

# find_images: their numbers may be others now; none where a shadow is gone
find_images() {
	local n

	for ((n = 0; n < ${#UUID_OF[@]}; n++)); do
		IMAGE_OF[n]=$(shadowadm list --json | jq -r --arg u "${UUID_OF[n]}" \
			'.shadows[] | select(.uuid == $u) | .device')
	done
}

attach_store() {
	parts attach "$ORIGIN" "$DISK_store" >/dev/null
	settle
	find_images
}

detach_store() {
	settle
	parts detach "$ORIGIN" >/dev/null
}

# saved_is STATE: what "store check" says of what is saved
saved_is() {
	is "$(shadowadm store check "$DISK_store" --json 2>/dev/null | jq -r .changes.state)" "$1" \
		"store check says: $1"
}
