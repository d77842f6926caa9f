"""Fires an order through Locust, headless, in a process of its own, and follows what its cannons tell.

Locust takes a second or more to load. It is started first and says when it waits for its order: a round is armed for a
generator that stands ready, and its start is not put off by what a busy machine needs to load a program.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.children import for_children
from harness.engine import shots
from harness.errors import BadInput, EnvironmentNotReady, HarnessError
from harness.journeys.shown import forget, seen
from harness.orchestrate.fire_order import FireOrder, locust_log, wanted
from harness.runs.doors import FAR_LEAD_S, JOIN_S, SHUT, LocustDoors, secret_in
from harness.stack import die_with_parent
from harness.stack.ports import Ports
from harness.waits import killed

MARK = "XIU_GENERATOR"
"""In the environment of a generator and of all that it starts: the run's folder and the round's number."""
POLL_S = 0.1
STOP_DEADLINE_S = 30.0
SILENT_S = 30.0
"""A worker that has told nothing for so long in the middle of its fire stands still."""
ACCOUNTED_S, FORCED_S = 30.0, 5.0
"""Locust's time to end once every account is there, and what one is given that did not take it."""
STAND_DEADLINE_S = 60.0
STAND_POLL_S = 0.02
BAD_INPUT, NOT_READY = 2, 5
"""Exit codes of a Locust whose file is bad, or whose users cannot begin."""
LOCUSTFILE = Path(__file__).resolve().parent.parent / "locustfile.py"


PREFIX = "locustfile: "
"""Begins the line in which a pilot reports the result of its cannon."""


class FireFailed(HarnessError):
    """Locust or a cannon ended badly; the first line says why, the others are its last output. Exit code 10."""

    exit_code = 10


@dataclass(frozen=True, slots=True)
class FireReport:
    """The account of each worker's cannon (see `harness.engine.results.result`), by worker."""

    accounts: tuple[dict[str, Any], ...]


class ProgressTail:
    """Tails a worker's progress file; hands each whole line over once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = b""

    def fresh(self) -> list[dict[str, Any]]:
        """Messages that came since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        self._at += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [message for line in lines if (message := _message(line)) is not None]


def _message(line: bytes) -> dict[str, Any] | None:
    """None for what is no whole message: a disk that is full cuts lines."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and "event" in message else None


class _LastWords:
    """Which worker tells nothing any more, although it is expected to. Nothing is expected of one before its first
    request, nor once it has said that its fire is over: then it may be long until something is told.
    """

    def __init__(self, workers: int, t0_wall_ns: int) -> None:
        begins_s = time.monotonic() + t0_wall_ns / 1e9 - time.time()
        self._at_s = [begins_s] * workers

    def take(self, worker: int, message: Mapping[str, Any]) -> None:
        over = message["event"] in ("over", "done") or self._at_s[worker] == math.inf
        self._at_s[worker] = math.inf if over else max(self._at_s[worker], time.monotonic())

    def silent(self) -> int | None:
        """A worker, if there is one."""
        until_s = time.monotonic() - SILENT_S
        return next((worker for worker, at_s in enumerate(self._at_s) if at_s < until_s), None)


class LocustProcess:
    """One Locust that waits for its order, then fires it. A context manager: nothing of it is left behind.

    One worker is a Locust alone; several are forked by a master (`--processes`), which deals the order out.
    """

    def __init__(
        self,
        folder: Path,
        number: int = 1,
        workers: int = 1,
        file: Path | None = None,
        told: Mapping[str, str] | None = None,
        words: Sequence[str] = (),
        doors: LocustDoors = SHUT,
    ) -> None:
        """`folder`: of the run; `number`: of the round within it; `file`: what Locust runs instead,
        `told`: of the environment, what it is told beside; `words`: Locust's own options; `doors`: where it is open to
        others. Starts the process; raises OSError.
        """
        folder = folder.resolve()  # the process stands elsewhere
        self._order_file, self._log, self._workers = folder / "fire-order.json", locust_log(folder, number), workers
        self._mark = f"{folder}:{number}"
        wanted(self._order_file).unlink(missing_ok=True)
        self._began_s = time.time()
        self._doors, self._flown_s, self._ended = doors, 0.0, False
        crew = doors.crew_words(workers)
        if crew is None:
            crew = ("--processes", str(workers), *_master(workers)) if workers > 1 else ()
        self.patience_s = STOP_DEADLINE_S
        """How long it may take to end in order."""
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "locust",
                    "-f",
                    str(file or LOCUSTFILE),
                    *doors.words,
                    "--only-summary",
                    "--stop-timeout",
                    "20",
                    *words,
                    *crew,
                ],
                cwd=folder,  # no locust.conf is here
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=for_children(
                    {
                        "XIU_FIRE_ORDER": str(self._order_file),
                        MARK: self._mark,
                        "HOME": str(folder),
                        **(secret_in() if doors.workers is not None else {}),
                        **shots.exported(),
                        **(told or {}),
                    }
                ),
                start_new_session=True,
                preexec_fn=die_with_parent,  # it inherits this process's policy; the cannon asks for its own
            )

    def __enter__(self) -> LocustProcess:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._doors.page is not None and self._flown_s and kind is None:
            self._shown()
        self.end()

    def _shown(self) -> None:
        """Until whoever looks has seen the last figures on the page."""
        while self._process.poll() is None and not seen(self._log.parent, self._flown_s):
            time.sleep(POLL_S)
        forget(self._log.parent)

    def end(self) -> None:
        """Ends the process, if it still runs, and whatever it started and left behind. Safe to repeat."""
        _end(self._process, self.patience_s)
        if not self._ended:
            self._ended = True
            with suppress(ProcessLookupError, PermissionError):  # nobody is left
                os.killpg(self._process.pid, signal.SIGKILL)  # its session's group; its id is free only now
            _end_marked(self._mark)
        for file in (self._order_file, wanted(self._order_file)):
            file.unlink(missing_ok=True)

    def _ended_by(self) -> str:
        """How Locust ended, in words."""
        code = self._process.poll()
        if code is None:
            return "Locust still runs"
        return f"Locust's exit code is {code}" if code >= 0 else f"Locust was ended by {signal.Signals(-code).name}"

    def stand(self, given_up: Callable[[], bool] = lambda: False) -> float:
        """Until it waits for its order; how many seconds that took from its start, or as many as hosts are given that
        nobody has measured. Raises FireFailed where it ends before that, takes too long, or is given up; BadInput where
        it says that its file is bad, EnvironmentNotReady where its users cannot begin.
        """
        deadline_s = STAND_DEADLINE_S if self._doors.workers is None else JOIN_S
        until = time.monotonic() + deadline_s
        if told := self._doors.waits_for(self._workers):
            print(f"xiu: {told}", file=sys.stderr, flush=True)
        while not wanted(self._order_file).exists():
            if self._process.poll() == BAD_INPUT:
                raise BadInput(_why(self._log).removeprefix(": ") or f"Locust refuses its file; {_end_of(self._log)}")
            if self._process.poll() == NOT_READY and (why := _why(self._log)):
                raise EnvironmentNotReady(f"{why.removeprefix(': ')}; nothing was measured; see {self._log}")
            if self._process.poll() is not None:
                raise FireFailed(
                    f"the generator ended before its order{_why(self._log)}; {self._ended_by()}; {_end_of(self._log)}"
                )
            if time.monotonic() > until:
                raise FireFailed(f"the generator was not ready within {deadline_s:g} s; {_end_of(self._log)}")
            if given_up():
                raise FireFailed("the run was stopped before its generator was ready")
            time.sleep(STAND_POLL_S)
        if self._doors.workers is not None:
            return FAR_LEAD_S / 2
        return max(0.0, wanted(self._order_file).stat().st_mtime - self._began_s)

    def fire(
        self,
        order: FireOrder,
        deadline_s: float,
        on_message: Callable[[int, dict[str, Any]], None],
        stop: Callable[[], str | None],
    ) -> FireReport:
        """Runs the order to its end; `on_message(worker, message)` for everything that the cannon of a worker says.

        `stop()` is asked ten times a second, to the end; a reason ends the fire at once, the account is still written.
        Raises FireFailed, also when the deadline passes.
        """
        try:
            order.write(self._order_file)
            self._follow(order, deadline_s, on_message, stop)
        finally:
            if not self._flown_s:
                self.end()
            for worker in range(self._workers):
                order.tidy(worker)
        accounts = [order.file("cannon", worker, ".json") for worker in range(self._workers)]
        missing = [str(worker) for worker, account in enumerate(accounts) if not account.exists()]
        if missing:
            which = "the generator" if self._workers == 1 else f"worker {', '.join(missing)} of {self._workers}"
            raise FireFailed(f"{which} left no account{_why(self._log)}; {self._ended_by()}; {_end_of(self._log)}")
        return FireReport(tuple(json.loads(account.read_text()) for account in accounts))

    def _follow(
        self,
        order: FireOrder,
        deadline_s: float,
        on_message: Callable[[int, dict[str, Any]], None],
        stop: Callable[[], str | None],
    ) -> None:
        tails = [ProgressTail(order.file("progress", worker, ".jsonl")) for worker in range(self._workers)]
        began_s, stopped_s, accounted_s = time.monotonic(), math.inf, math.inf
        last_words = _LastWords(self._workers, order.t0_wall_ns)

        def told(worker: int, message: dict[str, Any]) -> None:
            last_words.take(worker, message)
            on_message(worker, message)

        while self._process.poll() is None and not self._flown(order):
            _deliver(tails, told)
            why, now_s = stop(), time.monotonic()
            if self._accounted(order):
                accounted_s = min(accounted_s, now_s)
            if now_s > accounted_s + ACCOUNTED_S:
                self.patience_s = FORCED_S  # whoever keeps it from ending, all that was sent is accounted for
                break
            if stopped_s == math.inf and (worker := last_words.silent()) is not None:
                which = "the generator" if self._workers == 1 else f"worker {worker} of {self._workers}"
                raise FireFailed(f"{which} has told nothing for {SILENT_S:g} s: it stands still; {_end_of(order.log)}")
            if why is not None and stopped_s == math.inf:
                stopped_s = now_s
                # The cannon sees it within 50 ms, writes its account, and Locust ends in order.
                try:
                    (Path(order.folder) / "kill").touch()
                except OSError:  # a full disk does not keep anybody from stopping
                    self._process.terminate()
            if now_s > stopped_s + self.patience_s:
                text = f"the generator did not end within {self.patience_s:g} s of its stop"
                raise FireFailed(f"{text}; {_end_of(order.log)}")
            if stopped_s == math.inf and now_s > began_s + deadline_s:
                raise FireFailed(f"the generator did not end within {deadline_s:g} s; {_end_of(order.log)}")
            time.sleep(POLL_S)
        _deliver(tails, told)

    def _flown(self, order: FireOrder) -> bool:
        """With a page Locust stays: the flight is over when every worker's account is there."""
        if self._doors.page is None:
            return False
        if self._accounted(order):
            self._flown_s = time.time()
        return bool(self._flown_s)

    def _accounted(self, order: FireOrder) -> bool:
        return all(order.file("cannon", worker, ".json").exists() for worker in range(self._workers))


def _deliver(tails: Sequence[ProgressTail], on_message: Callable[[int, dict[str, Any]], None]) -> None:
    for worker, progress in enumerate(tails):
        for message in progress.fresh():
            on_message(worker, message)


def _master(workers: int) -> tuple[str, ...]:
    """A master of this host alone, on a port that nobody listens on; it waits for all of its workers."""
    with Ports(["locust"]) as ports:
        port = str(ports.by_name["locust"])
    return (
        "--expect-workers", str(workers), "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
        "--master-host", "127.0.0.1", "--master-port", port,
    )  # fmt: skip


def _end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            killed(process)


def _end_marked(mark: str) -> None:
    """Ends whoever has this mark in his environment: what a generator started in a session of its own."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                process.kill()


def _why(log: Path) -> str:
    """The pilot's report on its cannon, in a few words; empty if there is none."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.startswith(PREFIX)]
    return f": {lines[-1].removeprefix(PREFIX)}" if lines else ""


def _end_of(log: Path) -> str:
    """Where Locust's own words are, and the last of them in lines below."""
    return "\n".join([f"see {log}", *log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]])
