#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume that goes away while bases hold its store leaves the store, and the module can go
# DISKS: origin=48M store=96M other=48M
# TIMEOUT: 300

. "$(dirname "$0")/saved.sh"

need_module
fill "$ORIGIN" 1
persistent
operate write:1m:4k
delta keep "${UUID_OF[0]}"
drop "$IMAGE"
is "$(shadow_count)" 0 "there is no shadow"
expect_fail 'in use' rmmod shadow
expect_fail 'busy|bases' shadowadm volume untrack "$ORIGIN"

# The base has come from the store alone, which has no shadow in its log.
detach_store
attach_store
is "$(tracking | cut -d ' ' -f 2)" 1 "the base is there again"
expect_fail 'in use' rmmod shadow

unplug_disk "$ORIGIN"
no_volume() {
	[ "$(volume_count)" = 0 ]
}
wait_for 30 no_volume
wait_for 30 rmmod shadow
ok "the module is not held by what is gone"
is "$(shadowadm store check "$DISK_store" --json 2>/dev/null | jq -r '.verdict, .changes.state' | xargs)" \
	"sound unclean" "the store is there, and knows nothing of changes"
