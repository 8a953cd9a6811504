#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the packages in sid (Linux 7.2): installed, upgraded, booted, used and purged
# NATIVE
# SLOW
# TIMEOUT: 2400

# shellcheck disable=SC2034 # for lifecycle.sh
SUITE=sid
. "$(dirname "$0")/lifecycle.sh"
