#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the packages in bookworm (Linux 6.1): installed, upgraded, booted, used and purged
# NATIVE
# SLOW
# TIMEOUT: 2400

# shellcheck disable=SC2034 # for lifecycle.sh
SUITE=bookworm
. "$(dirname "$0")/lifecycle.sh"
