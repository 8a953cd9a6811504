#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what compares images notices every difference
# NATIVE

. "$(dirname "$0")/../lib.sh"

fill "$SCRATCH/a" 1 3
cp "$SCRATCH/a" "$SCRATCH/b"
truncate -s 3073K "$SCRATCH/a" "$SCRATCH/b"
printf x | dd of="$SCRATCH/b" bs=1 seek=$((3073 * 1024 - 1)) conv=notrunc status=none
expect_fail "block 768 differs.*1 of 769 blocks" ora_compare "$SCRATCH/a" "$SCRATCH/b"
truncate -s 3M "$SCRATCH/b"
expect_fail "only 3145728 bytes" ora_compare "$SCRATCH/a" "$SCRATCH/b"
expect_fail "No such file" ora_compare "$SCRATCH/a" "$SCRATCH/none"
check "what is longer may be equal" ora_compare "$SCRATCH/b" "$SCRATCH/a"
