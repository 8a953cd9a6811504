#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: library and shadowadm against recorded machines and a module made of nothing
# NATIVE
# TIMEOUT: 400

exec "$(dirname "$0")/../../userspace/tests/run.sh"
