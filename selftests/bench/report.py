# SPDX-License-Identifier: GPL-2.0-only
"""What the bench shows: a table, all numbers as JSON, a plot."""

import json
import os
import shutil
import subprocess


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


def lines_of(cells, texts=1):
    """Align the columns of a table; the first ones are text."""
    widths = [max(len(row[column]) for row in cells)
              for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) if column < texts else cell.rjust(width)
                      for column, (cell, width) in
                      enumerate(zip(row, widths))).rstrip() for row in cells]


def peers_of(entries):
    """Return who was measured beside the bare disk and who is to reach a goal."""
    found = []
    for entry in entries:
        found += [who for who in entry["values"]
                  if who not in ("raw", "shadow") and who not in found]
    return found


def text(facts, entries):
    """Return the report as text."""
    peers = peers_of(entries)
    cells = [["row", "store", "raw", "this", "of raw", "limit", "of limit",
              "goal", *peers, "unit", "verdict"]]
    for entry in entries:
        values = entry["values"]
        cells.append([
            entry["row"], entry["place"], number(values.get("raw")),
            number(values.get(entry["subject"])), percent(entry.get("of_raw")),
            number(entry.get("limit")), percent(entry.get("of_limit")),
            number(entry.get("goal")),
            *(number(values.get(who)) for who in peers), entry["unit"],
            entry["verdict"]])
    titles = dict((entry["row"], entry["title"]) for entry in entries)
    head = (f"Linux {facts.get('machine', {}).get('kernel', '?')}, "
            f"{facts['clock']} time, "
            f"disks of {facts.get('iops')} I/Os and {facts.get('kib')} KiB a "
            f"second; {facts['tree']}, {facts['date']}, "
            f"{facts['seconds']} s")
    return "\n".join([head, "", *lines_of(cells), "",
                      *lines_of([[name, " ", title] for name, title in
                                 titles.items()], 3), ""])


def counts_text(runs):
    """Return what each disk was asked for, run by run."""
    cells = [["row", "store", "who", "disk", "reads", "KiB read", "writes",
              "KiB written", "discards"]]
    for run in runs:
        for name, counts in run.get("disks", {}).items():
            cells.append([run["row"], run["place"], run["who"], name,
                          str(counts["reads"]), str(counts["read_bytes"] >> 10),
                          str(counts["writes"]),
                          str(counts["write_bytes"] >> 10),
                          str(counts["discards"])])
    return "\n".join(["What the disks were asked for, from the job's begin until "
                      "all that was put off was done; the origin is on disk a, "
                      "a store apart on disk b:", "", *lines_of(cells, 4), ""])


SCRIPT = """
set terminal svg size {width},560 font "sans,12" background "white"
set output "{file}"
set datafile missing "?"
set title "{title}" noenhanced
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set ylabel "per cent of the limit"
set yrange [0:*]
set grid ytics
set key outside top horizontal noenhanced
set xtics rotate by -35 noenhanced
$data << END
{data}
END
plot {series}, \
    $data using 0:2 with points pt 2 ps 0.8 lc "black" title "goal"
"""


def plot(file, facts, entries):
    """Draw, by gnuplot, what share of the limits all reach."""
    entries = [entry for entry in entries
               if entry.get("limit") and not entry["lower"] and
               entry["subject"] in entry["values"]]
    if not entries or not shutil.which("gnuplot"):
        print("bench: no plot: " + ("gnuplot is not installed" if entries else
                                    "no row with a rate was measured"))
        return
    peers = [who for who in peers_of(entries) if who.startswith(("dm", "thin"))]
    lines = []
    for entry in entries:
        shares = [entry["goal"], entry["values"][entry["subject"]],
                  *(entry["values"].get(who) for who in peers)]
        lines.append(" ".join(
            [f'"{entry["row"]} {entry["place"]}"',
             *("?" if value is None else f"{100 * value / entry['limit']:.1f}"
               for value in shares)]))
    series = ", \\\n    ".join(
        f'$data using {column}{":xtic(1)" if column == 3 else ""} title "{who}"'
        for column, who in enumerate(["this", *peers], 3))
    script = SCRIPT.format(
        width=max(700, 90 * len(entries)), file=file, series=series,
        data="\n".join(lines), title=f"Linux {facts['machine']['kernel']}, "
        f"{facts['clock']} time, {facts['date'][:10]}")
    done = subprocess.run(["gnuplot"], input=script, text=True, check=False,
                          stderr=subprocess.PIPE)
    if done.returncode:
        print(f"bench: no plot: gnuplot: {done.stderr.strip()}")


def write(results, facts, table, runs):
    """Print the table, and leave all in a directory."""
    entries = table.evaluate(runs, facts)
    with open(os.path.join(results, "bench.json"), "w",
              encoding="utf-8") as file:
        json.dump(facts | {"rows": entries, "runs": runs}, file, indent=1)
        file.write("\n")
    shown = text(facts, entries)
    with open(os.path.join(results, "table.txt"), "w",
              encoding="utf-8") as file:
        file.write(shown + "\n" + counts_text(runs))
    print(shown, end="")
    plot(os.path.join(results, "bench.svg"), facts, entries)
