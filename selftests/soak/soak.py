#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Do at random what can be done to shadows and their volumes, and compare.

Volumes are written all the time; every shadow has an oracle, a copy that was
made while the volume was held.  What may happen to a shadow is known at each
moment: it may be lost only for the reason that was just given, and it is
never wrong.  No write may fail, whatever happens to a store, and the
filesystems are clean at the end.

soak.sh has made the devices; the environment has TIME, SEED and what they
are.  The choices follow from SEED; how fast the machine is does not.
"""

import collections
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

SLOW = float(os.environ.get("SLOW", "1"))
LIMIT = 150 * SLOW      # of any one command
MAX_SHADOWS = 3         # of a volume; a store that is not small has room for all
SCRATCH = os.environ["SCRATCH"]
PARAMETERS = "/sys/module/shadow/parameters"
TROUBLE = re.compile(
    r"WARNING:|\bBUG\b|Oops|general protection|Call Trace|blocked for more|"
    r"lockup|rcu.*stall|EXT4-fs error|XFS .*([Cc]orruption|Internal error)|"
    r"refcount_t:|list_(add|del) corruption|KASAN|UBSAN")


class Wrong(Exception):
    """Something that must not be."""


def run(*command, good=(0,)):
    """Run a command to its end, and return what it has said."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, timeout=LIMIT,
                              stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise Wrong(f"does not end: {' '.join(command)}") from error
    if done.returncode not in good:
        raise Wrong(f"{' '.join(command)}: status {done.returncode}: "
                    f"{done.stdout.strip()}")
    return done.stdout


def settle():
    """Let udev look at what is new."""
    run("udevadm", "settle", "--timeout=30")


def table(name, text):
    """Give a device another table; what is written meanwhile waits."""
    run("dmsetup", "reload", name, "--table", text)
    run("dmsetup", "suspend", "--noflush", "--nolockfs", name)
    run("dmsetup", "resume", name)


class Shadow:
    """A shadow and its oracle."""

    def __init__(self, volume, slot, persistent):
        self.volume = volume
        self.slot = slot
        self.persistent = persistent


class Volume:
    """A volume, its store and its shadows."""

    def __init__(self, text):
        self.name, self.fs, self.kind, self.disk, self.store_disk, slots = \
            text.split(":")
        self.device = f"/dev/mapper/o{self.name}"
        self.store = f"/dev/mapper/s{self.name}"
        self.mnt = f"{SCRATCH}/mnt-{self.name}"
        self.free_slots = slots.split(",")
        self.shadows = {}
        self.allowed = {"store-full"} if self.kind == "small" else set()
        self.quiet = threading.Lock()
        self.worker = None
        self.writes = 0

    @property
    def durable(self):
        """Does its store outlive a detaching?"""
        return self.kind == "durable"

    def size(self):
        """Return its length in sectors."""
        return int(run("blockdev", "--getsz", self.device))

    def mount(self):
        """Mount it, read-write."""
        os.makedirs(self.mnt, exist_ok=True)
        run("mount", self.device, self.mnt)

    def umount(self):
        """Unmount it, though something may still look at it."""
        for _ in range(50):
            if subprocess.run(["umount", self.mnt], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        run("umount", self.mnt)

    def forget(self, uuid):
        """A shadow is no more; its oracle can be another one's."""
        self.free_slots.append(self.shadows.pop(uuid).slot)

    # -- what is written

    def work(self, seed, stop):
        """Write, until told to stop."""
        rng = random.Random(seed)
        try:
            while not stop.is_set():
                with self.quiet:
                    self.write(rng)
                self.writes += 1
                time.sleep(rng.random() / 4)
        except (Wrong, OSError) as error:
            stop.reason = f"writer of {self.name}: {error}"
            stop.set()

    def write(self, rng):
        """Write something."""
        kind = rng.choice(("buffered", "buffered", "direct", "verify", "files",
                           "holes", "trim"))
        fio = ["fio", "--name=w", "--size=8m", "--fallocate=none",
               f"--randseed={rng.randrange(1 << 30)}", f"--io_size={rng.randint(200, 2000)}k"]
        if kind == "buffered":
            run(*fio, f"--filename={self.mnt}/a", "--rw=randwrite",
                "--bsrange=4k-64k", f"--fsync={rng.choice((0, 4, 16))}")
        elif kind == "direct":
            run(*fio, f"--filename={self.mnt}/b", "--rw=randrw", "--bs=4k",
                "--direct=1", "--ioengine=libaio", "--iodepth=8")
        elif kind == "verify":
            run("fio", "--name=v", f"--filename={self.mnt}/v", "--size=2m",
                "--rw=randwrite", "--bsrange=4k-32k", "--verify=crc32c",
                "--do_verify=1", "--verify_fatal=1", "--end_fsync=1")
            with contextlib.suppress(FileNotFoundError):
                os.unlink("local-v-0-verify.state")
        elif kind == "files":
            for name in range(rng.randint(1, 20)):
                with open(f"{self.mnt}/f{rng.randint(0, 40)}", "wb") as file:
                    file.write(rng.randbytes(rng.randint(1, 60000)))
            for name in range(0, 40, rng.randint(2, 9)):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self.mnt}/f{name}")
        elif kind == "holes":
            run("fallocate", "--punch-hole", f"--offset={rng.randint(0, 7)}m",
                "--length=300k", f"{self.mnt}/a")
        elif rng.random() < 0.3:    # all that is free is preserved for it
            run("fstrim", self.mnt)


class Soak:
    """The whole of it."""

    def __init__(self, volumes, seed, seconds):
        self.volumes = volumes
        self.rng = random.Random(seed)
        self.seed = seed
        self.end = time.monotonic() + seconds
        self.stop = threading.Event()
        self.stop.reason = ""
        self.counts = collections.Counter()
        self.told = time.monotonic()
        self.begun = time.monotonic()
        self.last = ""

    # -- what there is, and whether it may be

    @staticmethod
    def listed():
        """Return what the module says of each shadow."""
        answer = json.loads(run("shadowadm", "list", "--json"))
        return {one["uuid"]: one for one in answer["shadows"]}

    def audit(self):
        """Compare what is there with what has to be."""
        there = self.listed()
        for volume in self.volumes:
            for uuid in list(volume.shadows):
                one = there.pop(uuid, None)
                if one is None:
                    if volume.kind != "small":
                        raise Wrong(f"{volume.name}: {uuid} is gone")
                    self.counts["evicted"] += 1
                    volume.forget(uuid)
                elif one["state"] == "lost":
                    if one["reason"] not in volume.allowed:
                        raise Wrong(f"{volume.name}: lost: {one['reason']}")
                    self.counts["lost"] += 1
                    settle()
                    run("shadowadm", "delete", "-q", one["device"])
                    volume.forget(uuid)
                elif one["state"] != "created":
                    raise Wrong(f"{volume.name}: {uuid}: {one['state']}")
        if there:
            raise Wrong(f"nobody has made {list(there)}")

    def all(self):
        """Return all shadows, as pairs."""
        return [(volume, uuid) for volume in self.volumes
                for uuid in volume.shadows]

    def compare(self, volume, uuid):
        """Is a shadow its oracle, or gone as it may be?"""
        one = self.listed().get(uuid)
        status = 2
        if one and one["state"] == "created":
            done = subprocess.run(
                ["ora_compare", one["device"], volume.shadows[uuid].slot],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
            status = done.returncode
        if status == 1:
            raise Wrong(f"{volume.name}: {uuid} is not what it was: "
                        f"{done.stdout}")
        if status == 0:
            self.counts["compared"] += 1
        elif not volume.allowed:
            raise Wrong(f"{volume.name}: {uuid} cannot be read")

    # -- what can be done; each returns False where it cannot be just now

    def make(self, volumes, persistent):
        """Make a set of shadows, and their oracles."""
        for volume in volumes:
            while len(volume.shadows) >= MAX_SHADOWS:
                self.delete(volume)
        words, copies = [], []
        for volume in volumes:
            words += [volume.device, "--store", volume.store, "--freeze"]
            copies.append(f"dd if={volume.device} of={volume.free_slots[0]} "
                          "bs=1M iflag=direct oflag=direct status=none")
        said = run("holder", "--timeout", "60000",
                   *(["--persistent"] if persistent else []), *words, "--",
                   "add", "hold", "exec:" + " && ".join(copies), "take",
                   "release", "keep", "print")
        for number, volume in enumerate(volumes):
            found = re.search(rf"\bshadow{number}=(\S+)", said)
            if not found:
                raise Wrong(f"no shadow: {said}")
            volume.shadows[found[1]] = Shadow(
                volume, volume.free_slots.pop(0), persistent)
        settle()
        return True

    def delete(self, volume):
        """Delete one of them, which may just have gone by itself."""
        uuid = self.rng.choice(list(volume.shadows))
        one = self.listed().get(uuid)
        settle()
        if one:
            run("shadowadm", "delete", "-q", one["device"],
                good=(0, 1, 3, 4) if volume.allowed else (0,))
        if uuid in self.listed():
            raise Wrong(f"{volume.name}: {uuid} was deleted, and is there")
        volume.forget(uuid)

    def delete_all(self, volume):
        """Delete all that a volume has."""
        self.audit()
        while volume.shadows:
            self.delete(volume)

    def do_create(self):
        """A shadow of one volume."""
        volume = self.rng.choice(self.volumes)
        return self.make([volume], volume.durable and
                         (not volume.shadows or self.rng.random() < 0.8))

    def do_create_set(self):
        """One of several volumes; where the store is durable it goes on."""
        return self.make([volume for volume in self.volumes
                          if not volume.durable or 0 < len(volume.shadows)
                          < MAX_SHADOWS], False)

    def do_delete(self):
        """Any shadow."""
        some = [volume for volume in self.volumes if volume.shadows]
        if some:
            self.delete(self.rng.choice(some))
        return bool(some)

    def do_compare(self):
        """Any shadow, while its volume is written."""
        some = self.all()
        if some:
            self.compare(*self.rng.choice(some))
        return bool(some)

    def do_check_image(self):
        """The filesystem in a shadow is clean."""
        some = [(volume, uuid) for volume, uuid in self.all()
                if volume.fs == "ext4" and not volume.allowed]
        if some:
            _, uuid = self.rng.choice(some)
            run("e2fsck", "-fn", self.listed()[uuid]["device"])
        return bool(some)

    def do_overflow(self):
        """More is overwritten than the small store can take."""
        volume = next(one for one in self.volumes if one.kind == "small")
        if not volume.shadows:
            self.make([volume], False)
        with volume.quiet:
            run("fio", "--name=o", "--bs=64k", "--rw=write", "--size=16m",
                f"--filename={volume.mnt}/a:{volume.mnt}/b", "--end_fsync=1")
        self.audit()
        return True

    def do_suspend_store(self):
        """A store does not answer for a while."""
        return self.suspend("s" + self.rng.choice(self.volumes).name)

    def do_suspend_origin(self):
        """A volume does not answer for a while."""
        return self.suspend("o" + self.rng.choice(self.volumes).name)

    def suspend(self, name):
        """Suspend a device, its filesystem frozen or not, and resume it."""
        how = self.rng.choice((["--noflush", "--nolockfs"], ["--nolockfs"], []))
        run("dmsetup", "suspend", *how, name)
        time.sleep(self.rng.random() * 3)
        run("dmsetup", "resume", name)
        self.audit()
        return True

    def do_store_fails(self):
        """Each access to a store ends with an error for a while.

        The shadow is new, so what is written then has to be preserved: what
        a store has lost without saying so would show.
        """
        volume = self.rng.choice(self.volumes)
        self.make([volume], volume.durable and not volume.shadows)
        name, size = "s" + volume.name, int(run("blockdev", "--getsz",
                                                volume.store))
        before = set(volume.allowed)
        volume.allowed.add("store-error")
        table(name, f"0 {size} error")
        run("fio", "--name=e", f"--filename={volume.mnt}/b", "--size=8m",
            "--rw=randwrite", "--bs=16k", "--direct=1", "--io_size=1m",
            f"--randseed={self.rng.randrange(1 << 30)}")
        time.sleep(self.rng.random() * 2)
        table(name, f"0 {size} linear {volume.store_disk} 0")
        self.audit()
        for uuid in list(volume.shadows):
            self.compare(volume, uuid)
        self.delete_all(volume)
        volume.allowed = before
        return True

    def do_origin_read_fails(self):
        """Old data cannot be read, but be overwritten: the shadow is lost."""
        bad = os.environ.get("BAD")
        if not bad:
            return False
        options = "/sys/bus/pseudo/drivers/scsi_debug/opts"
        run("shadowadm", "create", "-q", "--no-free-space", "--store",
            "memory", bad)
        settle()
        mine = {uuid: one for uuid, one in self.listed().items()
                if not any(uuid in volume.shadows for volume in self.volumes)}
        with open(options, "w", encoding="ascii") as file:
            file.write("2")
        run("devio", bad, "write:64k:4k", "write:1m:4k")
        deadline = time.monotonic() + 20 * SLOW
        while True:
            reasons = {self.listed()[uuid].get("reason") for uuid in mine}
            if reasons == {"origin-error"}:
                break
            if time.monotonic() > deadline:
                raise Wrong(f"bad sectors: {reasons}, and not origin-error")
            time.sleep(0.1)
        with open(options, "w", encoding="ascii") as file:
            file.write("0")
        for one in mine.values():
            run("shadowadm", "delete", "-q", one["device"])
        return True

    def do_detach(self):
        """A durable store goes and comes, perhaps after somebody has written."""
        volume = next(one for one in self.volumes if one.durable)
        self.audit()
        if not any(one.persistent for one in volume.shadows.values()):
            self.make([volume], True)
        kept = [uuid for uuid in volume.shadows
                if volume.shadows[uuid].persistent]
        foreign = self.rng.random() < 0.25
        with volume.quiet:
            volume.umount()
            settle()
            run("parts", "detach", volume.device)
            for uuid in set(volume.shadows) - set(kept):
                volume.forget(uuid)
            if foreign:
                volume.mount()
                volume.umount()
                said = run("parts", "attach", volume.device, volume.store,
                           good=(1,))
                if "reason=VOLUME_CHANGED" not in said:
                    raise Wrong(f"somebody has written: {said}")
            said = run("parts", "attach", volume.device, volume.store,
                       *(["lost"] if foreign else []))
            settle()
            wanted = f"shadows={len(kept)} lost={len(kept) if foreign else 0} "
            if not said.startswith(wanted):
                raise Wrong(f"attached: {said}, and not {wanted}")
            if foreign:
                volume.allowed.add("volume-changed")
                self.audit()
                volume.allowed.remove("volume-changed")
                self.counts["foreign"] += 1
            for uuid in list(volume.shadows):
                self.compare(volume, uuid)
            volume.mount()
        return True

    def do_store_parts(self):
        """A volatile store gets another part, and loses it again."""
        volume = next(one for one in self.volumes if one.kind == "device")
        if not volume.shadows:
            self.make([volume], False)
        part = run("parts", "add", volume.device, f"memory:{8 << 20}").split()[-1]
        time.sleep(self.rng.random())
        run("parts", "resize", volume.device, part, "0")
        return True

    def do_sleep(self):
        """All processes are frozen, as the machine does before it sleeps."""
        with open("/sys/power/pm_test", "w", encoding="ascii") as file:
            file.write("freezer")
        # What waits for a command to end is frozen with it; try again then.
        for _ in range(5):
            try:
                with open("/sys/power/state", "w", encoding="ascii") as file:
                    file.write("freeze")
                break
            except OSError:
                time.sleep(1)
        else:
            self.counts["not_asleep"] += 1
        self.audit()
        return True

    def do_parameters(self):
        """The module's parameters change while it works."""
        path = PARAMETERS + "/store_timeout"
        with open(path, "w", encoding="ascii") as file:
            file.write(str(self.rng.choice((30, 60, 120, 600))))
        return True

    # -- all of it

    def progress(self):
        """Say what was done, now and then."""
        if time.monotonic() < self.told + 30:
            return
        self.told += 30
        log = run("dmesg")
        found = TROUBLE.search(log)
        if found:
            raise Wrong(f"the kernel's log has: {found[0]}\n{log[-4000:]}")
        self.tell()

    def tell(self):
        """Say what was done."""
        print(f"# {time.monotonic() - self.begun:.0f} s: " +
              " ".join(f"{name}={count}" for name, count
                       in sorted(self.counts.items())) +
              f" writes={sum(one.writes for one in self.volumes)}",
              flush=True)

    def step(self, name):
        """Do one of the things that can be done."""
        self.last = name
        if getattr(self, "do_" + name)():
            self.counts[name] += 1
        self.audit()
        if self.stop.is_set():
            raise Wrong(self.stop.reason)
        self.progress()

    def go(self):
        """Go on until the time is over."""
        weights = {"create": 6, "create_set": 3, "delete": 4, "compare": 8,
                   "check_image": 2, "overflow": 1, "suspend_store": 2,
                   "suspend_origin": 2, "store_fails": 2, "detach": 2,
                   "origin_read_fails": 1, "store_parts": 1, "sleep": 1,
                   "parameters": 1}
        for number, volume in enumerate(self.volumes):
            volume.mount()
            for name in "abv":
                run("fill", f"{volume.mnt}/{name}", str(number), "8"
                    if name != "v" else "2")
            volume.worker = threading.Thread(
                target=volume.work, args=(f"{self.seed}-{number}", self.stop),
                daemon=True)
            volume.worker.start()
        # Each of them once, whatever the time; then at random.
        first = list(weights)
        self.rng.shuffle(first)
        first = ["create", "create", "create_set", *first]
        for name in first:
            self.step(name)
        while time.monotonic() < self.end:
            self.step(self.rng.choices(list(weights),
                                       list(weights.values()))[0])
        self.last = "the end"
        for volume, uuid in self.all():
            if uuid in volume.shadows:
                self.compare(volume, uuid)
        self.audit()
        self.stop.set()
        for volume in self.volumes:
            volume.worker.join(LIMIT)
            if volume.worker.is_alive():
                raise Wrong(f"the writer of {volume.name} does not end")
        if self.stop.reason:
            raise Wrong(self.stop.reason)
        for volume in self.volumes:
            run("sync", "-f", volume.mnt)
        for volume, uuid in self.all():
            if uuid in volume.shadows:
                self.compare(volume, uuid)
        for volume in self.volumes:
            volume.umount()
            self.delete_all(volume)
            if volume.fs == "ext4":
                run("e2fsck", "-fn", volume.device)
            else:
                run("xfs_repair", "-n", volume.device)
        self.told = 0
        self.progress()


def main():
    """Soak."""
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6))
    seconds = float(os.environ["TIME"])
    print(f"# SEED={seed} TIME={seconds:.0f}", flush=True)
    soak = Soak([Volume(text) for text in os.environ["VOLUMES"].split()], seed,
                seconds)
    try:
        soak.go()
    except Wrong as error:
        print(f"not ok: SEED={seed}, after {time.monotonic() - soak.begun:.0f}"
              f" s, at {soak.last}: {error}", flush=True)
        soak.tell()
        soak.stop.set()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
