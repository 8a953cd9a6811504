# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Where the bench keeps things, and which kernel the guest runs.

# Unpacked kernels, images and tools: outside the tree, shared by all clones.
# shellcheck disable=SC2034 # for those who source this
cache=${SHADOWCOPY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/shadowcopy}

# The kernels that there are tests on, as KERNEL= names them, and the Debian
# suite that has each.  The default one is the host's: Debian 12.
# shellcheck disable=SC2034
kernels="5.10 6.1 6.12 7.2"
default_kernel=6.1

# The guest's architecture.  One that is not the host's has a root of its own, made
# by vm/arm64, whatever the kernel.
# shellcheck disable=SC2034
case ${ARCH:-amd64} in
amd64 | x86 | x86_64) arch=amd64 ;;
arm64) arch=arm64 ;;
*)
	echo "no machine \"$ARCH\" is known here: ARCH is amd64 or arm64" >&2
	# shellcheck disable=SC2317 # for who runs this rather than sourcing it
	return 1
	;;
esac
arm64_root() {
	echo "$cache/suite/$(. /etc/os-release && echo "$VERSION_CODENAME")-arm64"
}

# Print the suite that has kernel $1.
kernel_suite() {
	case $1 in
	5.10) echo bullseye ;;
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	7.2) echo sid ;;
	*)
		echo "no kernel $1 is known here; there are: $kernels" >&2
		return 1
		;;
	esac
}

# Print the version of the kernel whose headers are in the root of suite $1.
suite_kernel() {
	find "$cache/suite/$1/lib/modules/" -mindepth 1 -maxdepth 1 \
		-printf '%f\n' 2>/dev/null | sort -V | tail -n 1
}

# Print the guest's kernel: KVER, or that of KERNEL's suite, or the newest 6.1
# whose headers are here.  Prints nothing where it was not set up yet.
guest_kernel() {
	local suite

	if [ -n "${KVER:-}" ]; then
		echo "$KVER"
		return
	fi
	if [ "$arch" = arm64 ]; then
		suite=$(kernel_suite "${KERNEL:-$default_kernel}") || return
		find "$cache/headers/$suite-arm64/usr/src/" -name 'linux-headers-*-arm64' \
			-printf '%f\n' 2>/dev/null | sed 's/^linux-headers-//' || true
		return
	fi
	if [ "${KERNEL:-$default_kernel}" != "$default_kernel" ]; then
		suite=$(kernel_suite "$KERNEL") || return
		suite_kernel "$suite"
		return
	fi
	find /usr/src -maxdepth 1 -name "linux-headers-$default_kernel.*-amd64" \
		! -name '*-rt-*' ! -name '*-cloud-*' -printf '%f\n' |
		sed 's/^linux-headers-//' | sort -V | tail -n 1
}

guest_kernel_dir() {
	echo "$cache/kernel/$1"
}
