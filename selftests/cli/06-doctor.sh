#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: doctor: well is 0; a lost shadow, a full store are warnings; without the module it fails
# DISKS: a=32M b=32M

. "$(dirname "$0")/cli.sh"

# verdict CHECK: print what doctor --json thinks of it
verdict() {
	parse "[.checks[] | select(.check == \"$1\") | .verdict] | unique | join(\" \")"
}

adm 1 doctor
like "$OUT" "failure +module-file.*-> install the package" "without the module it says what to do"
need_module
cleanup drop_all
adm 0 doctor
like "$OUT" "0 failures, 0 warnings" "with it all is well"
adm 0 doctor --json
is "$(parse .verdict) $(verdict control) $(verdict lost)" "ok ok ok" "also as JSON"
is "$(parse '[.checks[] | keys[]] | unique | join(" ")')" "check detail remedy verdict" \
	"each check has its keys"

take "$DISK_a" --store memory:8M
lost=$IMAGE
shadowadm pin "$lost"
devio "$DISK_a" write:0:7m
adm 3 doctor --json
is "$(parse .verdict) $(verdict store)" "warning warning" "a store that is nearly full is a warning"
devio "$DISK_a" write:8m:7m
wait_for 20 lost_for "$lost" store-full
adm 3 doctor
like "$OUT" "warning +lost +$lost of .* is lost: the store was full.*-> make the store larger" \
	"so is a lost shadow, with a remedy"
drop "$lost"
adm 0 doctor
adm 1 mount 0 /
mkdir -p /etc/shadowcopy
echo '/srv memory max=1M' >/etc/shadowcopy/stores.conf
adm 1 doctor
like "$OUT" 'failure +associations +/etc/shadowcopy/stores.conf:1: max=1M: a store has 4M' \
	"a line that is wrong"
rm /etc/shadowcopy/stores.conf
adm 1 doctor --sysroot /nowhere
like "$ERR" '/nowhere: there is no such directory' "a machine that is not there"

setpriv --reuid=65534 --regid=65534 --clear-groups shadowadm doctor >"$SCRATCH/nobody" || true
like "$(cat "$SCRATCH/nobody")" "failure +root +this is user 65534.*-> run it as root" \
	"for others than root it is a failure"
unload
