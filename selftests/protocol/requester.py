#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A requester that calls what its arguments say, one after the other.

    requester.py CALL[:{JSON}] ...      each answer is printed, one line of JSON
    requester.py CALL<FILE ...          with a document, CALL>FILE for one that comes
    requester.py ... wait:FILE ...      until a file of that name is there
    requester.py ... run:COMMAND ...    a command of the shell, its output is not an answer
    requester.py ... hold               until standard input ends

An answer that is an error does not end it; the exit status is that of the last call.

It is started hundreds of times on an emulated processor: "python3 -IS" and modules that are
part of the interpreter start in a third of the time that those of the library take.
"""

import _socket
import array
import fcntl
import os
import sys
import time

SOCKET = os.environ.get("SHADOWD_SOCKET", "/run/shadowcopy/shadowd.sock")
SEALS = 0xf                 # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE
LETTERS = "abcdefghijklmnopqrstuvwxyz-"


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
    peer.sendmsg([packet], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", fds))]
                 if fds else [])
    for document in fds:
        os.close(document)
    answer, control, _, _ = peer.recvmsg(1 << 20, _socket.CMSG_SPACE(4))
    for _, _, data in control:
        with open(array.array("i", data)[0], "rb") as file:
            file.seek(0)
            if target:
                with open(target, "wb") as copy:
                    copy.write(file.read())
    return answer


def parse(word):
    """Split CALL, CALL<FILE, CALL>FILE, each perhaps with :ARGUMENTS."""
    end = 0
    while end < len(word) and word[end] in LETTERS:
        end += 1
    direction = word[end] if word[end:end + 1] in ("<", ">") else ""
    file, _, arguments = word[end + len(direction):].partition(":")
    return word[:end], direction, file, arguments


def is_error(answer):
    """Is that what it says?  All answers begin with the id, which is a number or null."""
    return answer.partition(b",")[2].lstrip().startswith(b'"error"')


def main():
    """Connect, call, print."""
    peer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    peer.settimeout(120)
    peer.connect(SOCKET)
    status = 0
    for number, word in enumerate(sys.argv[1:]):
        call, direction, file, arguments = parse(word)
        if call == "wait":
            while not os.path.exists(arguments):
                time.sleep(0.02)
            continue
        if call == "hold":
            sys.stdin.read()
            continue
        if call == "run":
            os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", arguments], os.environ,
                                      file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)]), 0)
            continue
        try:
            if call == "raw":
                packet = os.fsencode(arguments)
            else:
                packet = os.fsencode(f'{{"id":{number},"call":"{call}",'
                                     f'"arguments":{arguments or "{}"}}}')
            answer = exchange(peer, packet, file if direction == "<" else None,
                              file if direction == ">" else None)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        if not answer:
            print("hung up")
            return 3
        print(answer.decode(), flush=True)
        status = 1 if is_error(answer) else 0
    return status


if __name__ == "__main__":
    sys.exit(main())
