#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a kernel that is locked down refuses the module; doctor says why, and what to do
# KARGS: lockdown=integrity
# EXPECT_LOG: Lockdown: .* is restricted

. "$(dirname "$0")/refused.sh"

mount -t securityfs securityfs /sys/kernel/security
cleanup 'umount /sys/kernel/security'
like "$(cat /sys/kernel/security/lockdown)" '\[integrity\]' "the kernel is locked down"
install_module
expect_fail 'Operation not permitted|Key was rejected|Required key' modprobe shadow
like "$(finding signature)" \
	'^failure: .*the kernel is locked down.*this one is not signed.*mokutil --import' \
	"doctor knows that it is the signature"
sign
expect_fail 'Operation not permitted|Key was rejected|Required key' modprobe shadow
like "$(finding signature)" '^note: .*and the module is signed.*enroll the key' \
	"one that is signed by a key that the kernel does not know"
OUT=$(setpriv --reuid=65534 --regid=65534 --clear-groups shadowadm doctor || true)
like "$OUT" 'note +hook +who else hooks .* only root may look into tracefs.*run it as root' \
	"others than root are told what they cannot see"
