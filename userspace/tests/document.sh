#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Documents on the disk: the schemas are those of the tables, samples fit them, a checksum is
# what everyone computes, and hostile documents do no harm.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"

: "${BUILD:?}"
document=$BUILD/tests/document
schemas=$here/../../Documentation/schema
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# refused KIND FILE WORDS DESC: it is not loaded, and the error says WORDS
refused() {
	local text

	text=$("$document" load "$1" "$2" 2>&1)
	[ $? -eq 1 ] && [[ $text == "cannot "*"$3"* ]]
	result $? "$4"
	[[ $text == *"$3"* ]] || diag "$text"
}

echo KTAP version 1

# --- schemas and samples ---

for kind in metadata backup; do
	name=writer-metadata
	[ $kind = metadata ] || name=backup-components
	"$document" schema $kind >"$scratch/$name.schema.json"
	cmp -s "$scratch/$name.schema.json" "$schemas/$name.schema.json"
	result $? "Documentation/schema/$name.schema.json is what the tables say"
	"$document" sample $kind >"$scratch/$kind.json"
	"$document" load $kind "$scratch/$kind.json" >"$scratch/log"
	result $? "a sample of $name is loaded"
	if python3 -c 'import jsonschema' 2>/dev/null; then
		python3 - "$scratch/$name.schema.json" "$scratch/$kind.json" >"$scratch/log" 2>&1 <<-'END'
		import json, sys
		import jsonschema
		schema, sample = (json.load(open(name)) for name in sys.argv[1:])
		jsonschema.Draft202012Validator.check_schema(schema)
		jsonschema.validate(sample, schema, jsonschema.Draft202012Validator)
		sample["version"] = "7.0"
		try:
		    jsonschema.validate(sample, schema, jsonschema.Draft202012Validator)
		except jsonschema.ValidationError:
		    sys.exit(0)
		sys.exit("the schema accepts another version")
		END
		result $? "and fits the schema"
	else
		result 0 "and fits the schema # SKIP python3-jsonschema is not installed"
	fi
	is "$(jq -cjS 'del(.sha256)' "$scratch/$kind.json" | sha256sum | cut -d' ' -f1)" \
		"$(jq -r .sha256 "$scratch/$kind.json")" "its checksum is what jq and sha256sum say"
	"$document" cut $kind "$scratch/$kind.json" >"$scratch/log"
	result $? "none of its beginnings is accepted"
done

# --- hostile documents: KIND_WORDS.json, where the error says WORDS, with spaces for dashes ---

for file in "$here"/documents/*.json; do
	words=$(basename "$file" .json)
	refused "${words%%_*}" "$file" "$(tr - ' ' <<<"${words#*_}")" "hostile: $words"
done

# --- those too large for the tree ---

{ printf '{"name":"'; head -c 100M /dev/zero | tr '\0' a; printf '"}'; } >"$scratch/huge.json"
refused metadata "$scratch/huge.json" "more than 16 MiB" "100 MB"
{ head -c 8M /dev/zero | tr '\0' '['; } >"$scratch/deep.json"
refused metadata "$scratch/deep.json" "in each other" "eight million arrays in each other"
{ printf '['; yes '[],' | head -n 3000000 | tr -d '\n'; printf '0]'; } >"$scratch/many.json"
refused metadata "$scratch/many.json" "more than 400000 values" "three million arrays"
{ printf '{"a":0'; seq -f ',"%.0f":0' 100000 | tr -d '\n'; printf '}'; } >"$scratch/members.json"
refused metadata "$scratch/members.json" "" "a hundred thousand members"
printf '{"name":"\xc3("}' >"$scratch/latin.json"
refused metadata "$scratch/latin.json" "decode byte 0xc3" "a string that is no UTF-8"
refused metadata /dev/null "line 1" "nothing"
refused metadata / "irectory" "a directory"
is "$("$document" load metadata <(cat "$scratch/metadata.json"); echo $?)" 0 "a pipe can be read"

# --- where memory is short ---

"$BUILD/tests/memory" >"$scratch/log" 2>&1
result $? "where an allocation fails that is told, nothing is half done, and nothing leaks"
grep -v ^ok "$scratch/log" | while IFS= read -r line; do diag "$line"; done

done_testing
