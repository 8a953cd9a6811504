#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the map from VSS to the project has all rows, and what it names is in the tree
# NATIVE

exec python3 "$(dirname "$0")/vss.py"
