#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a kernel that enforces signatures refuses the module; doctor says why, and what to do
# KARGS: module.sig_enforce=1
# EXPECT_LOG: Loading of (unsigned module|module with unavailable key) is rejected

. "$(dirname "$0")/refused.sh"

like "$(finding module-file)" '^failure: there is no module "shadow" for kernel' \
	"nothing is installed: doctor says so"
install_module
like "$(finding module-file)" "^ok: ${installed//+/[+]}" "doctor finds what was installed"
expect_fail 'Key was rejected|Required key not available' modprobe shadow
like "$(finding signature)" \
	'^failure: .*module.sig_enforce is on.*this one is not signed.*mokutil --import' \
	"doctor knows that it is the signature"
sign
expect_fail 'Key was rejected|Required key not available' modprobe shadow
like "$(finding signature)" '^note: .*and the module is signed.*enroll the key' \
	"one that is signed by a key that the kernel does not know"
like "$(finding loaded)" '^warning: the module is not loaded' "it is not loaded"
expect_fail 'is not loaded' shadowadm list
