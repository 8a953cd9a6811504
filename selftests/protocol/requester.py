#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A requester that calls what its arguments say, one after the other.

    requester.py CALL[:{JSON}] ...      each answer is printed, one line of JSON
    requester.py CALL<FILE ...          with a document, CALL>FILE for one that comes
    requester.py ... wait:FILE ...      until a file of that name is there
    requester.py ... run:COMMAND ...    a command of the shell, its output is not an answer
    requester.py ... hold               until standard input ends

An answer that is an error does not end it; the exit status is that of the last call.
"""

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import time

SOCKET = os.environ.get("SHADOWD_SOCKET", "/run/shadowcopy/shadowd.sock")


SEALS = 0xf                 # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE


def sealed(path):
    """Return a memfd with the contents of a file."""
    with open(path, "rb") as file:
        text = file.read()
    document = os.memfd_create("document", os.MFD_CLOEXEC | 2)
    while text:
        text = text[os.write(document, text):]
    fcntl.fcntl(document, 1033, SEALS)      # F_ADD_SEALS
    return document


def exchange(peer, packet, source, target):
    """Send a packet, perhaps with a document, and return the answer."""
    fds = [sealed(source)] if source else []
    socket.send_fds(peer, [packet], fds)
    for document in fds:
        os.close(document)
    answer, fds, _, _ = socket.recv_fds(peer, 1 << 20, 1)
    for document in fds:
        with open(document, "rb") as file:
            file.seek(0)
            if target:
                with open(target, "wb") as copy:
                    copy.write(file.read())
    return answer


def main():
    """Connect, call, print."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(120)
    peer.connect(SOCKET)
    status = 0
    for number, word in enumerate(sys.argv[1:]):
        call, direction, file, arguments = re.fullmatch(
            r"([a-z-]+)(?:([<>])([^:]+))?(?::(.*))?", word, re.DOTALL).groups()
        if call == "wait":
            while not os.path.exists(arguments or ""):
                time.sleep(0.02)
            continue
        if call == "hold":
            sys.stdin.read()
            continue
        if call == "run":
            subprocess.run(arguments, shell=True, check=False, stdout=2)
            continue
        try:
            if call == "raw":
                packet = arguments.encode("utf-8", "surrogateescape")
            else:
                packet = json.dumps({"id": number, "call": call,
                                     "arguments": json.loads(arguments or "{}")}).encode()
            answer = exchange(peer, packet, file if direction == "<" else None,
                              file if direction == ">" else None)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        if not answer:
            print("hung up")
            return 3
        print(answer.decode(), flush=True)
        status = 1 if "error" in json.loads(answer) else 0
    return status


if __name__ == "__main__":
    sys.exit(main())
