#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Hold the map from VSS to the tree: Documentation/vss.rst, or the file that is named.

Each row is there once, its state is a word that there is and agrees with whether Linux can
have it, what is done names a test or says why there is none, what is open names the part of
the plan that it comes with, and every test, file, function, constant and command that the
page names exists.  What a test shows, and whether a row's words are true, is not seen here.
"""

import collections
import glob
import os
import re
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
MAP = os.path.join(TREE, "Documentation/vss.rst")
ROWS = os.path.join(TREE, "selftests/protocol/vss-rows.txt")
USERSPACE = os.path.join(TREE, "userspace")

STATES = ("done", "adapted", "not applicable", "open")
ROW_HEAD = ["ID", "VSS", "state", "tests", "here"]
PART_HEAD = ["part", "what it is"]
PATH = re.compile(
    r"(?:betest|include|lib|shadowadm|shadowd|testwriter|tests|udev|kmod|uapi|userspace|selftests|"
    r"Documentation)(?:/[\w./-]*)?")

Row = collections.namedtuple("Row", "id vss state tests here")


def read(path):
    """Return the text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def tables(text):
    """Yield the simple tables of a page, each a list of rows of cells, the head first."""
    lines = text.splitlines()
    borders = [i for i, line in enumerate(lines)
               if re.fullmatch(r"=+(?:  =+)+", line)]
    for top, middle, bottom in zip(*[iter(borders)] * 3):
        starts = [match.start() for match in re.finditer("=+", lines[top])]
        ends = starts[1:] + [None]
        rows = []
        for line in lines[top + 1:middle] + lines[middle + 1:bottom]:
            cells = [line[start:end].strip()
                     for start, end in zip(starts, ends)]
            if cells[0] or not rows:
                rows.append(cells)
            else:
                rows[-1] = [f"{above} {cell}".strip()
                            for above, cell in zip(rows[-1], cells)]
        yield rows


def margins(text):
    """Find lines of tables that reach from one column into the next."""
    gaps = []
    for number, line in enumerate(text.splitlines(), 1):
        if re.fullmatch(r"=+(?:  =+)+", line):
            gaps = [match.start() for match in re.finditer("  ", line)]
        elif not line:
            gaps = []
        elif any(line[gap:gap + 2].strip() for gap in gaps):
            yield f"line {number}: {line}"


def applicable():
    """Return which rows there are, and whether Linux can have them: {id: Y, Ad or NA}."""
    return dict(line.split() for line in read(ROWS).splitlines()
                if line and not line.startswith("#"))


def identities(rows, wanted):
    """Find rows that are missing, there twice, or not known."""
    count = collections.Counter(row.id for row in rows)
    yield from (f"{i} is missing" for i in wanted if not count[i])
    yield from (f"{i} is there {n} times" for i, n in count.items() if n > 1)
    yield from (f"{i} is no row" for i in count if i not in wanted)


def states(rows, wanted):
    """Find states that are none, or that a row cannot have."""
    for row in rows:
        never = wanted.get(row.id) == "NA"
        if row.state not in STATES:
            yield f"{row.id}: \"{row.state}\" is no state"
        elif never != (row.state == "not applicable"):
            yield (f"{row.id} is \"{row.state}\", "
                   f"but Linux can{'not' * never} have it")


def reasons(rows, parts):
    """Find rows that do not say why: not applicable, open, or without a test."""
    for row in rows:
        named = re.match(r"\*([^*]+)\*(?:[:,]|$)", row.here)
        if row.state == "not applicable" and len(row.here) < 10:
            yield f"{row.id}: no reason why it is not applicable"
        if row.state == "open" and (not named or named[1] not in parts):
            yield f"{row.id}: no part of the plan that it comes with"
        if row.state in ("done", "adapted"):
            if not row.tests:
                yield f"{row.id} is {row.state} and names no test"
            if not row.here:
                yield f"{row.id} is {row.state} and does not say where"


def parts_in_use(rows, parts):
    """Find parts of the plan that bring nothing."""
    named = {name for row in rows for name in re.findall(r"\*([^*:]+)\*", row.here)}
    yield from (f"nothing comes with {name}" for name in parts if name not in named)


def tests(rows):
    """Find tests that are not there."""
    for row in rows:
        reason = re.fullmatch(r"no test: (.*)", row.tests)
        if reason or not row.tests:
            continue
        for name in re.split(r",\s*", row.tests):
            path = (os.path.join(USERSPACE, name) if name.startswith("tests/")
                    else os.path.join(TREE, "selftests", f"{name}.sh"))
            if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or not os.path.isfile(path):
                yield f"{row.id}: there is no test \"{name}\""


def has_command(words):
    """Is there such a command of shadowadm, with this word behind it?"""
    directory = os.path.join(USERSPACE, "shadowadm")
    path = os.path.join(directory, f"cmd_{words[0]}.c")
    if not os.path.exists(path):
        return any(f'.name = "{words[0]}"' in read(other)
                   for other in glob.glob(os.path.join(directory, "cmd_*.c")))
    if len(words) == 1 or not words[1].islower():
        return True
    if words[1].startswith("-"):
        return f'"{words[1].lstrip("-")}"' in "".join(
            read(other) for other in glob.glob(os.path.join(directory, "*.c")))
    return (os.path.exists(os.path.join(directory, f"{words[0]}_{words[1]}.c"))
            or f'"{words[1]}"' in read(path))


def literals(text):
    """Find files, functions, constants and commands that are not there."""
    headers = "".join(
        read(path) for pattern in ("userspace/include/*.h", "uapi/linux/*.h")
        for path in glob.glob(os.path.join(TREE, pattern)))
    known = set(re.findall(r"\w+", headers))
    for literal in sorted(set(re.findall(r"``(.+?)``", " ".join(text.split())))):
        words = literal.split()
        if PATH.fullmatch(literal):
            good = any(os.path.exists(os.path.join(base, literal))
                       for base in (TREE, USERSPACE))
        elif words[0] == "shadowadm":
            good = len(words) == 1 or has_command(words[1:])
        elif re.fullmatch(r"\w+\(\)", literal):
            good = literal[:-2] in known
        elif words[0] in ("struct", "enum") or re.fullmatch(r"SHADOW[A-Z_]+", literal):
            good = words[-1] in known
        else:
            continue
        if not good:
            yield f"there is no {literal}"


def main():
    """Check, and print a line for each thing checked."""
    text = read(sys.argv[1] if len(sys.argv) > 1 else MAP)
    wanted = applicable()
    rows, parts = [], []
    for table in tables(text):
        if table[0] == ROW_HEAD:
            rows += [Row(*cells) for cells in table[1:]]
        elif table[0] == PART_HEAD:
            parts = [cells[0].strip("*") for cells in table[1:]]
    results = (
        ("the columns of tables are kept", margins(text)),
        ("each row is there, once", identities(rows, wanted)),
        ("each has a state that it can have", states(rows, wanted)),
        ("and says what has to be said of that", reasons(rows, parts)),
        ("each part of the plan brings something", parts_in_use(rows, parts)),
        ("the tests that are named exist", tests(rows)),
        ("and so do files, functions, constants and commands", literals(text)),
    )
    failed = False
    for what, found in results:
        wrong = list(found)
        print(f"{'not ok' if wrong else 'ok'} {what}")
        for line in wrong:
            print(f"# {line}")
        failed |= bool(wrong)
    count = collections.Counter(row.state for row in rows)
    print("#", ", ".join(f"{count[state]} {state}" for state in STATES))
    return failed


if __name__ == "__main__":
    sys.exit(main())
