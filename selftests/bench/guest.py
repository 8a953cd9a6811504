#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What of the bench runs in the guest: does what rows say, and writes down numbers.

For each row, place, subject and repetition: the subject is set up, the row's steps
are done, and one line of JSON is added to $RESULTS/runs.jsonl.  Nothing is judged
here.
"""

import argparse
import json
import mmap
import os
import random
import re
import shlex
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import disks        # noqa: E402  pylint: disable=wrong-import-position
import subjects     # noqa: E402  pylint: disable=wrong-import-position
from rows import Table  # noqa: E402  pylint: disable=wrong-import-position

FIO_LIMIT = 300         # seconds for one job


class Run:
    """One subject doing one row's steps."""

    def __init__(self, all_disks, row, place, name):
        self.disks = all_disks
        self.row = row
        self.subject = subjects.subject(name, all_disks, place)
        self.rates = {}
        self.counting = None
        self.watch = None
        self.undo = []
        self.result = {}

    def do(self):
        """Do all, and return what was found."""
        self.disks.unleash()
        try:
            self.subject.set_up()
            for step in self.row.steps:
                verb, *words = shlex.split(step)
                getattr(self, "step_" + verb.replace("-", "_"))(*words)
            if self.counting:
                self.disks.unleash()
                self.subject.settle()
                self.result["disks"] = disks.difference(self.disks.counts(),
                                                        self.counting)
            self.result["counters"] = self.subject.counters()
        finally:
            self.disks.unleash()
            for undo in reversed(self.undo):
                undo()
            self.subject.tear_down()
        return self.result

    # -- steps

    def step_take(self, count="1"):
        """Make images."""
        for _ in range(int(count)):
            self.subject.take()

    def step_rate(self, name, iops, kib):
        """Give a disk another rate than the usual; before "go"."""
        self.rates[name] = (int(iops), int(kib))

    def step_go(self):
        """From here on it counts."""
        self.subject.settle()
        self.disks.pace(**self.rates)
        self.counting = self.disks.counts()

    def step_fio(self, *options):
        """Run a job on the device; before "go" to prepare."""
        job = fio(self.subject.device, options)
        if self.counting:
            self.result |= job

    def step_image(self, *options):
        """Run a job on the first image."""
        self.result |= fio(self.subject.images[0], options)

    def step_send(self):
        """Send the first image, if it is one of ours; else read it."""
        if not isinstance(self.subject, subjects.Shadow):
            self.result |= fio(self.subject.images[0],
                               ["--rw=read", "--bs=1m", "--iodepth=4"])
            return
        image = self.subject.images[0]
        with open("/dev/null", "wb") as null:
            done = subprocess.run(
                ["timeout", str(FIO_LIMIT), "shadowadm", "send", image, "--json",
                 "--compress", "none", "--no-progress"], stdout=null,
                stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"shadowadm send: {done.stderr}")
        sent = json.loads(done.stderr)["sent"]
        seconds = sent["duration_ns"] / 1e9
        for entry in json.loads(disks.run("shadowadm", "list",
                                          "--json"))["shadows"]:
            if entry["device"] == image:
                used = entry["size"] - entry["free"]
                self.result["of_used"] = sent["bytes_read"] / used
        self.result |= {"bytes": sent["bytes_read"], "ms": seconds * 1e3,
                        "mib": sent["bytes_read"] / disks.MIB / seconds}

    def step_fill(self, *nodes):
        """Write once to all of some disks, so that they need no memory later."""
        for node in nodes:
            disks.fill(self.disks.nodes[node])

    def step_history(self, count, kib):
        """Take images, and after each overwrite another piece of the device."""
        count, size = int(count), int(kib) << 10
        order = list(range(count))
        random.Random(12345).shuffle(order)
        for piece in order:
            self.subject.take()
            disks.write(self.subject.device, piece * size, size)

    def step_bios(self, count, blocks):
        """Count what it takes to submit bios of a block: reads, then writes."""
        number = os.stat(self.subject.device).st_rdev
        file = "/sys/module/biocost/parameters/run"
        if not os.path.exists(file):
            disks.run("insmod", self.disks.built +
                      "/selftests/modules/biocost.ko")
        for verb in "read", "write":
            found = []
            for _ in range(3):      # the first one fills caches
                with open(file, "w", encoding="ascii") as out:
                    out.write(f"{verb} {os.major(number)}:{os.minor(number)} "
                              f"{count} {blocks}")
                with open(file, encoding="ascii") as result:
                    found.append(int(result.read()) / int(count))
            self.result[verb] = min(found)

    def step_watch(self):
        """From here on note how much memory of the machine goes."""
        self.watch = Watch()

    def step_unwatch(self):
        """Say how much it was, MiB."""
        self.result["pinned"] = self.watch.end()

    def step_ext4(self):
        """Make a filesystem on the device, and mount it."""
        disks.run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,nodiscard",
                  self.subject.device)
        self.mount(self.subject.device, "/run/bench/origin")

    def mount(self, device, where):
        """Mount a filesystem, until the run ends."""
        os.makedirs(where, exist_ok=True)
        disks.run("mount", device, where)
        self.undo.append(lambda: disks.run("umount", where))

    def step_files(self, count, kib):
        """Write new files, and sync."""
        begin = time.monotonic()
        data = bytes(int(kib) << 10)
        for number in range(int(count)):
            with open(f"/run/bench/origin/file{number}", "wb") as file:
                file.write(data)
        os.sync()
        seconds = time.monotonic() - begin
        self.result |= {"ms": seconds * 1e3, "bytes": int(count) * len(data),
                        "mib": int(count) * len(data) / disks.MIB / seconds}

    def step_fstrim(self):
        """Trim the free space."""
        begin = time.monotonic()
        try:
            said = disks.run("fstrim", "-v", "/run/bench/origin")
        except RuntimeError as error:
            raise subjects.Unsupported("takes no discards") from error
        self.result |= {"ms": (time.monotonic() - begin) * 1e3,
                        "bytes": int(re.search(r"\((\d+) bytes", said)[1])}

    def step_changes(self, writes):
        """Write all over a volume of 1 TiB, and read what has changed since."""
        device, tib = "/dev/mapper/huge", 1 << 40
        delta = os.environ["TREE"] + "/selftests/tools/delta"

        def take():
            made = json.loads(disks.run("shadowadm", "create", device, "--store",
                                        "memory:16M", "--no-free-space", "--json"))
            return made["shadows"][0]["uuid"]

        disks.run("modprobe", "dm-zero")
        disks.run("dmsetup", "create", "huge", "--table", f"0 {tib // 512} zero")
        self.undo.append(lambda: disks.run("dmsetup", "remove", "huge"))
        since = take()
        disks.run(delta, "keep", since)
        self.undo.append(lambda: disks.run("shadowadm", "volume", "untrack", device))
        self.undo.append(lambda: disks.run(delta, "drop", since))
        disks.run("shadowadm", "delete", "-q", "--all")
        block = mmap.mmap(-1, 4096)
        file = os.open(device, os.O_WRONLY | os.O_DIRECT)
        try:
            for number in range(int(writes)):
                os.pwritev(file, [block], tib // int(writes) * number)
        finally:
            os.close(file)
        shadow = take()
        self.undo.append(lambda: disks.run("shadowadm", "delete", "-q", "--all"))
        took, runs = disks.run(delta, "time", shadow, since).split()
        if int(runs) != int(writes):
            raise RuntimeError(f"{runs} runs have changed")
        self.result |= {"ms": int(took), "runs": int(runs)}

    def step_instants(self, count):
        """Take sets of four busy filesystems, and delete them."""
        devices = [self.disks.origin] + [self.disks.nodes[name]
                                         for name in "bcd"]
        writers = []
        for number, device in enumerate(devices):
            disks.run("mkfs.ext4", "-q", "-F", "-E",
                      "lazy_itable_init=0,nodiscard", device, "48M")
            where = f"/run/bench/{number}"
            self.mount(device, where)
            disks.fill(where + "/data", 16)
        self.disks.pace()
        for number in range(len(devices)):
            writers.append(subprocess.Popen(    # pylint: disable=consider-using-with
                [*FIO, f"--filename=/run/bench/{number}/data",
                 "--rw=randwrite", "--bs=4k", "--iodepth=4", "--fsync=32",
                 "--rate_iops=50", "--size=16m", "--time_based", "--runtime=3600"],
                stdout=subprocess.DEVNULL))
        try:
            time.sleep(2)
            sets = []
            for _ in range(int(count)):
                sets.append(json.loads(disks.run(
                    "shadowadm", "create", *devices, "--json")))
                print(".", end="", flush=True)
                time.sleep(0.3)
                disks.run("shadowadm", "delete", "-q", sets[-1]["set"])
        finally:
            for writer in writers:
                writer.terminate()
            for writer in writers:
                writer.wait()
        self.result["gate_ms"] = spread(one["gate_ns"] / 1e6 for one in sets)
        self.result["hold_ms"] = spread(one["hold_ns"] / 1e6 for one in sets)


class Watch:
    """Notes the lowest MemAvailable while it lives."""

    def __init__(self):
        disks.run("sync")
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("1")
        self.before = self.lowest = self.available()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    @staticmethod
    def available():
        """Return MemAvailable, MiB."""
        with open("/proc/meminfo", encoding="ascii") as file:
            return int(re.search(r"MemAvailable: *(\d+)", file.read())[1]) / 1024

    def look(self):
        """Look ten times a second."""
        while not self.ended.wait(0.1):
            self.lowest = min(self.lowest, self.available())

    def end(self):
        """Return how much went."""
        self.ended.set()
        self.thread.join()
        return self.before - self.lowest


def spread(values):
    """Return the middle and the end of some values."""
    values = sorted(values)
    return {"n": len(values), "p50": values[len(values) // 2],
            "max": values[-1]}


FIO = ["fio", "--name=job", "--ioengine=libaio", "--direct=1",
       "--randseed=12345", "--allrandrepeat=1",
       "--percentile_list=50:90:99:99.9"]


def fio(target, options):
    """Run a job and return what is of interest."""
    out = disks.run("timeout", str(FIO_LIMIT), *FIO, f"--filename={target}",
                    *options, "--output-format=json")
    job = json.loads(out[out.index("{"):])["jobs"][0]
    if job["error"]:
        raise RuntimeError(f"fio: error {job['error']}")
    side = max((job["read"], job["write"]), key=lambda one: one["total_ios"])
    spread = side["clat_ns"].get("percentile", {})
    return {"ios": side["total_ios"], "bytes": side["io_bytes"],
            "ms": side["runtime"], "iops": side["iops"],
            "mib": side["bw_bytes"] / disks.MIB,
            "latency_ms": {key.rstrip("0").rstrip("."): value / 1e6
                           for key, value in spread.items()},
            "latency_max_ms": side["clat_ns"]["max"] / 1e6}


def versions():
    """Return what this machine is."""
    def first(*words):
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False)
        return done.stdout.strip().split("\n")[0]

    return {"kernel": os.uname().release, "machine": os.uname().machine,
            "processors": os.cpu_count(), "fio": first("fio", "--version"),
            "dmsetup": first("dmsetup", "version"),
            "shadowadm": first("shadowadm", "version")}


def main():
    """Do all runs that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", default="")
    parser.add_argument("--who", default="")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    tree = os.environ["TREE"]
    os.environ["PATH"] = (f"{tree}/userspace/build:/usr/sbin:/sbin:" +
                          os.environ["PATH"])
    os.environ["DM_DISABLE_UDEV"] = "1"     # which is stopped: dmsetup makes nodes
    table = Table(options.quick, options.rows, options.who,
                  options.real)
    out = os.environ["RESULTS"] + "/runs.jsonl"
    failed = 0

    def note(entry):
        with open(out, "a", encoding="utf-8") as file:
            json.dump(entry, file)
            file.write("\n")

    note({"machine": versions(), "iops": disks.IOPS, "kib": disks.KIB,
          "layout": disks.LAYOUT})
    # A kernel that is not the default has its modules elsewhere.
    built = f"{tree}/build/{os.uname().release}"
    all_disks = disks.Disks(disks.Throttled if options.real else disks.Paced,
                            built if os.path.isdir(built) else tree)
    # The first use of a program waits for it to be read.
    fio(all_disks.nodes["d"], ["--rw=randwrite", "--bs=4k", "--io_size=64k"])
    for repetition in range(options.repeat):
        for row, place, who in table.runs():
            begin = time.monotonic()
            entry = {"row": row.name, "place": place, "who": who,
                     "repetition": repetition}
            print(f"# {row.name:14} {place:6} {who:10}", end=" ", flush=True)
            try:
                entry |= Run(all_disks, row, place, who).do()
            except subjects.Unsupported as error:
                entry["skipped"] = str(error)
                print(f"- {error}")
            except (RuntimeError, OSError, ValueError) as error:
                entry["error"] = str(error)
                failed += 1
                print(f"FAILED: {error}")
            else:
                print(table.brief(row, entry) +
                      f"  ({time.monotonic() - begin:.0f} s)", flush=True)
            note(entry)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
