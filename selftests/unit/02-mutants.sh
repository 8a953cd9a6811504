#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the unit tests notice bugs that are planted in what they test
# NATIVE
# SLOW
# TIMEOUT: 1800

exec "$(dirname "$0")/mutants.sh"
