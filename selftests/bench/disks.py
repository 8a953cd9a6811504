# SPDX-License-Identifier: GPL-2.0-only
"""The disks of the bench, in the guest: rates that can be set, and counts of I/O.

There are as many as LAYOUT says; the first has two partitions, an origin and a
place for a store on the same disk.  In virtual time they are those of the module
paced; in real time virtio disks that QEMU limits.
"""

import mmap
import os
import struct
import subprocess
import time

MIB = 1 << 20
LAYOUT = {"a": 1024, "b": 448, "c": 64, "d": 64}    # MiB
ORIGIN = 1, 416         # MiB: where on the first disk it begins, and its length
STORE = 417, 448
IOPS = 500
KIB = 51200             # a second
PARAMETERS = "/sys/module/paced/parameters/"


def run(*words, **keywords):
    """Run a command and return what it printed; fail with what it said."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE, check=False, **keywords)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: status {done.returncode}: "
                           f"{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def wait_for(what, check, seconds=60):
    """Wait until a check is true."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.05)


def sectors(device):
    """Return the size of a device."""
    return int(run("blockdev", "--getsz", device))


def write(device, at, size):
    """Write to a device, past the page cache."""
    file = os.open(device, os.O_WRONLY | os.O_DIRECT)
    try:
        with mmap.mmap(-1, size) as buffer:     # which is aligned
            if os.pwrite(file, buffer, at) != size:
                raise RuntimeError(f"{device}: not all could be written")
    finally:
        os.close(file)


def fill(device, mib=None):
    """Write to all of a device."""
    run("dd", "if=/dev/zero", f"of={device}", "bs=1M", "oflag=direct",
        f"count={mib or sectors(device) // 2048}", "conv=notrunc")


class Paced:
    """Disks in memory that keep their rate to the nanosecond."""

    exact = True

    def __init__(self, built):
        sizes = ",".join(str(size) for size in LAYOUT.values())
        run("insmod", f"{built}/selftests/modules/paced.ko", f"mib={sizes}")
        self.nodes = {name: f"/dev/paced{n}" for n, name in enumerate(LAYOUT)}
        self.limits = {name: (0, 0) for name in LAYOUT}

    def limit(self, name, iops=0, kib=0):
        """Limit the rate of a disk; 0 is no limit."""
        self.limits[name] = (iops, kib)
        for file, part in (("iops", 0), ("kib", 1)):
            with open(PARAMETERS + file, "w", encoding="ascii") as out:
                out.write(",".join(str(self.limits[disk][part])
                                   for disk in LAYOUT))


class Throttled:
    """Virtio disks; the host is told their rate by a port."""

    exact = False

    def __init__(self, _built):
        self.nodes = {name: os.environ["DISK_" + name] for name in LAYOUT}
        self.limits = {}
        for port in os.listdir("/sys/class/virtio-ports"):
            path = f"/sys/class/virtio-ports/{port}/name"
            with open(path, encoding="ascii") as file:
                if file.read().strip() == "bench.host":
                    self.port = "/dev/" + port

    def limit(self, name, iops=0, kib=0):
        """Limit the rate of a disk; 0 is no limit."""
        if self.limits.get(name) == (iops, kib):
            return
        self.limits[name] = (iops, kib)
        with open(self.port, "r+b", buffering=0) as port:
            port.write(f"limit {name} iops={iops} bps={kib << 10}\n".encode())
            answer = port.readline().decode().strip()
        if answer != "ok":
            raise RuntimeError(f"the host cannot limit disk {name}: {answer}")


class Disks:
    """All of them, and the parts of the first."""

    def __init__(self, kind, built):
        self.built = built
        self.kind = kind(built)
        self.nodes = self.kind.nodes
        self._partition()
        # From here on nobody but us shall read what comes and goes.
        run("udevadm", "settle", "--timeout=60")
        run("udevadm", "control", "--stop-exec-queue")

    def _partition(self):
        node = self.nodes["a"]
        table = bytearray(512)
        for number, (start, size) in enumerate((ORIGIN, STORE)):
            struct.pack_into("<B3xB3xII", table, 446 + 16 * number, 0, 0x83,
                             start * 2048, size * 2048)
        table[510:512] = b"\x55\xaa"
        with open(node, "r+b", buffering=0) as file:
            file.write(table)
            os.fsync(file.fileno())
        run("udevadm", "settle", "--timeout=60")
        run("blockdev", "--rereadpt", node)
        self.origin, self.same = node + "p1", node + "p2"
        if not node[-1].isdigit():
            self.origin, self.same = node + "1", node + "2"
        wait_for("the partitions", lambda: os.path.exists(self.same))

    def store(self, place):
        """Return where a store lies: "apart" or "same"."""
        return self.same if place == "same" else self.nodes["b"]

    def pace(self, **rates):
        """Give each disk its usual rate, or, by name, another: (IOPS, KiB/s)."""
        for name in LAYOUT:
            self.kind.limit(name, *rates.get(name, (IOPS, KIB)))

    def unleash(self):
        """Take all limits away."""
        for name in LAYOUT:
            self.kind.limit(name)

    def counts(self):
        """Return what each disk was asked to do so far."""
        found = {}
        with open("/proc/diskstats", encoding="ascii") as file:
            lines = {fields[2]: fields
                     for fields in (line.split() for line in file)}
        for name, node in self.nodes.items():
            fields = [int(word) for word in lines[node[len("/dev/"):]][3:]]
            found[name] = {"reads": fields[0], "read_bytes": fields[2] << 9,
                           "writes": fields[4], "write_bytes": fields[6] << 9,
                           "discards": fields[11],
                           "discard_bytes": fields[13] << 9}
        return found

    def quiet(self):
        """Wait until nobody has asked a disk for anything for a while."""
        before = None
        while before != self.counts():
            before = self.counts()
            time.sleep(1.5)


def difference(after, before):
    """Return what disks did between two counts; those that did nothing go."""
    found = {}
    for name, counts in after.items():
        counts = {key: value - before[name][key]
                  for key, value in counts.items()}
        if any(counts.values()):
            found[name] = counts
    return found
