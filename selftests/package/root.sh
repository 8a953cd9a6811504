# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A root filesystem of a suite that may be written to: an overlay over the one in
# the cache, which goes away with the process.  Who sources this runs as root in
# a mount namespace of its own from then on.

tree=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=selftests/vm/env.sh
. "$tree/selftests/vm/env.sh"
# shellcheck source=selftests/vm/apt.sh
. "$tree/selftests/vm/apt.sh"

if [ "${ROOT_NAMESPACE:-}" != yes ]; then
	sudo=
	[ "$(id -u)" -eq 0 ] || sudo="sudo -E"
	# shellcheck disable=SC2086 # a word or two, or none
	exec $sudo env ROOT_NAMESPACE=yes PATH="$PATH" SHADOWCOPY_CACHE="$cache" \
		unshare --mount --propagation private -- "$0" "$@"
fi

# root_make SUITE [LAYER]: mount a new one at $ROOT.  With a name of a layer, what is
# written stays in the cache for the next time.
root_make() {
	local suite=$1 layer=${2:-}

	"$tree/selftests/vm/suite" make "$suite" >&2
	ROOT_SUITE=$suite
	ROOT_WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/shadowcopy-root.XXXXXX")
	ROOT=$ROOT_WORK/root
	layer=${layer:+$cache/layer/$layer}
	: "${layer:=$ROOT_WORK/layer}"
	mkdir -p "$ROOT" "$layer/up" "$layer/work" "$cache/apt/$suite"/{lists,archives}/partial
	mount -t overlay overlay "$ROOT" \
		-o "lowerdir=$cache/suite/$suite,upperdir=$layer/up,workdir=$layer/work"
	mount -t proc proc "$ROOT/proc"
	mount -t sysfs -o ro sysfs "$ROOT/sys"
	mount --rbind /dev "$ROOT/dev"
	# What apt downloads is shared by all roots of the suite.
	mount --bind "$cache/apt/$suite/lists" "$ROOT/var/lib/apt/lists"
	mount --bind "$cache/apt/$suite/archives" "$ROOT/var/cache/apt/archives"
	# No service is started in a root that is no machine.
	printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
	chmod 755 "$ROOT/usr/sbin/policy-rc.d"
	if [ -e /etc/resolv.conf ]; then
		cat /etc/resolv.conf >"$ROOT/etc/resolv.conf"
	fi
}

# root_remove: unmount it, and forget what was written
root_remove() {
	umount -l -R "$ROOT" 2>/dev/null || true
	rm -rf --one-file-system "$ROOT_WORK"
}

# in_root COMMAND...: run a command in it
in_root() {
	chroot "$ROOT" /usr/bin/env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive INITRD=No \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"$@" </dev/null
}

# apt_in_root ARGUMENT...: apt-get; the index is fetched once a day
apt_in_root() {
	if [ -z "$(find "$cache/apt/$ROOT_SUITE/lists" -name '*Packages*' -mtime -1 | head -n 1)" ]; then
		in_root apt-get "${apt_options[@]}" update
	fi
	in_root apt-get "${apt_options[@]}" "$@"
}
