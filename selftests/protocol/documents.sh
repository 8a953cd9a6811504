# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Documents in tests of the protocol.

class=7e57e57e-0000-4000-8000-7e57e57e57e5	# of test_writer

# metadata NAME DIRECTORY [MEMBERS [COMPONENT-MEMBERS]]: of a writer with one component, in $SCRATCH/NAME.json
metadata() {
	cat >"$SCRATCH/$1.json" <<-EOF
	{"format": "shadowcopy-writer-metadata", "version": "1.0",
	 "class_id": "$class", "instance_id": "$class", "name": "x",
	 "usage": "user-data", "source": "other", "restore_method": "if-can-replace",
	 "participation": "always", ${3:+$3,}
	 "components": [{"type": "file-group", "name": "Data-$1", "selectable": true, ${4:+$4,}
	                 "files": [{"path": "$2", "spec": "*", "recursive": true}]}]}
	EOF
}

# document FILE FILTER
document() {
	jq -r "$2" "$1"
}

# edited TO FROM PYTHON: for requester: a copy of a document is changed, and has a right checksum.
# The document is "doc", the instances of the writers by name are "I", if metadata was gathered.
edited() {
	echo "run:python3 '$SCRATCH/edit.py' '$SCRATCH/$1' '$SCRATCH/$2' '$SCRATCH/answers' '$3'"
}

cat >"$SCRATCH/edit.py" <<'EOF'
import hashlib
import json
import sys

out, source, answers, edit = sys.argv[1:]
I = {}
for line in open(answers):
    for writer in json.loads(line).get("result", {}).get("writers", []):
        I[writer["name"]] = writer["instance"]
doc = json.load(open(source))
doc.pop("sha256", None)
exec(edit)
text = json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
doc["sha256"] = hashlib.sha256(text.encode()).hexdigest()
json.dump(doc, open(out, "w"), ensure_ascii=False)
EOF
