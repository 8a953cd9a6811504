#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: make install and uninstall, DKMS' source, versions, manual pages and symbols agree
# NATIVE
# TIMEOUT: 300

. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/vm/env.sh
. "$TREE/selftests/vm/env.sh"

cd "$TREE"
version=$(<VERSION)
is "$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)" "$version" "dkms.conf has the version"
is "$(sed -n '1s/^shadowcopy (\(.*\)) .*/\1/p' debian/changelog)" "$version" "debian/changelog, too"
is "$(sed -n 's/^Version: *//p' packaging/shadowcopy.spec)" "$version" "and the spec"

# -- the symbols that Debian's file knows are those that the library has

is "$(sed -n 's/^ \(shadowcopy_[a-z_]*\)@.*/\1/p' debian/libshadowcopy1.symbols | sort)" \
	"$(sed -n 's/^\t\(shadowcopy_[a-z_]*\);$/\1/p' userspace/lib/libshadowcopy.map | sort)" \
	"the symbols file and the version script agree"

# -- make install, and uninstall

install=(PREFIX=/usr DESTDIR="$SCRATCH/root" KVER="$(guest_kernel)" O="$SCRATCH/build")
make -s -j2 -C userspace O="$SCRATCH/build" >"$SCRATCH/log"
make -s -C userspace "${install[@]}" install >"$SCRATCH/log"
is "$(cd "$SCRATCH/root" && find . ! -type d | sort)" "$(sort <<END
./usr/include/libshadowcopy-channel.h
./usr/include/libshadowcopy-document.h
./usr/include/libshadowcopy-provider.h
./usr/include/libshadowcopy-requester.h
./usr/include/libshadowcopy-writer.h
./usr/include/libshadowcopy.h
./usr/include/linux/shadow.h
./usr/include/linux/shadow_netlink.h
./usr/lib/libshadowcopy.a
./usr/lib/libshadowcopy.so
./usr/lib/libshadowcopy.so.1
./usr/lib/libshadowcopy.so.$version
./usr/lib/modules-load.d/shadowcopy.conf
.$(pkg-config --variable=plugindir nbdkit)/nbdkit-shadow-plugin.so
./usr/lib/pkgconfig/libshadowcopy.pc
./usr/lib/sysusers.d/shadowcopy.conf
./usr/lib/udev/rules.d/59-shadowcopy.rules
./usr/lib/dracut/modules.d/90shadowcopy/attach.sh
./usr/lib/dracut/modules.d/90shadowcopy/module-setup.sh
./usr/share/initramfs-tools/hooks/shadowcopy
./usr/share/initramfs-tools/scripts/local-premount/shadowcopy
./usr/lib/systemd/system-shutdown/shadowcopy
./usr/lib/systemd/system/shadowcopy-attach.service
./usr/lib/systemd/system/shadowcopy-attach@.service
./usr/lib/systemd/system/shadow-restore-boot.service
./usr/lib/systemd/system/shadow-writer-mariadb.service
./usr/lib/systemd/system/shadow-writer-mariadb@.service
./usr/lib/systemd/system/shadow-writer-postgresql@.service
./usr/lib/systemd/system/shadow-writer-script.service
./usr/lib/systemd/system/shadowd.service
./usr/lib/systemd/system/shadowd.socket
./usr/sbin/shadow-betest
./usr/sbin/shadow-testwriter
./usr/sbin/shadow-writer-mariadb
./usr/sbin/shadow-writer-postgresql
./usr/sbin/shadow-writer-script
./usr/sbin/shadowadm
./usr/sbin/shadowd
./usr/share/bash-completion/completions/shadowadm
./usr/share/man/man1/nbdkit-shadow-plugin.1
./usr/share/man/man3/libshadowcopy-document.3
./usr/share/man/man3/libshadowcopy-provider.3
./usr/share/man/man3/libshadowcopy-requester.3
./usr/share/man/man3/libshadowcopy-writer.3
./usr/share/man/man3/libshadowcopy.3
./usr/share/man/man4/shadow.4
./usr/share/man/man5/stores.conf.5
./usr/share/man/man8/shadow-betest.8
./usr/share/man/man8/shadow-testwriter.8
./usr/share/man/man8/shadow-writer-mariadb.8
./usr/share/man/man8/shadow-writer-postgresql.8
./usr/share/man/man8/shadow-writer-script.8
./usr/share/man/man8/shadowadm.8
./usr/share/man/man8/shadowd.8
END
)" "make install brings these files"
check "the links lead somewhere" [ -e "$SCRATCH/root/usr/lib/libshadowcopy.so" ]

# A program that is built with what was installed, as others would.
cat >"$SCRATCH/use.c" <<'END'
#include <stdio.h>
#include <libshadowcopy.h>

int main(void)
{
	puts(shadowcopy_version());
	return 0;
}
END
flags=$(PKG_CONFIG_PATH=$SCRATCH/root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$SCRATCH/root \
	pkg-config --define-variable=prefix=/usr --cflags --libs libshadowcopy)
# shellcheck disable=SC2086 # words
cc -o "$SCRATCH/use" "$SCRATCH/use.c" $flags
is "$(LD_LIBRARY_PATH=$SCRATCH/root/usr/lib "$SCRATCH/use")" "$version" "a program builds with it"

# What is tested may be another kernel than what is installed for.
unset KERNEL FLAVOUR ARCH MAKEFLAGS
make -s "${install[@]}" uninstall >"$SCRATCH/log"
is "$(find "$SCRATCH/root" ! -type d)" "" "make uninstall removes all of them"

# -- what DKMS gets is enough, and no more than the module's source

make -s install-source DESTDIR="$SCRATCH/dkms"
source=$SCRATCH/dkms/usr/src/shadowcopy-$version
is "$(cd "$source" && find . -type f | sort)" \
	"$(git ls-files Kbuild VERSION dkms.conf 'uapi/linux/*.h' kmod | grep -v '/README$' |
		sed 's,^,./,' | sort)" "DKMS gets the module's source, and nothing else"

# supports RELEASE CONFIG-LINE...: would DKMS build for it?  On $machine.
machine=x86_64
supports() {
	local release=$1 option

	mkdir -p "$SCRATCH/kernel"
	printf '%s\n' "${@:2}" >"$SCRATCH/kernel/.config"
	# shellcheck disable=SC2034 # for dkms.conf
	(
		kernel_source_dir=$SCRATCH/kernel kernelver=$release dkms_tree=/nowhere
		# shellcheck source=dkms.conf
		. "$source/dkms.conf"
		[[ $release =~ $BUILD_EXCLUSIVE_KERNEL ]] || exit 1
		[[ $machine =~ $BUILD_EXCLUSIVE_ARCH ]] || exit 1
		[ -n "${old_dkms:-}" ] && exit 0
		for option in $BUILD_EXCLUSIVE_CONFIG; do
			grep -q "^$option=[ym]" "$SCRATCH/kernel/.config" || exit 1
		done
	)
}

config=(CONFIG_FUNCTION_TRACER=y CONFIG_KALLSYMS=y)
for old_dkms in "" yes; do
	dkms="DKMS ${old_dkms:+2}"
	for release in 5.10.0-46-amd64 6.1.0-56-amd64 6.12.117+deb13-amd64 7.2.13+deb14-amd64; do
		check "$dkms builds for $release" supports $release "${config[@]}" \
			CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y
		expect_fail '' supports $release "${config[@]}"
		expect_fail '' supports $release CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y CONFIG_KALLSYMS=y
	done
	check "$dkms builds for a 5.10 with the older tracer" supports 5.10.0-46-amd64 \
		"${config[@]}" CONFIG_DYNAMIC_FTRACE_WITH_REGS=y
	arm64=(6.1.0-56-arm64 "${config[@]}" CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y CONFIG_ARM64=y)
	machine=aarch64
	check "$dkms builds for arm64 with pages of 4 KiB" supports "${arm64[@]}" \
		CONFIG_ARM64_4K_PAGES=y
	expect_fail '' supports "${arm64[@]}" CONFIG_ARM64_64K_PAGES=y
	machine=ppc64le
	expect_fail '' supports "${arm64[@]}" CONFIG_ARM64_4K_PAGES=y
	machine=x86_64
	for release in 4.19.0-27-amd64 5.1.0-1-amd64 5.9.0-5-amd64 6.6.13-amd64 8.0.0-amd64 16.1.0-amd64; do
		expect_fail '' supports $release "${config[@]}" CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y
	done
done

make -s uninstall-source DESTDIR="$SCRATCH/dkms"
is "$(find "$SCRATCH/dkms" ! -type d)" "" "make uninstall-source removes it"

# -- a flavour is built for, and not booted

expect_fail 'FLAVOUR=rt is only built, not booted' make -n check KERNEL=7.2 FLAVOUR=rt
check "make modules takes a flavour" make -n modules KERNEL=7.2 FLAVOUR=rt
expect_fail 'no FLAVOUR=rt for ARCH=arm64' make -n modules ARCH=arm64 FLAVOUR=rt
for words in "install KERNEL=7.2" "uninstall KERNEL=7.2" "install FLAVOUR=rt"; do
	# shellcheck disable=SC2086 # words
	expect_fail 'is built for tests, and is not installed' make -n $words
done
expect_fail 'no headers for the kernel "9.9".*apt install linux-headers-9.9' make modules KVER=9.9

# -- manual pages

is "$(mandoc -T lint -W warning Documentation/man/*)" "" "mandoc has nothing to warn of"
