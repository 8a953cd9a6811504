#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Send the coordinator documents and descriptors that are none, and print what it says of each.

    hostile.py DOCUMENT

DOCUMENT is one that is good, and that each bad one is made of.  A line for each:
"NAME CODE CAUSE", or "NAME hung-up".
"""

import fcntl
import hashlib
import json
import os
import socket
import sys

SOCKET = "/run/shadowcopy/shadowd.sock"


def memfd(text, seals=0xf):
    """Return a memfd with that in it."""
    fd = os.memfd_create("hostile", os.MFD_CLOEXEC | 2)
    while text:
        text = text[os.write(fd, text):]
    if seals:
        fcntl.fcntl(fd, 1033, seals)
    return fd


def signed(doc):
    """Return the text of a document with the checksum that fits."""
    doc = dict(doc)
    doc.pop("sha256", None)
    text = json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    doc["sha256"] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return json.dumps(doc, ensure_ascii=False).encode("utf-8", "surrogatepass")


def call(peer, number, name, fds, arguments=None):
    """Call something with descriptors, close them, and return the answer."""
    packet = json.dumps({"id": number, "call": name, "arguments": arguments or {}}).encode()
    socket.send_fds(peer, [packet], fds)
    for fd in fds:
        os.close(fd)
    return peer.recv(1 << 20)


def of_component(good, **members):
    """Return the text of the good document with members of a component changed."""
    doc = json.loads(json.dumps(good))
    doc["writers"][0]["components"][0].update(members)
    return signed(doc)


def cases(good):
    """Yield names and descriptors."""
    deep = "[" * 100000
    target = {"path": "/srv", "spec": "*", "destination": "/srv/../../etc"}
    yield "empty", [memfd(b"")]
    yield "zeros", [memfd(b"\0" * 4096)]
    yield "large", [memfd(b'{"format": "' + b"x" * (100 << 20) + b'"}')]
    yield "deep", [memfd(deep.encode())]
    yield "many", [memfd(b"[" + b"0," * 4000000 + b"0]")]
    yield "twice", [memfd(signed(good)[:-1] + b', "mode": "restore"}')]
    yield "bad-utf8", [memfd(signed(good).replace(b"copy", b"c\xffpy", 1))]
    yield "surrogate", [memfd(signed(good).replace(b"shadowcopy", b"\xed\xa0\x80", 1))]
    yield "checksum", [memfd(signed(good).replace(b'"sha256": "', b'"sha256": "0', 1))]
    yield "climbs", [memfd(of_component(good, new_targets=[target]))]
    yield "relative", [memfd(of_component(good, new_targets=[dict(target, destination="etc")]))]
    yield "nul", [memfd(of_component(good, backup_options="a\0b"))]
    yield "version", [memfd(signed(dict(good, version="9.0")))]
    yield "unsealed", [memfd(signed(good), 0)]
    yield "shrinkable", [memfd(signed(good), 8)]
    yield "pipe", [os.pipe()[0]]
    yield "directory", [os.open("/", os.O_RDONLY)]
    yield "path-only", [os.open("/etc/passwd", os.O_PATH)]
    yield "file", [os.open("/etc/passwd", os.O_RDONLY)]
    yield "socket", [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).detach()]
    yield "none", []
    yield "two", [memfd(signed(good)), memfd(signed(good))]


def main():
    """Try them all, each on a connection of its own."""
    with open(sys.argv[1], encoding="utf-8") as file:
        good = json.load(file)
    for name, fds in cases(good):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.settimeout(100)
        peer.connect(SOCKET)
        answer = call(peer, 1, "init-restore", fds)
        if not answer:
            print(name, "hung-up")
            continue
        error = json.loads(answer).get("error")
        print(name, error["code"] if error else "taken", error["cause"] if error else "", flush=True)
        peer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
