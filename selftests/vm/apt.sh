# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What those who install, fetch and unpack packages share.

apt_options=(-y -q -o DPkg::Lock::Timeout=300)
apt_options+=(-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Print those of the packages that are not installed.
missing() {
	local package

	for package; do
		installed "$package" || echo "$package"
	done
}

# Print this machine's own suite.
host_suite() {
	(. /etc/os-release && echo "$VERSION_CODENAME")
}

# Print the archive that this machine has its Debian from.
archive() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets \
		--format '$(CREATED_BY) $(CODENAME) $(COMPONENT) $(REPO_URI)' |
		awk -v codename="$1" '$1 == "Packages" && $2 == codename &&
			$3 == "main" { print $4; exit }'
}

# guard FILE: write what comes on standard input there, and undo it in the end; not where
# it is there already
guard() {
	if [ ! -e "$1" ]; then
		as_root mkdir -p "${1%/*}"
		as_root tee "$1" >/dev/null
		as_root chmod 755 "$1"
		guards+=("$1")
	fi
}

# Install packages without any of their services being started, and without PostgreSQL making
# databases, as it does where its server is installed for the first time.
install_packages() {
	local guards=() guard status=0

	guard /usr/sbin/policy-rc.d <<<$'#!/bin/sh\nexit 101'
	guard /etc/postgresql-common/createcluster.d/shadowcopy.conf <<<"create_main_cluster = false"
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
		apt-get "${apt_options[@]}" install --no-install-recommends "$@" ||
		status=$?
	for guard in "${guards[@]}"; do
		as_root rm -f "$guard"
		as_root rmdir -p --ignore-fail-on-non-empty "${guard%/*}"
	done
	return $status
}

# Download the image of kernel $1 into directory $2.  It is one package, or, in
# newer suites, an empty one that names what it is made of.
fetch_kernel() {
	local names options=(-q -o APT::Sandbox::User=root)

	names=$(apt-cache depends --important "linux-image-$1" |
		awk -v tail="-$1" '$1 == "Depends:" && $2 ~ /^linux-/ &&
			index($2, tail) + length(tail) == length($2) + 1 { print $2 }')
	# shellcheck disable=SC2086 # a list of words
	(cd "$2" && apt-get "${options[@]}" download "linux-image-$1" $names)
}

# unpack_kernel VERSION DIRECTORY PACKAGE...: to where guests look for kernels, if
# it is not there; by way of the directory, which is on the same filesystem
unpack_kernel() {
	local version=$1 work=$2/kernel dir file

	shift 2
	dir=$(guest_kernel_dir "$version")
	# A machine may be running on it.
	[ ! -e "$dir/complete" ] || return 0
	rm -rf "$work"
	for file; do
		dpkg-deb -x "$file" "$work"
	done
	if [ ! -e "$work/lib/modules" ]; then
		mkdir -p "$work/lib"
		mv "$work/usr/lib/modules" "$work/lib/modules"
	fi
	# Newer ones have the image beside the modules, and put it into /boot later.
	file=$work/boot/vmlinuz-$version
	if [ ! -e "$file" ]; then
		mkdir -p "$work/boot"
		cp -l "$work/lib/modules/$version/vmlinuz" "$file"
	fi
	/sbin/depmod -b "$work" "$version"
	touch "$work/complete"
	mkdir -p "$(dirname "$dir")"
	rm -rf "$dir"
	mv "$work" "$dir"
	echo "setup: guest kernel $version is in $dir"
}
