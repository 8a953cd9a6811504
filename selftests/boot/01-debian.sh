#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: persistent shadows of root and another filesystem live through reboots and a loss of power; what has changed through reboots
# NATIVE
# SLOW
# TIMEOUT: 2400

. "$(dirname "$0")/../package/root.sh"	# first: it starts the test anew
. "$(dirname "$0")/../lib.sh"

suite=bookworm
sets=${SETS:-10}
here=$tree/selftests/boot

"$tree/selftests/package/deb" $suite >"$RESULTS/deb" 2>&1 ||
	{ tail -n 30 "$RESULTS/deb"; fail "the packages do not build"; }
mkdir -p "$cache/layer"
exec {layer}>"$cache/layer/boot-$suite.lock"		# one at a time writes to it
flock -w 1800 "$layer" || fail "the layer boot-$suite is in use"
root_make $suite boot-$suite
cleanup root_remove
kernel=$(suite_kernel $suite)
apt_in_root install --no-install-recommends "linux-image-$kernel" initramfs-tools systemd-sysv \
	udev kmod e2fsprogs procps >"$RESULTS/apt" 2>&1
make -s -C "$tree" modules KVER="$kernel" >"$RESULTS/module" 2>&1
install -D -m 644 "$tree/kmod/shadow.ko" "$ROOT/lib/modules/$kernel/updates/shadow.ko"
in_root depmod "$kernel"

# Small, since it is unpacked by an emulated machine; what the hook adds is not among it.
echo MODULES=list >"$ROOT/etc/initramfs-tools/conf.d/small"
printf '%s\n' virtio_pci virtio_blk ext4 >"$ROOT/etc/initramfs-tools/modules"
rm -f "$ROOT/boot/initrd.img-$kernel"
in_root env -u INITRD update-initramfs -c -k "$kernel" >"$RESULTS/update-initramfs" 2>&1

# -- what the packages bring

cp "$tree"/build/deb/$suite/{libshadowcopy1,shadowcopy}_*.deb "$ROOT/tmp"
in_root env -u INITRD sh -c "apt-get ${apt_options[*]} install --no-install-recommends --reinstall \
	/tmp/*.deb" >"$RESULTS/install" 2>&1 || { tail -n 30 "$RESULTS/install"; fail "apt"; }
check "installing them makes the initramfs anew" \
	grep -q '^update-initramfs: Generating .*'"$kernel" "$RESULTS/install"
in_root lsinitramfs "/boot/initrd.img-$kernel" >"$RESULTS/initramfs"
for file in sbin/shadowadm scripts/local-premount/shadowcopy rules.d/59-shadowcopy.rules \
	"updates/shadow.ko" libcrc32c.ko crc32c_generic.ko; do
	check "the initramfs has $file" grep -q "\(^\|/\)$file\$" "$RESULTS/initramfs"
done
is "$(in_root systemctl is-enabled shadowcopy-attach.service)" enabled "the unit is enabled"

# -- a disk with that root

install -m 755 "$here/job.sh" "$ROOT/usr/local/sbin/boot-job"
install -m 755 "$TREE"/selftests/tools/{holder,delta} "$ROOT/usr/local/sbin"
check "what detaches the root filesystem's store is installed" \
	[ -x "$ROOT/usr/lib/systemd/system-shutdown/shadowcopy" ]
cat >"$ROOT/etc/systemd/system/boot-job.service" <<'END'
[Unit]
After=multi-user.target
[Service]
ExecStart=/usr/local/sbin/boot-job
[Install]
WantedBy=default.target
END
in_root systemctl -q enable boot-job.service
printf '%s\n' '/dev/vda / ext4 errors=remount-ro 0 1' '/dev/vdb /srv ext4 defaults 0 2' \
	>"$ROOT/etc/fstab"
cp "$ROOT/boot/vmlinuz-$kernel" "$ROOT/boot/initrd.img-$kernel" "$ROOT_WORK"
mkdir "$ROOT_WORK/plain"
mount --bind "$ROOT" "$ROOT_WORK/plain"		# without what is mounted in it
# Modules that the machine does not need in its own root are most of it.
mkdir "$ROOT_WORK/tree"
(cd "$ROOT_WORK/plain" && tar -c --exclude=./usr/lib/modules/*/kernel/{drivers,sound,net} \
	--exclude=./boot --exclude=./usr/share/{doc,locale,man} --exclude=./tmp/*.deb \
	--exclude=./usr/src --exclude=./usr/lib/gcc --exclude=./usr/include .) |
	tar -x -C "$ROOT_WORK/tree"
umount "$ROOT_WORK/plain"
mkdir -p "$ROOT_WORK"/tree/{proc,sys,dev,run,boot}
diag "the root filesystem has $(du -sm "$ROOT_WORK/tree" | cut -f1) MiB"
mkdir "$ROOT_WORK/disks"
disks=()
for disk in root:640M data:64M rootstore:512M datastore:256M "oracle:$((sets * 704))M"; do
	truncate -s "${disk#*:}" "$ROOT_WORK/disks/${disk%:*}"
	disks+=(--disk "$ROOT_WORK/disks/${disk%:*}")
done
mke2fs -q -t ext4 -d "$ROOT_WORK/tree" "$ROOT_WORK/disks/root"
mke2fs -q -t ext4 "$ROOT_WORK/disks/data"
rm -rf --one-file-system "$ROOT_WORK/tree"

# life STAGE END [WORD...]: boot it with these words on the command line; see how it ends, and what
# the job has said
life() {
	local stage=$1 wanted=$2 end

	shift 2
	: >"$RESULTS/job-$stage"
	end=$("$here/machine" --kernel "$ROOT_WORK/vmlinuz-$kernel" \
		--initrd "$ROOT_WORK/initrd.img-$kernel" \
		--append "root=/dev/vda ro console=ttyS0 loglevel=5 mitigations=off cryptomgr.notests \
			boot.stage=$stage boot.sets=$sets $*" \
		--console "$RESULTS/console-$stage" --port "$RESULTS/job-$stage" \
		--timeout 420 "${disks[@]}" 2>"$RESULTS/qemu-$stage") || true
	sed -i 's/\r$//' "$RESULTS/job-$stage"
	sed 's/^/# /' "$RESULTS/job-$stage"
	is "$end" "$wanted" "life $stage of the machine ends as it should"
	is "$(grep -c '^not ok' "$RESULTS/job-$stage") $(grep -c -e '^END' -e '^CUT' \
		"$RESULTS/job-$stage")" "0 1" "and all was as it should be in it"
	like "$(cat "$RESULTS/console-$stage")" "$CONSOLE" "the console says what was done"
}

CONSOLE='local-premount' life 0 off
is "$(grep -c 'shadowcopy: ' "$RESULTS/console-0")" 0 "a machine without a store boots without a word"
# said SHADOWS: what is said of both stores
said() {
	echo "shadowcopy: /dev/vdc: $1 shadows of /dev/vda, attached already.*$(
		)/dev/vdd: $1 shadows of /dev/vdb are there again"
}

CONSOLE=$(said $((sets / 2))) life 1 cut
both=$(said "$sets")
CONSOLE=$both life 2 off
CONSOLE=$both life 3 off
CONSOLE='shadowcopy: .*/dev/vdc: cannot open /dev/shadow-control' life 4 off module_blacklist=shadow
CONSOLE='shadowcopy: .*/dev/vdc: cannot attach the store of /dev/vda: the volume was written' \
	life 5 off
