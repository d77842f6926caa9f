"""Checks beforehand what on this machine could fail a run: PostgreSQL's user, folders, disk space, ports, locale.

Changes nothing. `/dev/shm` is not checked: no part needs it, since PostgreSQL keeps its shared memory in a file.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness import slices
from harness.environment import hot_path
from harness.errors import EnvironmentNotReady, HarnessError
from harness.guard.room import ANYBODY_WRITES
from harness.stack import ordinary, raise_open_files
from harness.stack.external import externals
from harness.stack.ports import Ports, carries_traffic
from system.contract.compiled import COMPILED, VARIABLE
from xiu.outlet import speaks_every_language

OPEN_FILES_LEAST, OPEN_FILES_NEEDED = 8_192, 512
ROOM_MIB_LEAST, ROOM_MIB_NEEDED = 4_096, 512
"""Bytes for a demo's stores and record; with less than the second, PostgreSQL does not even start."""
MEMORY_MIB_LEAST = 1_536
LOCAL_PORTS_LEAST, LOCAL_PORTS_NEEDED = 10_000, 256
PROCESSES_LEAST = 512
LOCAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
MIB = 1 << 20


@dataclass(frozen=True)
class Need:
    """One line of the answer. `remedy` is the command that helps where something is missing."""

    name: str
    what_for: str
    needed: bool
    found: bool
    version: str = ""
    where: str = ""
    remedy: str = ""


def machine(runs: Path, environment: Mapping[str, str]) -> Iterator[Need]:
    """Every need that is not a program."""
    if "postgres" not in externals(environment):
        yield _account()
    yield _loopback()
    yield _folder("runs", "the record of a run", runs, "--runs DIR, a folder that can be written")
    yield _folder("var", "the data of a stack", Path("var"), "another folder to call xiu in, one that can be written")
    yield _scratch()
    yield _room(runs)
    yield _open_files()
    yield _processes()
    yield _local_ports()
    yield _memory()
    yield _cores()
    yield _slices()
    yield _hot_path()
    yield _locale()


def _account() -> Need:
    name, what_for = "account", "PostgreSQL refuses root, and wants its user named"
    try:
        way = ordinary.prefix()
    except EnvironmentNotReady as exc:
        return Need(name, what_for, True, False, remedy=str(exc))
    how = {"": "this user", "unshare": "a user namespace", "setpriv": "another user: no user namespaces here"}
    return Need(name, what_for, True, True, how[way[0] if way else ""])


def _hot_path() -> Need:
    name, what_for = "hot path", "the front, compiled: more taps from one core"
    try:
        build = hot_path()
    except HarnessError as exc:
        return Need(name, what_for, True, False, remedy=str(exc))
    remedy = f"unset {VARIABLE}" if os.environ.get(VARIABLE) else f"make setup ({build.why})"
    return Need(name, what_for, False, build.kind == COMPILED, str(build), remedy=remedy)


def _loopback() -> Need:
    remedy = ""
    try:
        carries_traffic()
        with Ports(["doctor"]) as ports:
            where = f"127.0.0.1, such as port {ports.by_name['doctor']}"
    except EnvironmentNotReady as exc:
        where, remedy = "", str(exc)
    return Need("loopback", "all traffic", True, not remedy, "", where, remedy)


def _folder(name: str, what_for: str, folder: Path, remedy: str) -> Need:
    """Can the folder be written to, or be made?"""
    try:
        place = _nearest(folder)
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        if not stat.S_IMODE(place.stat().st_mode) & ANYBODY_WRITES:
            raise PermissionError(errno.EACCES, "nobody may write into it")
        tempfile.TemporaryFile(dir=place).close()
    except OSError as exc:
        return Need(name, what_for, True, False, f"{folder}: {exc.strerror or exc}", "", remedy)
    return Need(name, what_for, True, True, "", str(folder))


def _nearest(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    here = folder if folder.is_absolute() else Path(os.getcwd()) / folder
    while not here.exists() and here != here.parent:
        here = here.parent
    return here


def _scratch() -> Need:
    try:
        where = tempfile.gettempdir()
        tempfile.TemporaryFile(dir=where).close()
    except OSError as exc:
        reason = f"{exc.strerror or exc}"
        return Need("scratch", "temporary files", True, False, reason, "", "export TMPDIR=a folder that can be written")
    return Need("scratch", "temporary files", True, True, "", where)


def _room(runs: Path) -> Need:
    try:
        free = min(shutil.disk_usage(_nearest(each)).free for each in (Path("var"), runs)) // MIB
    except OSError as exc:
        return Need("disk", "the stores and the record", True, False, f"{exc.strerror or exc}", "", "a folder that is")
    enough, needed = free >= ROOM_MIB_LEAST, free < ROOM_MIB_NEEDED
    remedy = "" if enough else f"make room: {ROOM_MIB_LEAST} MiB for a demo (old data lies in var/ and runs/)"
    return Need("disk", "the stores and the record", needed, enough, f"{free} MiB free", "", remedy)


def _open_files() -> Need:
    _, files = raise_open_files()
    enough = files >= OPEN_FILES_LEAST
    remedy = "" if enough else f"ulimit -Hn {OPEN_FILES_LEAST} (fewer connections until then)"
    return Need("open files", "5,000 connections", files < OPEN_FILES_NEEDED, enough, str(files), "", remedy)


def _processes() -> Need:
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    enough = soft == resource.RLIM_INFINITY or soft >= PROCESSES_LEAST
    shown = "no limit" if soft == resource.RLIM_INFINITY else str(soft)
    return Need("processes", "a stack and its run", False, enough, shown, "", f"ulimit -u {PROCESSES_LEAST}")


def _local_ports() -> Need:
    what_for = "connections of the generator"
    try:
        first, last = (int(number) for number in LOCAL_PORTS.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return Need("local ports", what_for, False, True, "not told by this system")
    count = last - first + 1
    enough = count >= LOCAL_PORTS_LEAST
    remedy = "" if enough else "sysctl -w net.ipv4.ip_local_port_range='32768 60999' (fewer connections until then)"
    return Need("local ports", what_for, count < LOCAL_PORTS_NEEDED, enough, f"{count} from {first}", "", remedy)


def _memory() -> Need:
    free = psutil.virtual_memory().available // MIB
    enough = free >= MEMORY_MIB_LEAST
    remedy = "" if enough else "end something else, or play a smaller --scale"
    return Need("memory", "the stores, the fronts, the generator", False, enough, f"{free} MiB free", "", remedy)


def _cores() -> Need:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    remedy = "" if cores >= 2 else "no pinning here: latencies are not comparable"
    return Need("cores", "front and generator on one each", False, cores >= 2, str(cores or "?"), "", remedy)


def _slices() -> Need:
    name, what_for = "time slices", "balances answered soon beside a busy front"
    shortest = slices.shortest()
    version = "the kernel's own" if shortest is None else f"{shortest} us"
    return Need(name, what_for, False, shortest is not None, version, "", "" if shortest else "Linux 6.12 or later")


def _locale() -> Need:
    good = speaks_every_language(sys.stdout)
    remedy = "" if good else "export LC_ALL=C.UTF-8 (until then a character it lacks is shown as ?)"
    return Need("locale", "text in any language", False, good, sys.stdout.encoding, "", remedy)
