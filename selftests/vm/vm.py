# SPDX-License-Identifier: GPL-2.0-only
"""A throw-away virtual machine: boot it, give it disks, run commands in it."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get("SHADOWCOPY_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
    "shadowcopy")
ARCH = "arm64" if os.environ.get("ARCH") == "arm64" else "amd64"
QEMU = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}[ARCH]
PORTS = 8               # what disks are plugged into where PCI Express is all
SLOW = float(os.environ.get("TIMEOUT_FACTOR", "1"))     # all limits grow by it
BOOT_LIMIT = 90 * SLOW


class VmError(Exception):
    """The machine did not do what it was asked."""


class VmGone(VmError):
    """The machine went away."""


class VmTimeout(VmError):
    """The machine did not answer in time."""


def size(text):
    """Return the number of bytes meant by 64M and the like."""
    match = re.fullmatch(r"(\d+)([KMGT]?)i?B?", text)
    if not match:
        raise ValueError(f"not a size: {text}")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30,
                             "T": 40}[match[2]]


def temporary_directory():
    """Make a directory for disks and sockets, outside of any tmpfs."""
    return tempfile.mkdtemp(prefix="shadowcopy-",
                            dir=os.environ.get("TMPDIR") or "/var/tmp")


class Kernel:
    """The guest's kernel, as the script beside this file prepares it."""

    def __init__(self):
        out = subprocess.run([os.path.join(HERE, "kernel")], check=True,
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True).stdout
        (self.version, self.image, self.modules, self.initramfs,
         self.root) = out.splitlines()


# The emulator runs "rep movsb" a byte at a time, and so is most of the kernel's copying and
# clearing where a processor calls it fast; and it walks five levels of page tables for four.
PROCESSOR = "max,-erms,-fsrm,-la57"


def _kvm_works(kernel):
    """Boot with KVM and see: its device node alone proves nothing."""
    command = [QEMU, "-nodefaults", "-no-user-config", "-no-reboot",
               "-display", "none", "-accel", "kvm", "-cpu", "host",
               "-m", "256", "-serial", "stdio",
               "-kernel", kernel.image, "-initrd", kernel.initramfs,
               "-append", "console=ttyS0 panic=-1 quiet bench.probe"]
    try:
        out = subprocess.run(command, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, timeout=10,
                             stderr=subprocess.DEVNULL, check=False).stdout
    except subprocess.TimeoutExpired:
        return False
    return b"bench: alive" in out


def acceleration(kernel, threads):
    """Return QEMU's arguments for the best accelerator that works here.

    threads is how many processors the machine is to have to itself: emulated ones
    get a thread each only then, since those that wait for each other while the host
    runs neither take twice the time, and more.
    """
    if ARCH == "arm64":
        # Signing pointers by the architected cipher would take half of the time.
        return ["-accel", "tcg,thread=multi,tb-size=512",
                "-cpu", "max,pauth-impdef=on"]
    wanted = os.environ.get("ACCEL")
    if wanted == "icount":      # an instruction takes 1 ns, and idle time nothing
        return ["-accel", "tcg,thread=single,tb-size=512", "-cpu", PROCESSOR,
                "-icount", "shift=0,sleep=off"]
    if not wanted:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            path = os.path.join(CACHE, "accel-" + file.read().strip())
        with open(path, "a+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            wanted = file.read().strip()
            if not wanted:
                usable = os.access("/dev/kvm", os.R_OK | os.W_OK)
                wanted = "kvm" if usable and _kvm_works(kernel) else "tcg"
                file.write(wanted + "\n")
    if wanted == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    version = subprocess.run([QEMU, "--version"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    major = int(re.search(r"version (\d+)", version)[1])
    # Before 10, a guest that patches its own text dies with more threads.
    threads = "multi" if major >= 10 and threads <= len(os.sched_getaffinity(0)) \
        else "single"
    return ["-accel", f"tcg,thread={threads},tb-size=512", "-cpu", PROCESSOR]


def board():
    """Return QEMU's arguments for the machine itself."""
    if ARCH != "arm64":
        return ["-M", "pc"]
    # Root ports, because nothing can be plugged into the root bus itself.
    ports = (f"pcie-root-port,id=port{n},chassis=1,slot={n + 1},addr=0x10.{n},"
             "multifunction=on" for n in range(PORTS))
    return ["-M", "virt,gic-version=3",
            *(word for port in ports for word in ("-device", port))]


class Disk:
    """A disk as a test asks for it: NAME=SIZE[,OPTION...].

    Options: iops=N and bps=SIZE limit its rate; bus=scsi attaches it to a
    SCSI host, bus=nvme makes it an NVMe drive, rather than a virtio disk of
    its own; block=SIZE sets its logical block size; nodiscard takes discard
    away; ro makes it read-only.
    """

    def __init__(self, text):
        name, _, rest = text.partition("=")
        first, *options = rest.split(",")
        if not re.fullmatch(r"[a-z][a-z0-9]*", name):
            raise ValueError(f"not a name for a disk: {text}")
        self.name = name
        self.size = size(first)
        self.options = {}
        for option in options:
            key, _, value = option.partition("=")
            if key not in ("iops", "bps", "bus", "block", "nodiscard", "ro"):
                raise ValueError(f"not an option of a disk: {option}")
            self.options[key] = value
        if self.bus not in ("virtio", "scsi", "nvme"):
            raise ValueError(f"not a bus for a disk: {text}")
        self.file = None
        self.port = None

    def create(self, directory):
        """Make the sparse file that the disk lives in."""
        self.file = os.path.join(directory, "disk-" + self.name)
        with open(self.file, "wb") as file:
            file.truncate(self.size)

    @property
    def bus(self):
        """Return what it is attached to."""
        return self.options.get("bus", "virtio")


class Lines:
    """Lines from and to a Unix socket that QEMU listens on."""

    def __init__(self, path, process, deadline):
        self.socket = socket.socket(socket.AF_UNIX)
        self.buffer = b""
        while True:
            try:
                self.socket.connect(path)
                return
            except OSError as error:
                if process.poll() is not None:
                    raise VmGone("QEMU did not start") from error
                if time.monotonic() > deadline:
                    raise VmTimeout("QEMU does not listen") from error
                time.sleep(0.02)

    def send(self, line):
        """Send one line."""
        try:
            self.socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise VmGone("the machine is gone") from error

    def receive(self, timeout):
        """Return the next line, or raise VmTimeout or VmGone."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise VmTimeout("no answer in time")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError as error:
                raise VmTimeout("no answer in time") from error
            except OSError as error:
                raise VmGone("the machine is gone") from error
            if not data:
                raise VmGone("the machine is gone")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def close(self):
        """Close the socket."""
        self.socket.close()


class Vm:
    """One machine.  One thread boots it, uses it and kills it.

    Commands' output goes where out says: "log" (a file in results), "port"
    (this process' standard output, live) or "tty" (the user's terminal).
    """

    def __init__(self, kernel, results, mem=1024, cpus=2, kargs="",
                 out="log", root="", beside=0):
        self.kernel = kernel
        self.root = root
        self.results = results
        self.mem = mem
        self.cpus = cpus
        self.beside = beside    # machines that run at the same time
        self.kargs = kargs
        self.out = out
        self.directory = temporary_directory()
        self.console = os.path.join(self.directory, "console")
        self.process = None
        self.qmp = None
        self.qmp_lock = threading.Lock()
        self.ctl = None
        self.disks = {}
        self.cut = False

    # -- starting and stopping

    def _modules(self):
        if self.root:
            return f"{self.root}/lib/modules/{self.kernel.version}"
        return self.kernel.modules

    def _command(self):
        where = self.directory
        tree = "local,readonly=on,security_model=none,multidevs=remap"
        console = "ttyAMA0" if ARCH == "arm64" else "ttyS0"
        append = (f"console={console} loglevel=5 printk.devkmsg=on log_buf_len=4M "
                  "oops=panic panic=-1 slab_nomerge mitigations=off "
                  "tsc=nowatchdog random.trust_cpu=on 8250.nr_uarts=1 "
                  "cryptomgr.notests "
                  f"raid=noautodetect bench.tree={TREE} "
                  f"bench.modules={self._modules()} "
                  f"bench.root={self.root or self.kernel.root} "
                  f"bench.slow={max(1, round(SLOW))} "
                  f"bench.term={os.environ.get('TERM', 'linux')} "
                  f"{self.kargs}")
        command = ["setpriv", "--pdeathsig", "KILL", "--", QEMU,
                   "-nodefaults", "-no-user-config", "-no-reboot",
                   "-display", "none", *board(),
                   *acceleration(self.kernel, (self.beside + 1) * self.cpus),
                   "-m", str(self.mem), "-smp", str(self.cpus),
                   "-kernel", self.kernel.image,
                   "-initrd", self.kernel.initramfs, "-append", append,
                   "-chardev", f"file,id=console,path={self.console}",
                   "-serial", "chardev:console",
                   "-qmp", f"unix:{where}/qmp,server=on,wait=off",
                   "-fsdev", f"{tree},id=host,path=/",
                   "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
                   "-fsdev", "local,security_model=none,id=results,"
                   f"multidevs=remap,path={self.results}",
                   "-device", "virtio-9p-pci,fsdev=results,mount_tag=results",
                   "-device", "virtio-scsi-pci,id=scsi",
                   "-device", "virtio-serial-pci"]
        for port in ("ctl", "host"):
            command += ["-chardev", f"socket,id={port},path={where}/{port},"
                        "server=on,wait=off",
                        "-device",
                        f"virtserialport,chardev={port},name=bench.{port}"]
        if self.out == "tty":
            command += ["-chardev", "stdio,id=tty,signal=off",
                        "-device", "virtconsole,chardev=tty"]
        elif self.out == "port":
            command += ["-chardev", "file,id=out,path=/dev/fd/1,append=on",
                        "-device", "virtserialport,chardev=out,name=bench.out"]
        return command

    def boot(self):
        """Start the machine and wait until it takes commands."""
        deadline = time.monotonic() + BOOT_LIMIT
        with open(os.path.join(self.directory, "qemu"), "wb") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                self._command(), stderr=log,
                stdout=log if self.out == "log" else None,
                stdin=None if self.out == "tty" else subprocess.DEVNULL)
        self.qmp = Lines(f"{self.directory}/qmp", self.process, deadline)
        self.ctl = Lines(f"{self.directory}/ctl", self.process, deadline)
        self.qmp.receive(10)
        self.execute("qmp_capabilities")
        while self.ctl.receive(deadline - time.monotonic()) != "ready":
            pass
        threading.Thread(target=self._serve, daemon=True).start()

    def kill(self):
        """End the machine at once, as by pulling its plug."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        for lines in (self.qmp, self.ctl):
            if lines:
                lines.close()

    def destroy(self):
        """End the machine and remove all that it kept on the host."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- QEMU's monitor

    def execute(self, name, /, **arguments):
        """Run one QMP command and return its answer."""
        with self.qmp_lock:
            self.qmp.send(json.dumps(
                {"execute": name, "arguments": arguments}))
            while True:
                answer = json.loads(self.qmp.receive(30))
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise VmError(f"{name}: {answer['error']['desc']}")

    def attach(self, disk):
        """Plug a disk in."""
        read_only = "ro" in disk.options
        self.execute("blockdev-add", **{
            "node-name": "node-" + disk.name, "driver": "raw",
            "read-only": read_only, "discard": "unmap",
            "cache": {"no-flush": True, "direct": False},
            "file": {"driver": "file", "filename": disk.file,
                     "aio": "threads", "locking": "off",
                     "cache": {"no-flush": True, "direct": False},
                     "discard": "unmap", "read-only": read_only}})
        device = {"id": "disk-" + disk.name, "drive": "node-" + disk.name,
                  "serial": disk.name}
        if "block" in disk.options:
            device["logical_block_size"] = size(disk.options["block"])
            device["physical_block_size"] = device["logical_block_size"]
        if disk.bus == "scsi":
            device |= {"driver": "scsi-hd", "bus": "scsi.0"}
            if "nodiscard" not in disk.options:
                device |= {"discard_granularity": 4096}
        else:
            if ARCH == "arm64":
                disk.port = self._free_port()
                device |= {"bus": disk.port}
            if disk.bus == "nvme":
                device |= {"driver": "nvme"}
            else:
                device |= {"driver": "virtio-blk-pci"}
                if "nodiscard" in disk.options:
                    device |= {"discard": False, "write-zeroes": False}
        self.execute("device_add", **device)
        self.disks[disk.name] = disk
        if "iops" in disk.options or "bps" in disk.options:
            self.limit(disk.name, **{key: size(disk.options[key])
                                     for key in ("iops", "bps")
                                     if key in disk.options})

    def _free_port(self):
        used = {disk.port for disk in self.disks.values()}
        for number in range(PORTS):
            if f"port{number}" not in used:
                return f"port{number}"
        raise VmError(f"no more than {PORTS} disks fit in at a time")

    def _block_device(self, name):
        path = "disk-" + name
        if self.disks[name].bus == "virtio":
            path = f"/machine/peripheral/{path}/virtio-backend"
        return path

    def limit(self, name, iops=0, bps=0):
        """Limit the rate of a disk; 0 is no limit."""
        self.execute("block_set_io_throttle", id=self._block_device(name),
                     iops=iops, iops_rd=0, iops_wr=0,
                     bps=bps, bps_rd=0, bps_wr=0)

    def statistics(self, name):
        """Return what a disk was asked to do, as QEMU counted it."""
        for entry in self.execute("query-blockstats"):
            if entry.get("qdev", "") == self._block_device(name) or \
               entry.get("node-name") == "node-" + name:
                return {key: entry["stats"][key] for key in
                        ("rd_bytes", "wr_bytes", "rd_operations",
                         "wr_operations", "flush_operations",
                         "unmap_bytes", "unmap_operations")}
        raise VmError(f"no statistics for disk {name}")

    def detach(self, name):
        """Pull a disk out, and wait until QEMU has let go of it."""
        with contextlib.suppress(VmError):
            self.execute("device_del", id="disk-" + name)
        deadline = time.monotonic() + 15
        while True:
            try:
                self.execute("blockdev-del", **{"node-name": "node-" + name})
                break
            except VmGone:
                raise
            except VmError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        del self.disks[name]

    # -- the guest

    def _serve(self):
        """Answer what tests in the guest ask of their host."""
        try:
            lines = Lines(f"{self.directory}/host", self.process,
                          time.monotonic() + 5)
            while True:
                request = lines.receive(1 << 20)
                if request == "cut":
                    self.cut = True
                    self.process.kill()
                    return
                try:
                    lines.send(self._answer(request.split()))
                except (VmError, ValueError, KeyError, TypeError) as error:
                    lines.send(f"error {error!r}")
        except VmError:
            pass

    def _answer(self, words):
        verb, name, *rest = words
        if verb == "limit":
            pairs = (word.split("=") for word in rest)
            self.limit(name, **{key: size(value) for key, value in pairs})
            return "ok"
        if verb == "statistics":
            return "ok " + json.dumps(self.statistics(name))
        if verb == "unplug":
            self.detach(name)
            return "ok"
        raise ValueError(f"unknown request {verb}")

    def run(self, ident, command, timeout, stage=0, limit=None):
        """Run a shell command in the guest and return its exit status."""
        disks = ",".join(f"{disk.bus}:{disk.name}" for disk in self.disks.values())
        self.ctl.send(f"run id={ident} timeout={timeout} stage={stage} "
                      f"disks={disks} out={self.out} cmd={command}")
        answer = self.ctl.receive(limit or timeout + 15)
        return int(answer.split()[1])

    def console_since(self, mark):
        """Return the console's text from the last line with mark on."""
        with open(self.console, "rb") as file:
            text = file.read().decode(errors="replace")
        at = text.rfind(mark)
        return text[at:] if at >= 0 else text


def complain(message):
    """Say what went wrong and leave."""
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")
