#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A requester that calls what its arguments say, one after the other.

    requester.py CALL[:{JSON}] ...      each answer is printed, one line of JSON
    requester.py ... wait:FILE ...      until a file of that name is there
    requester.py ... hold               until standard input ends

An answer that is an error does not end it; the exit status is that of the last call.
"""

import json
import os
import socket
import sys
import time

SOCKET = os.environ.get("SHADOWD_SOCKET", "/run/shadowcopy/shadowd.sock")


def main():
    """Connect, call, print."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(120)
    peer.connect(SOCKET)
    status = 0
    for number, word in enumerate(sys.argv[1:]):
        call, _, arguments = word.partition(":")
        if call == "wait":
            while not os.path.exists(arguments):
                time.sleep(0.02)
            continue
        if call == "hold":
            sys.stdin.read()
            continue
        try:
            if call == "raw":
                peer.send(arguments.encode("utf-8", "surrogateescape"))
            else:
                peer.send(json.dumps({"id": number, "call": call,
                                      "arguments": json.loads(arguments or "{}")}
                                     ).encode())
            answer = peer.recv(1 << 20)
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
