# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# $BAD: a disk of 16 MiB of which sectors 2048 to 2055 (byte 1048576 on) cannot be
# read, but written, while bad_sectors is "on".

modprobe scsi_debug dev_size_mb=16 delay=0 medium_error_start=2048 medium_error_count=8
cleanup 'modprobe -r scsi_debug'
udevadm settle --timeout=20
for BAD in /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*/block/*; do
	BAD=/dev/${BAD##*/}
done
[ -b "$BAD" ] || fail "no disk of scsi_debug"
fill "$BAD" 1

bad_sectors() {
	case $1 in
	on) echo 2 >/sys/bus/pseudo/drivers/scsi_debug/opts ;;
	off) echo 0 >/sys/bus/pseudo/drivers/scsi_debug/opts ;;
	esac
}
