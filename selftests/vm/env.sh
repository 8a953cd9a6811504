# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Where the bench keeps things, and which kernel the guest runs.

# Unpacked kernels, images and tools: outside the tree, shared by all clones.
# shellcheck disable=SC2034 # for those who source this
cache=${SHADOWCOPY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/shadowcopy}

# Print the guest's kernel: KVER, or the newest 6.1 whose headers are here.
guest_kernel() {
	if [ -n "${KVER:-}" ]; then
		echo "$KVER"
		return
	fi
	find /usr/src -maxdepth 1 -name 'linux-headers-6.1.*-amd64' \
		! -name '*-rt-*' ! -name '*-cloud-*' -printf '%f\n' |
		sed 's/^linux-headers-//' | sort -V | tail -n 1
}

guest_kernel_dir() {
	echo "$cache/kernel/$1"
}
