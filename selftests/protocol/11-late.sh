#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a writer that is there before the module is registered when that is loaded, and each time again

. "$(dirname "$0")/protocol.sh"

registered() {
	[ "$(shadowadm writer list --json | jq -r '.writers[].name')" = early ]
}

quietly rmmod shadow || :
bg 120 shadow-testwriter --name early --log "$SCRATCH/told"
wait_for 20 grep -q "early waiting" "$SCRATCH/told"
ok "it waits"
for ((i = 1; i <= 3; i++)); do
	need_module
	wait_for 20 registered
	ok "$i: it is registered"
	unload
done
need_module
wait_for 20 registered
coordinator
requester init-backup gather-metadata
is "$(answer 2 '.result.writers[0].name')" early "and can be told things"
