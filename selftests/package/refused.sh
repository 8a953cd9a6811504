# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of a kernel that refuses the module share: it is installed there.

. "$(dirname "$0")/../lib.sh"

modules=/lib/modules/$(uname -r)
installed=$modules/updates/shadow.ko

# install_module: into the guest's directory of modules, which is the host's, with what
# is written kept in memory
install_module() {
	mkdir "$SCRATCH/up" "$SCRATCH/work"
	mount -t overlay overlay "$modules" \
		-o "lowerdir=$modules,upperdir=$SCRATCH/up,workdir=$SCRATCH/work"
	cleanup "umount '$modules'"
	mkdir -p "${installed%/*}"
	# Debugging information is half of nothing to the kernel, and memory to us.
	objcopy --strip-debug "${BUILT:-$TREE}/kmod/shadow.ko" "$installed"
	# Nothing else has to be found meanwhile; all of them take minutes here.
	depmod "$(uname -r)" "$installed"
}

# sign: with a key of our own, which the kernel does not know
sign() {
	local program

	openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=a key of ours/" \
		-outform DER -keyout "$SCRATCH/key" -out "$SCRATCH/certificate" 2>/dev/null
	program=$(compgen -G '/usr/lib/linux-kbuild-*/scripts/sign-file' | head -n 1)
	[ -n "$program" ] || skip "no sign-file"
	"$program" sha256 "$SCRATCH/key" "$SCRATCH/certificate" "$installed"
}

# finding CHECK: print verdict, finding and remedy of "shadowadm doctor"
finding() {
	{ shadowadm doctor --json || true; } |
		jq -r --arg c "$1" '.checks[] | select(.check == $c) | "\(.verdict): \(.detail) -> \(.remedy)"'
}
