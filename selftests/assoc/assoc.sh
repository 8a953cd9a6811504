# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of stores and associations share.

. "$(dirname "$0")/../cli/cli.sh"

CONF=/etc/shadowcopy/stores.conf
rm -f "$CONF"

# on TYPE NAME [OPTION...]: a filesystem on $DISK_NAME, mounted on $SCRATCH/NAME
on() {
	local type=$1 name=$2 disk=DISK_$2

	shift 2
	mkfs_on "$type" "${!disk}" "$@"
	mount_at "${!disk}" "$SCRATCH/$name"
	chmod 755 "$SCRATCH/$name"
}

# store FILTER: of the stores that "store list" shows
store() {
	shadowadm store list --json | jq -r ".stores[] | $1"
}

# forget: no association, no file
forget() {
	rm -f "$CONF"
	shadowadm store gc >/dev/null
}
