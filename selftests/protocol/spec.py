#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare the netlink specification with the header: names, numbers, types."""

import os
import re
import sys

import yaml

TREE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
HEADER = os.path.join(TREE, "uapi/linux/shadow_netlink.h")
SPEC = os.path.join(TREE, "Documentation/netlink/specs/shadow.yaml")
KERNEL = os.path.join(TREE, "kmod/netlink.c")


def enum(text, name):
    """Return the members of an enum of the header: {name: number}."""
    body = re.search(rf"enum {name} {{(.*?)\n}};", text, re.DOTALL)[1]
    found, number = {}, -1
    for match in re.finditer(r"^\t(\w+)(?:[ \t]*=[ \t]*(\d+))?,", body,
                             re.MULTILINE):
        number = int(match[2]) if match[2] else number + 1
        if not match[1].startswith("__") and "UNSPEC" not in match[1]:
            found[match[1]] = number
    return found


def c_name(prefix, name):
    """Return what a name of the specification is in C."""
    return (prefix + name).upper().replace("-", "_")


def attribute_types(text):
    """Return what the header's comments say of the attributes."""
    found = {}
    for name, comment in re.findall(r"^\t(SHADOW_NL_A_\w+),\t+/\* (.*?) \*/",
                                    text, re.MULTILINE):
        kind = comment.split(",")[0].split(":")[0]
        found[name] = {"16 bytes": "binary"}.get(kind, kind)
    found["SHADOW_NL_A_PAD"] = "pad"
    return found


def commands_of_kernel():
    """Return which commands the kernel takes: {name: "do" or "dump"}."""
    with open(KERNEL, encoding="utf-8") as file:
        return {name: kind[:-2] for name, kind in re.findall(
            r"\.cmd = (\w+), \.(doit|dumpit)", file.read())}


def main():
    """Compare, and print a line for each thing compared."""
    with open(HEADER, encoding="utf-8") as file:
        header = file.read()
    with open(SPEC, encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    results = []
    for kind in spec["definitions"]:
        if kind["type"] == "const":
            name = c_name("shadow-nl-", kind["name"])
            match = re.search(rf"#define {name}\s+(\d+)", header)
            results.append((name, match and int(match[1]), kind["value"]))
            continue
        name = kind["enum-name"].replace("-", "_")
        results.append((name, enum(header, name), {
            c_name(kind["name-prefix"], entry["name"]): entry["value"]
            for entry in kind["entries"]}))
    attributes = spec["attribute-sets"][0]
    prefix = attributes["name-prefix"]
    results.append(("attributes", enum(header, "shadow_nl_attr"), {
        c_name(prefix, attr["name"]): attr["value"]
        for attr in attributes["attributes"]}))
    results.append(("their types", attribute_types(header), {
        c_name(prefix, attr["name"]): attr["type"]
        for attr in attributes["attributes"]}))
    operations = spec["operations"]
    prefix = operations["name-prefix"]
    results.append(("commands", enum(header, "shadow_nl_cmd"), {
        c_name(prefix, op["name"]): op["value"] for op in operations["list"]}))
    results.append(("commands that the kernel takes", commands_of_kernel(), {
        c_name(prefix, op["name"]): kind for op in operations["list"]
        for kind in ("do", "dump") if kind in op}))
    known = {attr["name"] for attr in attributes["attributes"]}
    used = set()
    for operation in operations["list"]:
        for part in ("do", "dump", "event"):
            body = operation.get(part, {})
            for side in (body, body.get("request", {}), body.get("reply", {})):
                used |= set(side.get("attributes", ()))
    results.append(("attributes that are used", known - {"pad"}, used))
    for what, wanted, got in results:
        print(f"{'ok' if wanted == got else 'not ok'} {what}")
        if wanted != got:
            print(f"header: {wanted}\nspecification: {got}")
    return any(wanted != got for _, wanted, got in results)


if __name__ == "__main__":
    sys.exit(main())
