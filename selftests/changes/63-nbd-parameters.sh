#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: nbdkit's plugin: what it says of itself, and of parameters that it does not know
# NATIVE

. "$(dirname "$0")/nbd.sh"

like "$(nbdkit "$PLUGIN" --help)" 'since=BASE' "--help tells the parameters"
nbdkit "$PLUGIN" --dump-plugin >"$SCRATCH/dump"
for line in name=shadow "version=$(<"$TREE/VERSION")" api_version=2 thread_model=parallel \
	magic_config_key=shadow has_extents=1 has_list_exports=1 \
	"shadow_abi_version=$(sed -n 's/^#define SHADOW_ABI_VERSION\t//p' "$TREE/uapi/linux/shadow.h")"; do
	check "--dump-plugin: $line" grep -qx "$line" "$SCRATCH/dump"
done
expect_fail "unknown parameter 'sinc'" nbdkit -f -U "$SCRATCH/s" "$PLUGIN" shadow0 sinc=1
is "$(nm -D --defined-only "$PLUGIN" | awk '$2 ~ /[A-Z]/ { print $3 }')" plugin_init \
	"it gives the server one symbol, and none of the library's"
