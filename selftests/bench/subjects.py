# SPDX-License-Identifier: GPL-2.0-only
"""Who is measured: the bare disk, this module in its states, and the peers.

A subject is set up on an origin and a store, and torn down.  Its device takes
writes; take() makes one more image of it.
"""

import json
import os
import re
import time

from disks import MIB, fill, run, sectors, wait_for


FILLED = 256            # MiB that jobs may overwrite


class Unsupported(Exception):
    """The subject cannot do that; says why."""


class Subject:
    """The bare disk, and what all have in common."""

    def __init__(self, disks, place, origin=None, store=None):
        self.disks = disks
        self.place = place
        self.origin = origin or disks.origin
        self.store = store or disks.store(place)
        self.device = self.origin
        self.images = []

    def set_up(self):
        """Make the device."""

    def take(self):
        """Make an image."""
        self.images.append(self.device)

    def settle(self):
        """Wait until all that was put off is done."""
        self.disks.quiet()

    def counters(self):
        """Return what the subject says of itself."""
        return {}

    def tear_down(self):
        """Undo all."""


class Module(Subject):
    """This module is loaded, and nothing is tracked."""

    def set_up(self):
        module = self.disks.built + "/kmod/shadow.ko"
        for other in run("modinfo", "-F", "depends",
                         module).strip().split(","):
            if other:
                run("modprobe", other)
        run("insmod", module)

    def tear_down(self):
        run("rmmod", "shadow")


class Elsewhere(Module):
    """Another disk is tracked."""

    other = "c"

    def set_up(self):
        super().set_up()
        run("shadowadm", "volume", "track", self.disks.nodes[self.other])

    def tear_down(self):
        run("shadowadm", "volume", "untrack", self.disks.nodes[self.other])
        super().tear_down()


class Tracked(Module):
    """The volume is tracked, and has no shadow."""

    def set_up(self):
        super().set_up()
        run("shadowadm", "volume", "track", self.origin)

    def tear_down(self):
        run("shadowadm", "volume", "untrack", self.origin)
        super().tear_down()


class Shadow(Module):
    """This module, with shadows."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.sets = []

    options = ()                # more of them, for "create"

    def take(self):
        made = json.loads(run("shadowadm", "create", self.origin, "--store",
                              self.store, "--json", *self.options))
        self.sets.append(made)
        self.images.append(made["shadows"][0]["device"])

    def volume(self):
        """Return what the module says of the volume."""
        number = os.stat(self.origin).st_rdev
        number = f"{os.major(number)}:{os.minor(number)}"
        for entry in json.loads(run("shadowadm", "volume", "list",
                                    "--json"))["volumes"]:
            if entry["dev"] == number:
                return entry
        return {}

    def settle(self):
        wait_for("the store", lambda: not self.volume().get("memory"), 120)
        self.disks.quiet()

    def counters(self):
        return self.volume()

    def tear_down(self):
        if self.images:
            run("shadowadm", "delete", "-q", "--all")
        super().tear_down()


class Persistent(Shadow):
    """This module, with persistent shadows."""

    options = ("--persistent",)


class Mapped(Subject):
    """A peer of device-mapper."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.made = []

    def create(self, name, table):
        """Make a device and return its node."""
        run("dmsetup", "create", name, "--table", table)
        self.made.append(name)
        return "/dev/mapper/" + name

    @staticmethod
    def zero(device, size=MIB):
        """Clear the beginning of a device."""
        with open(device, "r+b", buffering=0) as file:
            file.write(bytes(size))
            os.fsync(file.fileno())

    def tear_down(self):
        for name in reversed(self.made):
            run("dmsetup", "remove", "--retry", name)
        # What the next one sees there would have to be lost first.
        self.zero(self.store)


class DmSnapshot(Mapped):
    """dm-snapshot, with chunks of some KiB; persistent or not."""

    def __init__(self, disks, place, chunk, mode, **keywords):
        super().__init__(disks, place, **keywords)
        self.chunk = chunk
        self.mode = mode

    def set_up(self):
        self.device = self.create(
            "origin", f"0 {sectors(self.origin)} snapshot-origin {self.origin}")

    def take(self):
        if self.images:
            raise Unsupported("one copy for each snapshot")
        self.zero(self.store)
        run("dmsetup", "suspend", "origin")
        self.images.append(self.create(
            "image", f"0 {sectors(self.origin)} snapshot {self.origin} "
            f"{self.store} {self.mode} {self.chunk * 2}"))
        run("dmsetup", "resume", "origin")

    def tear_down(self):
        if "Invalid" in run("dmsetup", "status"):
            raise RuntimeError("the snapshot has overflowed")
        self.made.sort(key=("image", "origin").index, reverse=True)
        super().tear_down()


class DmThin(Mapped):
    """dm-thin, with blocks of some KiB; its metadata lie where a store would."""

    def __init__(self, disks, place, chunk, **keywords):
        super().__init__(disks, place, **keywords)
        self.chunk = chunk

    def set_up(self):
        size = sectors(self.origin)
        disk = self.disks.nodes["a"]
        if self.place == "same":
            raise Unsupported("the pool is one place in any case")
        if self.origin != self.disks.origin:
            raise Unsupported("there is one pool")
        room = sectors(disk) - 2048
        data = self.create("data", f"0 {room} linear {disk} 2048")
        meta = self.create("meta", f"0 {64 * 2048} linear {self.store} 0")
        self.zero(meta)
        self.create("pool", f"0 {room} thin-pool {meta} {data} "
                    f"{self.chunk * 2} 0 1 skip_block_zeroing")
        run("dmsetup", "message", "pool", "0", "create_thin 0")
        self.device = self.create("thin", f"0 {size} thin /dev/mapper/pool 0")
        # What is overwritten has to be there.
        fill(self.device, FILLED)

    def take(self):
        number = len(self.images) + 1
        run("dmsetup", "suspend", "thin")
        run("dmsetup", "message", "pool", "0", f"create_snap {number} 0")
        run("dmsetup", "resume", "thin")
        self.images.append(self.create(
            f"image{number}",
            f"0 {sectors(self.origin)} thin /dev/mapper/pool {number}"))

    def settle(self):
        time.sleep(2)           # it commits each second
        super().settle()


def subject(name, disks, place, **keywords):
    """Make a subject by its name: raw, shadow, dm4k, dm64k-n, thin64k..."""
    states = {"raw": Subject, "loaded": Module, "elsewhere": Elsewhere,
              "tracked": Tracked, "shadow": Shadow, "persistent": Persistent}
    if name in states:
        return states[name](disks, place, **keywords)
    match = re.fullmatch(r"(dm|thin)(\d+)k(-n)?", name)
    if not match:
        raise ValueError(f"no such subject: {name}")
    if match[1] == "thin":
        return DmThin(disks, place, int(match[2]), **keywords)
    return DmSnapshot(disks, place, int(match[2]), "N" if match[3] else "P",
                      **keywords)
