# SPDX-License-Identifier: GPL-2.0-only
"""What the bench shows: a table, all numbers as JSON, a plot."""

import json
import os


def number(value):
    """Return a number in as few digits as say enough."""
    if value is None:
        return ""
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}"


def percent(value):
    """Return a share."""
    return "" if value is None else f"{100 * value:.1f}%"


def lines_of(cells):
    """Align the columns of a table; the first is text."""
    widths = [max(len(row[column]) for row in cells)
              for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) if not column else cell.rjust(width)
                      for column, (cell, width) in
                      enumerate(zip(row, widths))).rstrip() for row in cells]


def text(facts, entries):
    """Return the report as text."""
    peers = []
    for entry in entries:
        peers += [who for who in entry["values"]
                  if who not in ("raw", "shadow") and who not in peers]
    cells = [["row", "store", "raw", "this", "of raw", "limit", "of limit",
              "goal", *peers, "unit", "verdict"]]
    for entry in entries:
        values = entry["values"]
        cells.append([
            entry["title"], entry["place"], number(values.get("raw")),
            number(values.get(entry["subject"])), percent(entry.get("of_raw")),
            number(entry.get("limit")), percent(entry.get("of_limit")),
            number(entry.get("goal")),
            *(number(values.get(who)) for who in peers), entry["unit"],
            entry["verdict"]])
    head = (f"Linux {facts.get('machine', {}).get('kernel', '?')}, "
            f"{facts['clock']} time, "
            f"disks of {facts.get('iops')} I/Os and {facts.get('kib')} KiB a "
            f"second; {facts['tree']}, {facts['date']}, "
            f"{facts['seconds']} s")
    return "\n".join([head, "", *lines_of(cells), ""])


def write(results, facts, table, runs):
    """Print the table, and leave all in a directory."""
    entries = table.evaluate(runs)
    with open(os.path.join(results, "bench.json"), "w",
              encoding="utf-8") as file:
        json.dump(facts | {"rows": entries, "runs": runs}, file, indent=1)
        file.write("\n")
    shown = text(facts, entries)
    with open(os.path.join(results, "table.txt"), "w",
              encoding="utf-8") as file:
        file.write(shown)
    print(shown, end="")
