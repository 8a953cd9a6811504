# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests that make the kernel fail on purpose share: which calls of the module
# allocate something or submit a bio, and how each is made to fail.
#
# A call is known by the address it returns to.  The kernel lets an allocation, or
# a bio, fail if that address is on the stack: whatever the callee allocates on the
# way is meant, too.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

KO=$BUILT/kmod/shadow.ko
DEBUG=/sys/kernel/debug
ATTRIBUTES="failslab fail_page_alloc fail_make_request"

# need_injection [DISK...]: skip where the kernel cannot fail on purpose; what may
# fail are also allocations that wait, of any size, and bios of these disks
need_injection() {
	local attribute disk

	[ -e "$DEBUG/failslab/require-start" ] ||
		skip "no fault injection in this kernel; make check-debug has one"
	echo N >"$DEBUG/failslab/ignore-gfp-wait"
	echo N >"$DEBUG/fail_page_alloc/ignore-gfp-wait"
	echo N >"$DEBUG/fail_page_alloc/ignore-gfp-highmem"
	echo 0 >"$DEBUG/fail_page_alloc/min-order"
	for attribute in $ATTRIBUTES; do
		echo 0 >"$DEBUG/$attribute/probability"
		echo 1 >"$DEBUG/$attribute/interval"
		echo 0 >"$DEBUG/$attribute/verbose"
	done
	for disk; do
		echo 1 >"/sys/block/${disk##*/}/make-it-fail"
	done
}

# no_udev: no programs that look at each new device; they would only take time
no_udev() {
	udevadm settle --timeout=60
	udevadm control --stop-exec-queue
	cleanup 'udevadm control --start-exec-queue'
}

# names WHAT: print the pattern of functions that do it
names() {
	awk -v what="$1" '$1 == what { printf "%s%s", sep, $2; sep = "|" }' \
		"$TREE/selftests/inject/symbols"
}

# all_known: every function of the kernel that the module calls is in the list
all_known() {
	local unknown

	unknown=$(calls | awk '{ print $4 }' | sort -u |
		grep -vxE "$(names allocates)|$(names submits)|$(names harmless)" || true)
	is "$unknown" "" "inject/symbols says of each function that is called what it does"
}

# calls: print "SECTION OFFSET FUNCTION+OFFSET CALLEE" for every call out of the
# module; the offsets, in the section and in the function, are where it returns to
calls() {
	local section address start name callee own

	own=$(nm --defined-only "$KO" | awk '{ print $3 }')
	objdump -dr --no-show-raw-insn -j .text -j .init.text "$KO" | awk -v own="$own" '
		BEGIN { split(own, list, "\n"); for (i in list) ours[list[i]] = 1 }
		/^Disassembly of section/ { section = $4; sub(/:$/, "", section) }
		/^[0-9a-f]+ <.*>:$/ { start = $1; name = $2; gsub(/[<>:]/, "", name) }
		/R_X86_64_(PLT32|PC32)/ && call { split($3, part, /[-+]/); callee = part[1] }
		/^ *[0-9a-f]+:\t/ {
			address = $1
			sub(/:/, "", address)
			if (call && callee != "" && callee !~ /^\./ && !(callee in ours))
				print section, address, start, name, callee
			callee = ""
			call = $2 ~ /^call/
		}' | while read -r section address start name callee; do
		printf '%s 0x%x %s+0x%x %s\n' "$section" "0x$address" "$name" \
			$((0x$address - 0x$start)) "$callee"
	done
}

# sites: the calls that allocate or submit, in the form of calls
sites() {
	calls | grep -E " ($(names allocates)|$(names submits))$"
}

# kinds CALLEE FUNCTION: print how such a call is failed, a word for each way
kinds() {
	[[ ! $1 =~ ^($(names allocates))$ ]] || echo alloc
	[[ ! $1 =~ ^($(names submits))$ ]] || case $2 in
	admit+*) echo write ;;
	*) echo bio ;;
	esac
}

# told_by CALLEE: print the type of what it returns, and the filter for "it failed"
told_by() {
	case $1 in
	xa_store | __xa_cmpxchg) echo "u64 ret == 0xffffffffffffffd2" ;;	# xa_err(): ENOMEM
	mempool_init | bioset_init | percpu_ref_init | device_add_disk | ida_alloc_range | \
		get_unused_fd_flags | netlink_broadcast | register_* | *_register* | \
		ftrace_set_filter_ip) echo "s32 ret < 0" ;;
	*) echo "u64 ret == 0 || ret == 0xfffffffffffffff4" ;;	# NULL, or ERR_PTR(-ENOMEM)
	esac
}

# functions: print "NAME START END" for each function, as offsets in .text
functions() {
	local name start size

	nm -S "$KO" | awk '$3 ~ /^[tT]$/ { print $4, $1, $2 }' | while read -r name start size; do
		printf '%s 0x%x 0x%x\n' "$name" "0x$start" $((0x$start + 0x$size))
	done
}

# section NAME: print where the loaded module has it
section() {
	cat "/sys/module/shadow/sections/$1"
}

# at BASE OFFSET: print the address
at() {
	printf '0x%x\n' $(($1 + $2))
}

# arm START END: allocations below a call that returns there fail, once
arm() {
	local attribute

	for attribute in failslab fail_page_alloc; do
		echo "$1" >"$DEBUG/$attribute/require-start"
		echo "$2" >"$DEBUG/$attribute/require-end"
		echo 1 >"$DEBUG/$attribute/times"
		echo 100 >"$DEBUG/$attribute/probability"
	done
}

# disarm: print how many failed
disarm() {
	local attribute fired=0

	for attribute in failslab fail_page_alloc; do
		echo 0 >"$DEBUG/$attribute/probability"
		fired=$((fired + 1 - $(<"$DEBUG/$attribute/times")))
	done
	echo "$fired"
}

# at_load: filter sites for what runs while the module is loaded; -v for all else
at_load() {
	grep -E "$@" ' (init_module|learn_chain_end|shadow_(leaf_caches_create|init)|shadow_(hook|event|registry|image|overlay|set|ctl)_init)\+'
}

# excepted SITE CALLEE: is there a reason why it cannot fail?
excepted() {
	local name=${1%+*}

	grep -q "^${name%%.*} $2 ." "$TREE/selftests/inject/exceptions"
}

# all_failed FILE: each site in FILE (in the form of calls) failed, that is, is in
# ${failed[...]}, or there is a reason
all_failed() {
	local site callee count=0

	while read -r _ _ site callee; do
		if [ -n "${failed[$site]:-}" ]; then
			count=$((count + 1))
		elif excepted "$site" "$callee"; then
			diag "$site $callee: cannot fail"
		else
			not_ok "$site never failed in $callee"
		fi
	done <"$1"
	check "$count calls failed" [ "$count" -gt 0 ]
}

# walk STORE [POLICY]: make each call of $SCRATCH/sites fail that is not in $failed yet,
# once, in a life of its own; the module is at $base
walk() {
	local word name fired result kind offset site callee

	while read -r _ offset site callee; do
		[ -z "${failed[$site]:-}" ] || continue
		for kind in $(kinds "$callee" "$site"); do
			echo "$site:$kind $(at "$base" "$offset") $(at "$base" $((offset + 1))) $kind 1 100"
		done
	done <"$SCRATCH/sites" >"$SCRATCH/walk"
	inject sites "$DISK_origin" "$@" <"$SCRATCH/walk" >"$SCRATCH/out" ||
		not_ok "a life with $*"
	cat "$SCRATCH/out"
	while read -r word name fired result; do
		if [ "$word" = site ] && [ "$fired" != fired=0 ]; then
			failed[${name%:*}]=$result
		fi
	done <"$SCRATCH/out"
}

# unload_clean: the module goes, and its memory is looked at for a first time; the
# bench does it for the second, and judges
unload_clean() {
	unload
	echo scan >"$DEBUG/kmemleak" || diag "kmemleak is off"
}
