# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests in shell share.  A test begins with
#
#	. "$(dirname "$0")/../lib.sh"
#
# From then on a command that fails where nothing expects it ends the test with
# its file and line; whatever cleanup() was told is done, in reverse order, on
# every way out; and every wait has an end.

set -eEuo pipefail
shopt -s inherit_errexit

TREE=${TREE:-$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/..")}
# Where the modules for this kernel are: one that is not the default has its own.
BUILT=$TREE
[ ! -d "$TREE/build/$(uname -r)" ] || BUILT=$TREE/build/$(uname -r)
export TREE PATH=$TREE/userspace/build:$TREE/selftests/tools:/usr/sbin:/sbin:$PATH

# shellcheck source=selftests/ktap.sh
. "$TREE/selftests/ktap.sh"

# jq 1.6 compiles its own library each time: half a second, emulated.
if type -P gojq >/dev/null; then
	jq() {
		gojq "$@"
	}
fi

# The part of the test up to the first power cut is stage 0, the next is 1...
STAGE=${STAGE:-0}
RESULTS=${RESULTS:-$(mktemp -d)}
SCRATCH=$(mktemp -d)

lib_cleanups=()

# cleanup COMMAND: run a shell command when the test ends, last one first
cleanup() {
	lib_cleanups+=("$1")
}

# cleanup_now: do what cleanup() was told now rather than at the end
cleanup_now() {
	local count

	for ((count = ${#lib_cleanups[@]} - 1; count >= 0; count--)); do
		eval "${lib_cleanups[count]}" ||
			diag "cleanup: status $?: ${lib_cleanups[count]}"
		unset "lib_cleanups[count]"
	done
}

lib_exit() {
	local status=$?

	trap - ERR EXIT INT TERM
	set +e
	cleanup_now
	rm -rf "$SCRATCH"
	ktap_finish $status
	exit $?		# without a number it would be that from before the trap
}

lib_error() {
	local status=$1 frame=1

	[ "$BASH_SUBSHELL" -eq 0 ] || return 0
	# Blame the test's own line, not the helper's.
	while [ "${BASH_SOURCE[frame]}" = "${BASH_SOURCE[0]}" ] &&
	      [ "$frame" -lt $((${#BASH_SOURCE[@]} - 1)) ]; do
		frame=$((frame + 1))
	done
	not_ok "${BASH_SOURCE[frame]##*/}:${BASH_LINENO[frame - 1]}: status $status: $2"
}

trap 'lib_error $? "$BASH_COMMAND"' ERR
trap lib_exit EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# -- running commands

# run COMMAND...: say what is done, and do it
run() {
	diag "\$ $*"
	"$@"
}

# quietly COMMAND...: only whether it succeeds is of interest
quietly() {
	"$@" >/dev/null 2>&1
}

# expect_fail REGEX COMMAND...: the command must fail, and say REGEX
expect_fail() {
	local regex=$1 output status=0

	shift
	output=$("$@" 2>&1) || status=$?
	if [ $status -eq 0 ]; then
		not_ok "refused: $*"
		diag "succeeded; wanted /$regex/"
	elif [[ ! $output =~ $regex ]]; then
		not_ok "refused: $*"
		diag "status $status, said: $output"
		diag "wanted /$regex/"
	else
		ok "refused: $*"
	fi
}

# cases PROGRAM ARGUMENT...: its lines "ok ..." and "not ok ..." are results
cases() {
	local line status=0

	"$@" >"$SCRATCH/said" 2>&1 || status=$?
	while IFS= read -r line; do
		case $line in
		"ok "*) ok "${line#ok }" ;;
		"not ok "*) not_ok "${line#not ok }" ;;
		*) diag "$line" ;;
		esac
	done <"$SCRATCH/said"
	[ $status -le 1 ] || not_ok "$1 ended with $status"
}

# bg SECONDS COMMAND...: start a command that ends by itself after SECONDS at
# the latest, and with the test anyway; its process is $BG
bg() {
	local limit=$(($1 * ${SLOW:-1}))

	shift
	timeout -k 2 "$limit" "$@" &
	# shellcheck disable=SC2034 # for the caller
	BG=$!
	cleanup "bg_stop $BG"
}

# bg_stop PID: end what bg started, if it runs still
bg_stop() {
	if kill -TERM "$1" 2>/dev/null; then
		wait "$1" 2>/dev/null || true
	fi
}

# bg_wait PID: wait for the end of what bg started and return its status
bg_wait() {
	wait "$1"
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails the test else
wait_for() {
	local limit=$(($1 * ${SLOW:-1})) end
	end=$((SECONDS + limit + 1))

	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			fail "waited $limit s for: $*"
		fi
		sleep 0.05
	done
}

# has COMMAND...: skip the test where a program is not there
has() {
	local name

	for name; do
		command -v "$name" >/dev/null || skip "no $name"
	done
}

# -- the module

# need_module [PARAMETER=VALUE...]: load the module that was built
need_module() {
	local ko=$BUILT/kmod/shadow.ko depends

	[ -e "$ko" ] || fail "no module: ${ko#"$TREE"/} was not built"
	if [ -d /sys/module/shadow ]; then
		return
	fi
	depends=$(modinfo -F depends "$ko")
	# shellcheck disable=SC2086 # a list of words
	[ -z "$depends" ] || modprobe -a ${depends//,/ }
	insmod "$ko" "$@"
	if [ -d /run/udev ]; then
		udevadm settle --timeout=10
	fi
}

# kernel_log: print what the kernel said since the test began
kernel_log() {
	dmesg | awk -v mark="bench: start $TEST_ID " '
		index($0, mark) { text = "" }
		{ text = text $0 "\n" }
		END { printf "%s", text }'
}

# -- disks and filesystems

# mkfs_on TYPE DEVICE [OPTION...]: make a filesystem, quietly and quickly
mkfs_on() {
	local type=$1 device=$2

	shift 2
	case $type in
	ext[234]) mkfs."$type" -q -F -E lazy_itable_init=0,nodiscard "$@" "$device" ;;
	btrfs) mkfs.btrfs -q -f "$@" "$device" ;;
	xfs)
		# These three make it accept less than 300 MB, as fstests does.
		TEST_DIR=. TEST_DEV=. QA_CHECK_FS=. \
			mkfs.xfs -q -f "$@" "$device"
		;;
	*) mkfs."$type" "$@" "$device" >/dev/null ;;
	esac
}

# mount_at DEVICE DIRECTORY [OPTION...]: mount, and unmount at the end
mount_at() {
	local device=$1 where=$2

	shift 2
	mkdir -p "$where"
	mount "$@" "$device" "$where"
	cleanup "umount_at '$where'"
}

# umount_at DIRECTORY: unmount if mounted, though something may still look at it
umount_at() {
	local tries

	for ((tries = 0; tries < 50; tries++)); do
		mountpoint -q "$1" || return 0
		! umount "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	umount "$1"
}

# sectors DEVICE: print its size in sectors of 512 bytes
sectors() {
	blockdev --getsz "$1"
}

# digest: print a checksum of standard input.  An emulated processor takes twenty times as long for
# one that is safe from forgery.  Where there is none it is like no other.
digest() {
	xxhsum -H2 | cut -d' ' -f1 || echo "none-$BASHPID-$RANDOM"
}

# digests DIRECTORY: of each file in it, by name
digests() {
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0r xxhsum -H2) ||
		echo "none-$BASHPID-$RANDOM"
}

# checksum DEVICE: print a checksum of all that is on it, past the page cache
checksum() {
	dd if="$1" bs=1M iflag=direct status=none | digest
}

# fill DEVICE-OR-FILE SEED [MIB]: write data that is the same for one seed
fill() {
	"$TREE/selftests/tools/fill" "$@"
}

# unplug_disk DEVICE: take a disk away under whoever uses it
unplug_disk() {
	local dir

	dir=$(readlink -f "/sys/block/${1##*/}/device")
	if [ -e "$dir/delete" ]; then
		echo 1 >"$dir/delete"		# SCSI
	else
		echo 1 >"$dir/../remove"	# virtio: its PCI device
	fi
}

# -- device-mapper: each makes /dev/mapper/NAME, which goes when the test ends

# dm_create NAME TABLE
dm_create() {
	cleanup "dm_remove '$1'"
	dmsetup create "$1" --table "$2"
}

# dm_reload NAME TABLE: another table, while I/O goes on
dm_reload() {
	dmsetup reload "$1" --table "$2"
	dmsetup suspend --noflush "$1"
	dmsetup resume "$1"
}

# dm_remove NAME: remove if it is there, though something may still look at it
dm_remove() {
	local tries

	for ((tries = 0; tries < 50; tries++)); do
		dmsetup info "$1" >/dev/null 2>&1 || return 0
		! dmsetup remove "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	dmsetup remove "$1"
}

# dm_linear NAME DEVICE [START [SECTORS]]
dm_linear() {
	local start=${3:-0}

	dm_create "$1" "0 ${4:-$(($(sectors "$2") - start))} linear $2 $start"
}

# dm_delay NAME DEVICE READ-MS [WRITE-MS]
dm_delay() {
	dm_create "$1" "0 $(sectors "$2") delay $2 0 $3 $2 0 ${4:-$3}"
}

# dm_error NAME DEVICE START SECTORS: all fails in one range, the rest is there
dm_error() {
	local all end=$(($3 + $4)) table=

	all=$(sectors "$2")
	[ "$3" -eq 0 ] || table="0 $3 linear $2 0"$'\n'
	table+="$3 $4 error"$'\n'
	[ "$end" -eq "$all" ] || table+="$end $((all - end)) linear $2 $end"
	dm_create "$1" "$table"
}

# dm_flakey NAME DEVICE UP-SECONDS DOWN-SECONDS [FEATURE...]
dm_flakey() {
	local name=$1 device=$2 up=$3 down=$4

	shift 4
	dm_create "$name" "0 $(sectors "$device") flakey $device 0 $up $down $# $*"
}

# -- the host of this machine

# ask_host WORD...: ask the bench for something and print its answer
ask_host() {
	local port=/dev/virtio-ports/bench.host answer

	{
		flock 9
		exec {lib_port}<>"$port"
		printf '%s\n' "$*" >&"$lib_port"
		read -r answer <&"$lib_port"
		exec {lib_port}>&-
	} 9>/run/bench.lock
	case $answer in
	ok*) echo "${answer#ok }" ;;
	*) diag "host: $answer" && return 1 ;;
	esac
}

# disk_limit NAME [iops=N] [bps=SIZE]: limit a disk's rate; nothing: no limit
disk_limit() {
	ask_host limit "$@" >/dev/null
}

# disk_statistics NAME: print, as JSON, what the disk was asked to do so far
disk_statistics() {
	ask_host statistics "$1"
}

# power_cut: end this machine at once; the test starts again from its first
# line in a new one, with the same disks and STAGE one higher
power_cut() {
	echo cut >/dev/virtio-ports/bench.host
	sleep 60
}
