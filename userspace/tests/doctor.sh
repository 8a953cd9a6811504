#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shadowadm doctor on recorded machines: each illness is found, named, and has
# a remedy.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"

shadowadm=${BUILD:?}/tests/shadowadm-fake
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
machine=$scratch/machine
kernel=6.1.0-test

# put FILE TEXT: a file of the machine
put() {
	mkdir -p "$machine/$(dirname "$1")"
	printf '%s\n' "$2" >"$machine/$1"
}

# A machine that has all it needs.
healthy() {
	rm -rf "$machine"
	put proc/sys/kernel/osrelease $kernel
	put proc/sys/kernel/ftrace_enabled 1
	put lib/modules/$kernel/modules.dep "kernel/x/shadowfax.ko:
updates/dkms/shadow.ko: kernel/y/other.ko"
	put lib/modules/$kernel/updates/dkms/shadow.ko ELF
	put lib/modules/$kernel/build/Makefile all:
	put boot/config-$kernel "CONFIG_MODULES=y
CONFIG_KALLSYMS=y
CONFIG_FUNCTION_TRACER=y
CONFIG_DYNAMIC_FTRACE=y
CONFIG_DYNAMIC_FTRACE_WITH_REGS=y"
	put sys/kernel/tracing/enabled_functions "schedule (1) R   tramp: 0x1 (x+0x0/0x1)"
	put sys/module/shadow/version 0.1.0
	put sys/kernel/security/lockdown "[none] integrity confidentiality"
	put run/udev/control ""
}

# examine: sets $out and $status
examine() {
	out=$("$shadowadm" doctor --json --sysroot "$machine" 2>&1)
	status=$?
}

# verdict CHECK: of the last examination
verdict() {
	jq -r --arg check "$1" '[.checks[] | select(.check == $check) | .verdict] | join(" ")' \
		<<<"$out"
}

# finds CHECK VERDICT STATUS REGEX DESC: examine, and find that
finds() {
	examine
	is "$(verdict "$1") $status" "$2 $3" "$5"
	like "$(jq -r --arg check "$1" '.checks[] | select(.check == $check) |
		"\(.detail) -> \(.remedy)"' <<<"$out")" "$4" "$5: what and what to do"
}

echo KTAP version 1

healthy
examine
is "$status $(jq -r .verdict <<<"$out")" "0 ok" "a healthy machine"
is "$(jq -r '[.checks[] | select(.verdict != "ok") | .check] | join(" ")' <<<"$out")" "" \
	"nothing to remark"
text=$("$shadowadm" doctor --sysroot "$machine")
like "$text" "0 failures, 0 warnings" "in words"

# What is supported is said in three places.
tree=$here/../..
# shellcheck source=selftests/vm/env.sh
series=$(. "$tree/selftests/vm/env.sh" && echo "$kernels")
conf=$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="^(\(.*\))\[^0-9\]"$/\1/p' "$tree/dkms.conf")
is "$(sed 's/\\//g; y/|/ /' <<<"$conf")" "$series" "dkms.conf has the kernels of the tests"
for one in $series; do
	put proc/sys/kernel/osrelease "$one.3-test"
	examine
	is "$(verdict kernel)" ok "Linux $one is supported"
done
any=${series% *}
any="${any// /, } or ${series##* }"
for one in 5.4.0 5.100.1 6.7.12-amd64 6.11.0 6.120.0 7.20.1 61.0.0; do
	put proc/sys/kernel/osrelease $one
	mkdir -p "$machine/lib/modules/$one"
	rm -rf "$machine/sys/module/shadow"
	finds kernel failure 1 "Linux $one is not supported.*DKMS passes it over.*boot Linux $any$" \
		"Linux $one is not"
done
is "$(verdict module-file) $(verdict headers) $(verdict signature)" "failure  " \
	"what cannot help is not looked at there"
is "$(jq -r '[.checks[] | select(.remedy) | .check] | join(" ")' <<<"$out")" "kernel" \
	"and nothing but another kernel is a remedy"
healthy
put proc/sys/kernel/osrelease 6.7.12
finds kernel warning 3 "6.7.12 is not supported.*by hand.*boot Linux" \
	"one that is not, with a module that somebody built"

healthy
rm -r "$machine/sys/module/shadow" "$machine/lib/modules/$kernel/modules.dep"
put boot/config-$kernel "# CONFIG_MODULES is not set
CONFIG_KALLSYMS=y
CONFIG_FUNCTION_TRACER=y
CONFIG_DYNAMIC_FTRACE=y
CONFIG_DYNAMIC_FTRACE_WITH_REGS=y"
finds modules failure 1 "built to load no modules.*CONFIG_MODULES" "a kernel without modules"
is "$(jq -r '[.checks[] | select(.remedy) | .check] | join(" ")' <<<"$out")" "modules" \
	"that is the only remedy"
is "$(jq -r '.checks[0].check' <<<"$out")" "modules" "and comes first"
is "$(grep -c CONFIG_MODULES <<<"$out")" 1 "and is said once"

healthy
rm -r "$machine/sys/module/shadow"
finds loaded warning 3 "not loaded.*modprobe shadow" "a module that is not loaded"
is "$(verdict module-file)" ok "though it is installed"
rm "$machine/lib/modules/$kernel/modules.dep"
finds module-file failure 1 "no module \"shadow\".*not recorded" \
	"a module that is not installed, and no more is known"
mkdir -p "$machine/usr/src"
finds module-file failure 1 "no module \"shadow\".*nor its source.*shadowcopy-dkms" \
	"a module that is not installed"
finds loaded warning 1 "not loaded -> null" "loading it is no remedy then"
put usr/src/shadowcopy-0.1.0/dkms.conf "PACKAGE_NAME=\"shadowcopy\"
BUILD_EXCLUSIVE_KERNEL=\"^(5\.10|6\.1)[^0-9]\""
finds module-file failure 1 "has its source, and did not build it.*dkms install shadowcopy/0.1.0 -k $kernel" \
	"one that DKMS did not build"
put var/lib/dkms/shadowcopy/0.1.0/build/make.log \
	"DKMS make.log for shadowcopy-0.1.0 for kernel 5.10.0-other (x86_64)"
finds module-file failure 1 "did not build it" "one that it failed to build for another kernel"
put var/lib/dkms/shadowcopy/0.1.0/build/make.log \
	"DKMS make.log for shadowcopy-0.1.0 for kernel $kernel (x86_64)"
finds module-file failure 1 "DKMS failed to build it.*/build/make.log, then .dkms install" \
	"one that it failed to build"
put var/lib/dkms/shadowcopy/0.1.0/build/make.log \
	"DKMS (dkms-3.2.2) make.log for shadowcopy/0.1.0 for kernel $kernel (x86_64)"
finds module-file failure 1 "DKMS failed to build it" "the same in the words of a later DKMS"
rm "$machine/lib/modules/$kernel/build/Makefile"
finds module-file failure 1 "without the kernel's headers.*apt install linux-headers-$kernel" \
	"one that cannot be built without headers"
put usr/src/shadowcopy-0.1.0/dkms.conf "PACKAGE_NAME=\"shadowcopy\"
BUILD_EXCLUSIVE_KERNEL=\"^(5\.10|6\.12)[^0-9]\""
finds module-file failure 1 "0.1.0 .*does not support kernel $kernel.*passes it over.*boot a kernel" \
	"one that does not support the kernel"
healthy
rm "$machine/lib/modules/$kernel/modules.dep"
finds module-file note 0 "gone after the next boot" "one that is loaded and not installed"
healthy
rm "$machine/lib/modules/$kernel/build/Makefile"
finds headers note 0 "no headers.*headers package" "no headers"

healthy
put boot/config-$kernel "# CONFIG_FUNCTION_TRACER is not set
CONFIG_MODULES=y
CONFIG_KALLSYMS=y
CONFIG_DYNAMIC_FTRACE=y
CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y"
finds config failure 1 "without CONFIG_FUNCTION_TRACER" "a kernel without the tracer"
put boot/config-$kernel "CONFIG_MODULES=y
CONFIG_KALLSYMS=y
CONFIG_FUNCTION_TRACER=y
CONFIG_DYNAMIC_FTRACE=y"
finds config failure 1 "without CONFIG_DYNAMIC_FTRACE_WITH_REGS and" \
	"a kernel whose tracer cannot divert"
put boot/config-$kernel "CONFIG_MODULES=y
CONFIG_KALLSYMS=y
CONFIG_FUNCTION_TRACER=y
CONFIG_DYNAMIC_FTRACE=y
CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y
CONFIG_ARM64_64K_PAGES=y"
finds config failure 1 "with CONFIG_ARM64_64K_PAGES.*pages of 4 KiB" "a kernel with large pages"
rm "$machine/boot/config-$kernel"
finds config note 0 "not found" "a kernel whose configuration is unknown"
put lib/modules/$kernel/config "CONFIG_MODULES=y
CONFIG_KALLSYMS=y
CONFIG_FUNCTION_TRACER=y
CONFIG_DYNAMIC_FTRACE=y
CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y"
finds config ok 0 "all that the hook needs" "a configuration beside the modules"

healthy
put proc/sys/kernel/ftrace_enabled 0
finds ftrace failure 1 "switched off.*sysctl kernel.ftrace_enabled=1" "function tracing off"
rm "$machine/proc/sys/kernel/ftrace_enabled"
finds ftrace failure 1 "no function tracer" "no function tracing"

healthy
put sys/kernel/tracing/enabled_functions \
	"submit_bio_noacct_nocheck (1) R I   tramp: 0x1 (a+0x0/0x1 [other])
submit_bio_noacct (1) R I   tramp: 0xffff (tracing_callback+0x0/0x90 [rival])"
finds hook failure 1 "rival.*unload" "a function held by another module"
put sys/kernel/tracing/enabled_functions \
	"submit_bio_noacct (1) R I P tramp: 0xffff (shadow_hook_call+0x0/0x90 [shadow])"
finds hook ok 0 "hooked by the module" "held by the module itself"
put sys/kernel/tracing/enabled_functions "submit_bio_noacct (1)     tramp: 0xffff (x+0x0/0x9)"
finds hook ok 0 "no harm" "traced only"
put sys/kernel/tracing/enabled_functions \
	"submit_bio_noacct_nocheck (1) R I   tramp: 0x1 (a+0x0/0x1 [other])"
finds hook ok 0 "is free" "another function held"
rm -r "$machine/sys/kernel/tracing"
finds hook note 0 "tracefs is not mounted" "tracefs not mounted"

healthy
mkdir "$machine/sys/module/dattobd"
finds others warning 3 "dattobd is loaded too" "another snapshot module"

healthy
put sys/kernel/security/lockdown "none [integrity] confidentiality"
finds signature ok 0 "locked down, and the module is loaded" "lockdown, loaded all the same"
rm -r "$machine/sys/module/shadow"
finds signature failure 1 "signed modules only .the kernel is locked down.*not signed.*mokutil" \
	"lockdown, and an unsigned module"
put sys/kernel/security/lockdown "[none] integrity confidentiality"
put sys/module/module/parameters/sig_enforce Y
finds signature failure 1 "module.sig_enforce is on.*not signed.*mokutil" \
	"signatures are enforced, and an unsigned module"
put sys/kernel/security/lockdown "none [integrity] confidentiality"
mkdir -p "$machine/sys/firmware/efi/efivars"
printf '\6\0\0\0\1' \
	>"$machine/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
finds signature failure 1 "Secure Boot" "Secure Boot is named"
printf 'ELF~Module signature appended~\n' >"$machine/lib/modules/$kernel/updates/dkms/shadow.ko"
finds signature note 3 "module is signed" "lockdown, and a signed module"
for packer in xz zstd gzip; do
	command -v $packer >/dev/null || continue
	case $packer in xz) suffix=xz ;; zstd) suffix=zst ;; gzip) suffix=gz ;; esac
	put lib/modules/$kernel/modules.dep "updates/dkms/shadow.ko.$suffix:"
	{ head -c 200000 /dev/zero; printf 'ELF~Module signature appended~\n'; } | $packer -c \
		>"$machine/lib/modules/$kernel/updates/dkms/shadow.ko.$suffix"
	finds signature note 3 "module is signed" "one that $packer compressed"
	$packer -c </dev/null >"$machine/lib/modules/$kernel/updates/dkms/shadow.ko.$suffix"
	finds signature failure 1 "not signed" "one that $packer compressed, not signed"
done

healthy
rm -r "$machine/sys/kernel/security"
finds signature ok 0 "unknown, and the module is loaded" "nothing is known of lockdown: it is loaded"
rm -r "$machine/sys/module/shadow"
finds signature note 3 "takes unsigned modules is unknown" "nothing is known of lockdown"
put sys/module/module/parameters/sig_enforce Y
finds signature failure 1 "sig_enforce is on.*not signed" "but signatures are enforced"
healthy
rm "$machine/sys/kernel/security/lockdown" && rm -r "$machine/sys/module/shadow"
put sys/kernel/security/lsm capability
finds signature ok 3 "takes unsigned modules" "a kernel that knows no lockdown"

healthy
rm -r "$machine/run"
finds udev note 0 "udev is not running" "no udev"

rm -rf "$machine"
mkdir "$machine"
examine
is "$status $(jq -r .verdict <<<"$out")" "1 failure" "an empty machine does not crash it"

done_testing
