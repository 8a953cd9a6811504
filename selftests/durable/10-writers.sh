#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: persistent shadows with writers, of a script, and of a set that nobody has kept yet (H-04, H-20)
# DISKS: a=40M b=40M store=32M other=32M
# TIMEOUT: 400

. "$(dirname "$0")/../protocol/protocol.sh"

# mounted: the volumes
mounted() {
	mkdir -p "$SCRATCH/a" "$SCRATCH/b" "$SCRATCH/shadow"
	mount_at "$DISK_a" "$SCRATCH/a"
	mount_at "$DISK_b" "$SCRATCH/b"
}

# attached VOLUME STORE: what is said
attached() {
	shadowadm store attach "$1" --store "$2"
}

# file_of: what is in the only shadow
file_of() {
	settle
	shadowadm mount -q "$(shadowadm list --json | jq -r '.shadows[0].device')" "$SCRATCH/shadow"
	cat "$SCRATCH/shadow/file"
	shadowadm umount -q "$SCRATCH/shadow"
}

need_module
if [ "$STAGE" -eq 0 ]; then
	for disk in a b; do
		declare -n device=DISK_$disk
		mkfs_on ext4 "$device"
	done
	mounted
	echo old | tee "$SCRATCH/a/file" >"$SCRATCH/b/file"
	coordinator
	test_writer good
	run shadowadm create -q --writers --persistent "$SCRATCH/a" --store "$DISK_store"
	is "$(heard | head -n 1)" "good identify" "the writer was asked"
	is "$(shadowadm list --json | jq -r '.shadows[0].persistent')" true "it is persistent"
	expect_fail 'does not survive a reboot' \
		shadowadm create --writers --persistent "$SCRATCH/b" --store memory
	# Taken, and then neither kept nor given up: the machine stops first.
	bg 100 holder --persistent --auto-release "$DISK_b" --store "$DISK_other" -- \
		add hold take release pause
	wait_for 20 eval '[ "$(shadow_count)" -eq 2 ]'
	echo new | tee "$SCRATCH/a/file" >"$SCRATCH/b/file"
	sync
	power_cut
fi

if [ "$STAGE" -eq 1 ]; then
	like "$(attached "$DISK_a" "$DISK_store")" '^1 shadow of .* is there again' "the one with the writer is there"
	like "$(attached "$DISK_b" "$DISK_other")" '1 was not persistent, or not complete, and is gone' "the other one is not"
	mounted
	is "$(cat "$SCRATCH/a/file") $(file_of)" "new old" "it is what it was"
	drop_all
	# One that is kept after it was taken.
	holder --persistent --auto-release "$DISK_b" --store "$DISK_other" --freeze -- \
		add hold take release keep close
	echo newer >"$SCRATCH/b/file"
	# And one of a script: the association decides.
	coordinator
	run shadowadm store add "$SCRATCH/a" "$DISK_store" --force
	cat >"$SCRATCH/script" <<-END
		set context persistent
		add volume $SCRATCH/a alias one
		create
	END
	said=$(shadowadm script "$SCRATCH/script" 2>&1) || fail "the script: $said"
	is "$(grep -c 'not when the machine is started again' <<<"$said")" 0 "no warning"
	sync
	power_cut
fi

if [ "$STAGE" -eq 2 ]; then
	mkdir "$SCRATCH/shadow"
	run attached "$DISK_b" "$DISK_other"
	settle
	is "$(file_of)" new "what was kept is there"
	drop_all
	run attached "$DISK_a" "$DISK_store"
	mounted
	is "$(cat "$SCRATCH/b/file") $(file_of)" "newer new" "what the script has made is there"
	drop_all
	coordinator
	cat >"$SCRATCH/script" <<-END
		set context persistent nowriters
		add volume $SCRATCH/b alias one
		create
	END
	like "$(shadowadm script "$SCRATCH/script" 2>&1)" 'the store of .* is not durable' \
		"a script is told where they do not survive"
	is "$(shadowadm list --json | jq -r '.shadows[0].persistent')" false "and they do not"
	drop_all
fi
