# SPDX-License-Identifier: GPL-2.0-only
"""The table of rows.toml, and what its numbers amount to."""

import os
import statistics
import tomllib

HERE = os.path.dirname(os.path.realpath(__file__))
SUBJECT = "shadow"      # who is to reach the goals


class Row:
    """One row, as far as it was asked for: full or quick."""

    def __init__(self, table, entry, quick):
        self.name = entry["name"]
        self.title = entry["title"]
        self.places = entry.get("place", ["apart"])
        self.of = entry.get("of")
        self.metric = entry.get("metric", "iops")
        self.unit = entry.get("unit", self.metric)
        self.lower = entry.get("lower", False)
        self.difference = entry.get("difference", False)
        self.subject = entry.get("subject", SUBJECT)
        self.absent = entry.get("absent")
        self.virtual = entry.get("virtual", False)
        self.left_out = quick and "quick" not in entry
        words = entry.get("full", {}) | (entry.get("quick", {}) if quick else {})
        self.words = words
        self.steps = [step.format(**words) for step in entry.get("steps", [])]
        self.paced = not any(step.startswith("rate ") for step in self.steps)
        self.who = entry.get("who") or [
            "raw", SUBJECT, *table["peers"]["quick" if quick else "full"]]
        self._limit = entry.get("limit")
        self._goal = entry.get("goal")

    def _expression(self, text, place, names):
        if isinstance(text, dict):
            text = text.get(place)
        if text is None:
            return None
        try:
            # The expressions are ours, in rows.toml.
            return float(eval(str(text), {"__builtins__": {}}, names))  # pylint: disable=eval-used
        except (TypeError, NameError, KeyError):
            return None         # of a number that was not measured

    def bounds(self, place, raw, others):
        """Return limit and goal, None where there is none."""
        names = {"row": lambda name: others[name, place]}
        if raw is not None:
            names["raw"] = raw
        limit = self._expression(self._limit, place, names)
        if limit is not None:
            names["limit"] = limit
        return limit, self._expression(self._goal, place, names)

    def value(self, run):
        """Return the row's number of a run, None where it has none."""
        if "error" in run or "skipped" in run:
            return None
        metric = getattr(self, "_metric_" + self.metric.replace(".", "_"), None)
        try:
            if metric:
                return metric(run)
            value = run
            for key in self.metric.split("/"):
                value = value[key]
            return float(value)
        except (KeyError, TypeError, ZeroDivisionError):
            return None

    @staticmethod
    def _metric_moved(run):
        """Bytes that disks moved for each byte of the job."""
        moved = sum(counts["read_bytes"] + counts["write_bytes"]
                    for counts in run["disks"].values())
        return moved / run["bytes"]

    @staticmethod
    def _metric_copied(run):
        """MiB read and stored for preservation."""
        return run.get("counters", {}).get("origin_read_bytes", 0) / (1 << 20)

    @staticmethod
    def _metric_index(run):
        """Bytes of memory for each block preserved."""
        counters = run["counters"]
        return counters["index_bytes"] / counters["blocks_preserved"]


class Table:
    """All rows."""

    def __init__(self, quick=False, names="", who="", real=False):
        with open(os.path.join(HERE, "rows.toml"), "rb") as file:
            table = tomllib.load(file)
        names = [name for name in names.split(",") if name]
        who = who.split(",") if who else []
        rows = [Row(table, entry, quick) for entry in table["row"]]
        unknown = set(names) - {row.name for row in rows}
        if unknown:
            raise ValueError(f"no such row: {', '.join(sorted(unknown))}; "
                             f"there are: {', '.join(row.name for row in rows)}")
        self.rows = [row for row in rows
                     if (row.name in names if names else not row.left_out)]
        if real:
            self.rows = [row for row in self.rows if not row.virtual]
        by_name = {row.name: row for row in rows}
        for row in self.rows:
            row.base = by_name[row.of] if row.of else row
        for row in rows:
            if who:
                row.who = [one for one in row.who if one in who]
        self.measured = list(dict.fromkeys(
            row.base for row in self.rows if not row.absent))

    def runs(self):
        """Yield what is to be run, in an order that spreads what disturbs."""
        for row in self.measured:
            for place in row.places:
                for who in row.who:
                    yield row, place, who

    @staticmethod
    def brief(row, run):
        """Return in some words what came out of a run."""
        value = row.value(run)
        text = "?" if value is None else f"{value:.6g} {row.unit}"
        io = ", ".join(
            f"{name}: {counts['reads']}r {counts['read_bytes'] >> 10}K"
            f" {counts['writes']}w {counts['write_bytes'] >> 10}K"
            for name, counts in run.get("disks", {}).items())
        return f"{text:16} [{io}]"

    @staticmethod
    def disturbed(run, facts):
        """Was the bare disk more than 10 % off its rate?"""
        if "ios" not in run or not facts.get("iops"):
            return False
        least = run["ios"] * 1e3 / facts["iops"]
        least = max(least, run["bytes"] * 1e3 / (facts["kib"] << 10))
        return not 0.9 < run["ms"] / least < 1.1

    def evaluate(self, runs, facts):
        """Return one entry for each row and place, with medians and verdicts."""
        odd = {(run["row"], run["place"]) for run in runs
               if run.get("who") == "raw" and self.disturbed(run, facts)}
        found = []
        others = {}
        for row in self.rows:
            for place in row.places:
                entry = self._evaluate(row, place, runs, others)
                others[row.name, place] = entry["values"].get(row.subject)
                entry["disturbed"] = row.paced and (row.base.name, place) in odd
                if entry["disturbed"]:
                    entry["verdict"] += "; disturbed"
                found.append(entry)
        return found

    @staticmethod
    def _values(row, place, runs, entry):
        """Put the numbers of all runs, and their medians, into an entry."""
        for who in row.base.who:
            values = [row.value(run) for run in runs
                      if (run.get("row"), run.get("place"), run.get("who")) ==
                      (row.base.name, place, who)]
            values = [value for value in values if value is not None]
            if values:
                entry["all"][who] = values
                entry["values"][who] = statistics.median(values)
        raw = entry["values"].get("raw")
        if row.difference and raw is not None:
            entry["values"] = {who: value - raw if who != "raw" else value
                               for who, value in entry["values"].items()}

    def _evaluate(self, row, place, runs, others):
        entry = {"row": row.name, "title": row.title, "place": place,
                 "metric": row.metric, "unit": row.unit, "lower": row.lower,
                 "subject": row.subject, "values": {}, "all": {}}
        if row.absent:
            return entry | {"verdict": row.absent}
        self._values(row, place, runs, entry)
        raw = entry["values"].get("raw")
        ours = entry["values"].get(row.subject)
        limit, goal = row.bounds(place, raw, others)
        entry |= {"limit": limit, "goal": goal}
        if ours is None:
            return entry | {"verdict": "not measured"}
        if limit:
            entry["of_limit"] = ours / limit
        if raw and not row.difference:
            entry["of_raw"] = ours / raw
        if goal is None:
            return entry | {"verdict": "no goal"}
        entry["reached"] = ours <= goal if row.lower else ours >= goal
        entry["verdict"] = "reached"
        if not entry["reached"]:
            short = abs(ours - goal)
            entry["verdict"] = f"{100 * short / goal:.1f} % short of the goal" \
                if goal else f"{short:.3g} {row.unit} short of the goal"
        return entry
