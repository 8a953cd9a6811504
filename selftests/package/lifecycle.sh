# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the packages go through in a suite: installed in a fresh root, built by DKMS,
# with kernels that are not supported, the next kernel, the next version, a machine
# that boots from it and does the main job, and purge.  A test says SUITE=... first.

. "$(dirname "$0")/root.sh"		# first: it starts the test anew
. "$(dirname "$0")/../lib.sh"

suite=${SUITE:?}

# kernel_packages VERSION: what there is to install for it
kernel_packages() {
	echo "linux-image-$1"
	echo "linux-headers-$1"
}

# other_kernel: print a version of the kernel that the suite has besides the newest:
# an older one, or the flavour for clouds
other_kernel() {
	in_root apt-cache pkgnames linux-headers- | sed -n 's/^linux-headers-\([0-9].*-amd64\)$/\1/p' |
		grep -v -e "^$kernel\$" -e '-rt-' -e '^[0-9.]*-amd64$' |
		grep "^$(cut -d. -f1,2 <<<"$kernel")\\." | sort -V | awk '
			/-cloud-/ { cloud = $0; next }
			{ found = $0 }
			END { print found ? found : cloud }'
}

# dkms_has VERSION KERNEL: was it built and installed?
dkms_has() {
	in_root dkms status -m shadowcopy -v "$1" -k "$2" | grep -q installed &&
		[ "$(in_root modinfo -k "$2" -F version shadow)" = "$1" ]
}

# fake_kernel VERSION EDIT: install a headers package for a kernel that does not
# exist, made of the real one's; EDIT is for sed, on its configuration
fake_kernel() {
	local version=$1 dir=$ROOT_WORK/fake-$1

	fakes+=("$version")

	mkdir -p "$dir/DEBIAN" "$dir/usr/src/linux-headers-$version/include" "$dir/lib/modules/$version"
	in_root cat "/lib/modules/$other/build/.config" | sed "$2" \
		>"$dir/usr/src/linux-headers-$version/.config"
	printf 'all modules clean:\n\t@echo this cannot be built; false\n' \
		>"$dir/usr/src/linux-headers-$version/Makefile"
	ln -s "/usr/src/linux-headers-$version" "$dir/lib/modules/$version/build"
	printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: %s\nDescription: %s\n' \
		"linux-headers-$version" "nobody <nobody@example.org>" "a kernel that is not supported" \
		>"$dir/DEBIAN/control"
	# As the real ones do.
	cat >"$dir/DEBIAN/postinst" <<-END
		#!/bin/sh
		set -e
		[ ! -d /etc/kernel/header_postinst.d ] ||
			run-parts --report --exit-on-error --arg=$version /etc/kernel/header_postinst.d
	END
	chmod 755 "$dir/DEBIAN/postinst"
	[ ! -L "$ROOT/lib" ] || { mv "$dir/lib" "$dir/usr/lib"; }
	dpkg-deb --root-owner-group -b "$dir" "$ROOT/tmp/fake-$version.deb" >/dev/null
}

# fakes_do ARGUMENT...: apt-get, with the fake kernels' packages
fakes=()
fakes_do() {
	local version packages=()

	for version in "${fakes[@]}"; do
		case $1 in
		install) packages+=("/tmp/fake-$version.deb") ;;
		*) packages+=("linux-headers-$version") ;;
		esac
	done
	apt_in_root "$@" "${packages[@]}"
}

# unowned: print the files that belong to no package, but for caches and logs
unowned() {
	(cd "$ROOT" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp \
		-o -path ./run -o -path ./var/log -o -path ./var/lib/dpkg -o -path ./var/cache \
		-o -path ./var/lib/apt \) -prune -o -printf '/%P\n') | canonical >"$SCRATCH/there"
	cat "$ROOT"/var/lib/dpkg/info/*.list | canonical >"$SCRATCH/owned"
	comm -23 "$SCRATCH/there" "$SCRATCH/owned"
}

# canonical: without the /usr that some packages know of and some do not, sorted
canonical() {
	sed -E 's,^/usr/(lib|bin|sbin|lib32|lib64)(/|$),/\1\2,' | sort -u
}

# install_debs DIRECTORY: those in build/deb/, by apt as a person would
install_debs() {
	rm -rf "$ROOT/tmp/debs"
	mkdir "$ROOT/tmp/debs"
	cp "$tree/build/deb/$1"/*.deb "$ROOT/tmp/debs"
	rm -f "$ROOT"/tmp/debs/*-dbgsym_*
	in_root sh -c "apt-get ${apt_options[*]} install /tmp/debs/*.deb"
}

version=$(<"$tree/VERSION")
next=$version.1

"$tree/selftests/package/deb" "$suite" >"$RESULTS/deb" 2>&1 ||
	{ tail -n 30 "$RESULTS/deb"; fail "the packages do not build"; }
"$tree/selftests/package/deb" "$suite" --as "$next" >"$RESULTS/deb-next" 2>&1
root_make "$suite"
cleanup root_remove
kernel=$(suite_kernel "$suite")
apt_in_root purge linux-headers-amd64 "linux-headers-$kernel" >"$RESULTS/apt" 2>&1
apt_in_root install udev iproute2 e2fsprogs >>"$RESULTS/apt" 2>&1
other=$(other_kernel)
diag "kernels: $other, then $kernel"
# shellcheck disable=SC2046 # a list of words
apt_in_root install $(kernel_packages "$other") >>"$RESULTS/apt" 2>&1
unowned >"$SCRATCH/before"

# Too old, too new, and built without the tracer.
fake_kernel 4.19.0-99-amd64 ''
fake_kernel 99.1.0-99-amd64 ''
fake_kernel "${other%%-*}-99-amd64" '/CONFIG_DYNAMIC_FTRACE_WITH_/d'
fakes_do install >"$RESULTS/fakes-before" 2>&1

install_debs "$suite" >"$RESULTS/install" 2>&1 || { tail -n 30 "$RESULTS/install"; fail "apt"; }
ok "apt installs the packages, beside kernels that are not supported"
check "DKMS has built the module" dkms_has "$version" "$other"
is "$(in_root shadowadm --version | head -n 1)" "shadowadm $version" "the tools run, of this version"
is "$(in_root getent group shadowcopy | cut -d: -f1)" shadowcopy "the group is there"
is "$(in_root dkms status | grep -c -e '-99-amd64')" 0 "DKMS has nothing for the others"

fakes_do purge >>"$RESULTS/apt" 2>&1
fakes_do install >"$RESULTS/fakes-after" 2>&1 || { tail -n 30 "$RESULTS/fakes-after"; fail "apt"; }
ok "apt goes on where such kernels come later"
is "$(in_root dpkg --audit)" "" "nothing is left half installed"
is "$(in_root dkms status | grep -c -e '-99-amd64')" 0 "DKMS still has nothing for them"
fakes_do purge >>"$RESULTS/apt" 2>&1

# shellcheck disable=SC2046
apt_in_root install $(kernel_packages "$kernel") >"$RESULTS/kernel" 2>&1
check "the next kernel gets its module" dkms_has "$version" "$kernel"
check "the first one keeps it" dkms_has "$version" "$other"

install_debs "$suite-$next" >"$RESULTS/upgrade" 2>&1
check "the next version is built" dkms_has "$next" "$kernel"
is "$(in_root dkms status -m shadowcopy -v "$version")" "" "DKMS has forgotten the first one"
check "and its source is gone" [ ! -e "$ROOT/usr/src/shadowcopy-$version" ]

KVER=$kernel timeout 600 "$tree/selftests/vm/boot" --root "$ROOT" --mem 768 --timeout 420 \
	--disk origin=96M --disk store=96M --console "$RESULTS/console-job" \
	-- "$tree/selftests/package/job.sh" </dev/null >"$RESULTS/job" 2>&1 || true
cat "$RESULTS/job"
is "$(grep -c '^# done:' "$RESULTS/job") $(grep -c '^not ok' "$RESULTS/job" || true)" "6 0" \
	"the machine boots, and the main job is done with what was installed"

# shellcheck disable=SC2046
apt_in_root purge shadowcopy shadowcopy-dkms libshadowcopy1 libshadowcopy-dev >"$RESULTS/purge" 2>&1
is "$(in_root dkms status)" "" "purged: DKMS has nothing"
is "$(find "$ROOT"/var/lib/dkms "$ROOT"/lib/modules "$ROOT"/usr/src "$ROOT"/etc -name '*shadowcopy*' \
	-o -name 'shadow.ko*')" "" "no file is left"
# shellcheck disable=SC2046
apt_in_root purge $(kernel_packages "$kernel") >>"$RESULTS/purge" 2>&1
apt_in_root autoremove --purge >>"$RESULTS/purge" 2>&1
unowned >"$SCRATCH/after"
comm -13 "$SCRATCH/before" "$SCRATCH/after" >"$RESULTS/left"
# DKMS keeps the key of the machine, which may be enrolled.
is "$(grep -i -e shadow -e dkms -e /modules "$RESULTS/left" |
	grep -v -e '^/etc/g\?shadow-\?$' -e '^/var/lib/dkms\(/mok\..*\)\?$' || true)" "" \
	"all that came is gone"
is "$(in_root getent group shadowcopy | cut -d: -f1)" shadowcopy "but for the group, as is the custom"
