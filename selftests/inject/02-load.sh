#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: each allocation while the module is loaded fails, and nothing is left of it
# KARGS: kmemleak=on
# TIMEOUT: 900
# EXPECT_LOG: Call Trace

. "$(dirname "$0")/inject.sh"

declare -A failed base

# load_and_unload: where the kernel put the module it will put it again, if nothing
# else came in between
load_and_unload() {
	insmod "$KO"
	base[.text]=$(section .text)
	base[.init.text]=$(section .init.text)
	rmmod shadow
}

need_injection
sites | at_load >"$SCRATCH/sites"
while read -r section offset site callee; do
	load_and_unload
	arm "$(at "${base[$section]}" "$offset")" "$(at "${base[$section]}" $((offset + 1)))"
	said="loaded all the same"
	insmod "$KO" 2>"$SCRATCH/said" || said=$(<"$SCRATCH/said")
	fired=$(disarm)
	diag "$site $callee: failed $fired times, $said"
	[ "$fired" = 0 ] || failed[$site]=1
	[ ! -d /sys/module/shadow ] || rmmod shadow
done <"$SCRATCH/sites"
all_failed "$SCRATCH/sites"
need_module
unload_clean
