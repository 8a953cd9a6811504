#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: no set of two volumes shows a later write without an earlier one
# DISKS: a=32M b=32M
# TIMEOUT: 400

. "$(dirname "$0")/../lib.sh"

need_module
shadowadm volume track "$DISK_a" "$DISK_b"
result=$(run ora_order sets "$DISK_a" "$DISK_b" 200) || true
diag "$result"
like "$result" "sets=200 records=[0-9]+ bad=0" "200 sets are in order"
shadowadm list --json | jq -e '[.. | .uuid? // empty] == []' >/dev/null ||
	not_ok "they are all gone"
