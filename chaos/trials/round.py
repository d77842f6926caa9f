"""One round of kill trials: load from the cannon, kills at seeded moments, then close and audit with the history.

Many small packets and many eligible taps give some hundred wins a second, so that a kill hits an append or a batch.
Recovery is not judged while it goes on: times come from history and ledger, afterwards.
"""

from __future__ import annotations

import logging
import os
import queue
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from chaos.trials.count import BATCHERS, LANE, KillMark, Trial, count, fronts_behind, role_of
from chaos.trials.crowd import Crowd
from chaos.trials.ledger import TrialLedger
from harness.control_client import ControlClient
from harness.engine.config import CannonConfig, ProbeTokens
from harness.engine.process import CannonError, CannonProcess
from harness.engine.recorder import read_history
from harness.errors import Aborted, HarnessError
from harness.guard.kill import REGISTER, registered
from harness.orchestrate import closing
from harness.orchestrate.auditing import audit, sampling
from harness.orchestrate.settle import settle
from harness.stack import PartEvent, Stack
from harness.stack.folder import Folder
from system.contract.api import RoundOrder, RoundPublic, SponsorSplit
from system.contract.audit import OF_PLAYS, AuditReport

log = logging.getLogger(__name__)

WINS_RPS, TAPS_RPS, SLOTS, CONNECTIONS = 500, 1800, 400, 100
TRIAL_S, LAST_S = 2.7, 6.0
"""Room for one trial, of the round's length; and what must be left of the round for the last one."""
FIRST_UID, FORGED_UID, FORGED = 1_000_000, 1 << 40, 20
CALM_S, AFTER_S = (0.4, 1.0), 0.2
"""Between two kills: the seeded wait before the next, and what follows the first signs of recovery."""
NEW_WINS = 40
"""So many more wins since the part was ready are new ones; fewer may have been in flight at the kill."""
AIM_S = 0.4
"""How long a kill of credit or PostgreSQL waits for a batch to be under way."""
RECOVERY_S = 25.0
GONE_S = 10
"""SIGKILL takes milliseconds; a process inside a system call may have to leave the kernel first."""
POLL_S = 0.03
LEAD_S = 4.0
DRAIN_S = 30.0


class TrialBroken(HarnessError):
    """A round of trials that could not be carried out."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """A round's books after its kills. `reasons`: why they do not close, empty when they do."""

    round: int
    wins: int
    lost: int
    doubled: int
    reasons: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def closed(self) -> bool:
        return not self.reasons

    def __str__(self) -> str:
        books = "books close" if self.closed else "BOOKS DO NOT CLOSE: " + "; ".join(self.reasons)
        return f"round {self.round}: {self.wins} wins posted, {self.lost} lost, {self.doubled} doubled; {books}"

    def to_json(self) -> dict[str, Any]:
        """Without the trials."""
        return {
            "round": self.round, "wins": self.wins, "lost": self.lost, "doubled": self.doubled,
            "reasons": list(self.reasons),
        }  # fmt: skip


def play_round(stack: Stack, parts: list[str], random: Random, folder: Path) -> RoundResult:
    """Kills `parts` one after the other, as many as the round has time for, and closes the books.

    Raises TrialBroken, ControlAway, ControlError, Aborted.
    """
    at = stack.addresses
    control = ControlClient.of(stack)
    topology = control.topology()
    length_s = TRIAL_S * len(parts) + LAST_S
    round_ = _arm(control, length_s)
    here = folder / f"round-{round_.round}-{round_.start_us}"
    here.mkdir(parents=True)
    secret = stack.folder.secret / "key"
    samples = here / "history" / "samples.jsonl"
    samples.parent.mkdir()
    ledger = TrialLedger(at.postgres_url, LANE, round_.round)
    try:
        with closing.given_back(control, round_.round), sampling(at, secret, LANE, round_.round, samples):
            config = _config(control, round_, length_s, here, random.getrandbits(32))
            with _Fire(config, stack.folder) as fire:
                fire.until_ready(round_)
                marks = _Killer(stack, fire, ledger, random, round_, topology.cells).carry_out(parts)
                fire.end()
            reasons = _close(control, round_, here / "history", random.getrandbits(32))
        report = audit(at, secret, LANE, (round_.round,), here / "history")
        trials = count(marks, read_history(here / "history"), ledger.postings(), topology)
    finally:
        ledger.close()
        control.close()
    (here / "audit.json").write_text(report.model_dump_json(indent=1))
    return _result(round_.round, report, reasons, tuple(trials))


def _result(round_id: int, report: AuditReport, reasons: list[str], trials: tuple[Trial, ...]) -> RoundResult:
    # The round is fired at without plays: a rule of theirs that had nothing to look at is no reason.
    idle = {finding.code for finding in report.findings if finding.valid is None} & set(OF_PLAYS)
    broken = {one.code: one for one in report.findings if one.valid is not True and one.code not in idle}
    reasons += [f"{code} {finding.valid}: {finding.figure} {finding.first}".strip() for code, finding in broken.items()]
    if not report.rounds or report.rounds[0].residue_fen:
        reasons.append("residue in the round's money")
    return RoundResult(
        round=round_id,
        wins=sum(books.wins_posted for books in report.rounds),
        lost=broken["S4"].violations if "S4" in broken else 0,
        doubled=sum(broken[code].violations for code in ("S3", "S5") if code in broken),
        reasons=tuple(reasons),
        trials=trials,
    )


def _arm(control: ControlClient, length_s: float) -> RoundPublic:
    packets = round(WINS_RPS * length_s)
    small = SponsorSplit(sponsor=1, name="small", classes=((1, packets - packets // 3), (7, packets // 3)))
    now_us = control.now_us()
    return control.create_round(
        RoundOrder(
            lane="live",
            sponsors=(small,),
            start_us=now_us + int(LEAD_S * 1e6),
            duration_ms=round(length_s * 1000),
            release_ms=round(length_s * 1000),
        )
    )


def _config(control: ControlClient, round_: RoundPublic, length_s: float, folder: Path, seed: int) -> CannonConfig:
    users = round_.packets + 4 * SLOTS
    (folder / "tokens").write_text("\n".join(control.tokens("live", FIRST_UID, users)))
    forged = [token[:-1] + ("0" if token[-1] != "0" else "1") for token in control.tokens("live", FORGED_UID, FORGED)]
    (folder / "forged").write_text("\n".join(forged))
    return CannonConfig(
        fronts=tuple(urlsplit(url).netloc for url in control.topology().fronts),
        segments=({"kind": "constant", "rate_rps": TAPS_RPS, "duration_s": length_s, "phase": 1},),
        tokens=str(folder / "tokens"),
        result=str(folder / "cannon.json"),
        slots=SLOTS,
        connections=CONNECTIONS,
        run_id=f"kill9-{round_.round}",
        round=round_.round,
        seed=seed,
        probes=(ProbeTokens("forged", str(folder / "forged"), FORGED),),
        too_fast_share=0.01,
        too_fast_factor=12,  # users change often here; only at this pace is a tap refused in a short round
        taps_after_win=1,
        history=str(folder / "history"),
        kill_file=str(folder / "kill"),
        wait_for_start=True,
        lease_s=5.0,
        queue_timeout_s=2.0,
        timeout_s=3.0,
        drain_s=4.0,
        report_s=0.1,
        ready_timeout_s=20.0,
    )


class _Fire:
    """The cannon and its last report. A context manager; the thread that listens renews its lease."""

    def __init__(self, config: CannonConfig, stack: Folder) -> None:
        self._config = config
        self._register = stack.path / REGISTER
        self._exit = ExitStack()
        self.over = threading.Event()
        """It fires no more."""
        self._cannon = CannonProcess(config, targets=stack.targets)
        self._messages: queue.Queue[str] = queue.Queue()
        self.awards = 0
        self.began_ns = 0

    def __enter__(self) -> _Fire:
        cannon = self._exit.enter_context(self._cannon)
        kill_file = Path(self._config.kill_file or "")
        self._exit.enter_context(registered([self._register], cannon.process.pid, self._config.run_id, kill_file))
        threading.Thread(target=self._hear, name="cannon", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()
        for path in (self._config.tokens, self._config.probes[0].tokens):
            Path(path).unlink(missing_ok=True)

    def _hear(self) -> None:
        leased = time.monotonic()
        try:
            for message in self._cannon.lines():
                if message["event"] == "counts":
                    self.awards = message["awards"]
                else:
                    self._messages.put(message["event"])
                if time.monotonic() - leased > 1 and self._cannon.process.poll() is None:
                    leased = time.monotonic()
                    self._cannon.lease()
        except (CannonError, OSError) as exc:
            log.warning("the cannon is heard of no more: %s", exc)
        finally:
            self.over.set()
            self._messages.put("gone")

    def until_ready(self, round_: RoundPublic) -> None:
        """Loaded and started, and the first win shown."""
        if self._next(self._config.ready_timeout_s) != "ready":
            raise TrialBroken(self._cannon.last_words("the cannon did not come up"))
        self.began_ns = time.monotonic_ns() + max(0, round_.start_us * 1000 - time.time_ns())
        self._cannon.lease()
        self._cannon.start(self.began_ns)
        _until(lambda: self.awards > 0, LEAD_S + RECOVERY_S, "the first win")

    def end(self) -> None:
        """Stops it, where its plan is not over anyway, and waits for its history."""
        with suppress(CannonError):
            self._cannon.stop()
        while self._next(30) != "gone":
            continue

    def _next(self, timeout_s: float) -> str:
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            raise TrialBroken(f"the cannon said nothing for {timeout_s:g} s") from None
        self._cannon.result()


class _Killer:
    """Kills at seeded moments, and notes what was there when it did."""

    def __init__(
        self, stack: Stack, fire: _Fire, ledger: TrialLedger, random: Random, round_: RoundPublic,
        cells: tuple[int, ...],
    ) -> None:  # fmt: skip
        self._cells = cells
        self._stack, self._fire, self._ledger, self._random, self._round = stack, fire, ledger, random, round_
        self._events: list[PartEvent] = []
        stack.events(self._events.append)
        self._crowd = Crowd([int(stack.folder.read_state()["reaper_pid"])])

    def carry_out(self, parts: list[str]) -> list[KillMark]:
        """Until all are done, or the round is nearly over."""
        marks: list[KillMark] = []
        from_ns = self._fire.began_ns
        for part in parts:
            time.sleep(self._random.uniform(*CALM_S))
            if time.time() + LAST_S > self._round.end_us / 1e6:
                break
            if self._fire.over.is_set():
                raise Aborted("the fire was stopped: nothing more is killed")
            marks.append(self._one(part, from_ns))
            from_ns = marks[-1].until_ns
        return marks

    def _one(self, part: str, from_ns: int) -> KillMark:
        self._stack.resume_restart(part)  # its back-off is for crash loops, and these deaths are intended
        pid = self._stack.pid(part)
        self._crowd.begin()
        xid = self._aim(part, pid)
        seen = len(self._events)
        dying = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        kill_ns, wall_us = time.monotonic_ns(), time.time_ns() // 1000
        gone_ns = _gone(dying)
        ready_s = self._until_back(part, seen, wall_us)
        others = self._crowd.cores()
        time.sleep(AFTER_S)
        batch = self._ledger.fate(xid) if xid else ""
        until_ns = time.monotonic_ns()
        return KillMark(part, self._round.round, from_ns, kill_ns, wall_us, until_ns, ready_s, batch, others, gone_ns)

    def _aim(self, part: str, pid: int) -> str:
        """For those who may have a batch open: wait a moment for one. The xid it had when last looked at."""
        role = role_of(part)
        if role not in BATCHERS:
            return ""
        worker = part if role == "credit" else None
        until = time.monotonic() + AIM_S
        while not (xid := self._ledger.open_batch(worker)) and time.monotonic() < until:
            time.sleep(0.001)
        if role == "credit":
            # Frozen, it can send nothing more: what is open now is what its death interrupts.
            os.kill(pid, signal.SIGSTOP)
            xid = self._ledger.open_batch(worker)
        return xid

    def _until_back(self, part: str, seen: int, wall_us: int) -> float | None:
        """Waits until the part is ready again, a win is shown and one is posted; seconds until it was ready."""

        def ready_at() -> float | None:
            again = [e.at for e in self._events[seen:] if e.part == part and e.kind == "restarted"]
            return again[0] if again else None

        awards: list[int] = []
        fronts = fronts_behind(part, self._cells)

        def back() -> bool:
            if self._fire.over.is_set():
                return True  # nobody wins any more
            at = ready_at()
            if at is None:
                return False
            awards.append(self._fire.awards)
            # Fronts of other cells go on winning: among so many more wins, enough are of these fronts.
            fresh = NEW_WINS * len(self._cells) // len(fronts)
            return awards[-1] > awards[0] + fresh and self._ledger.posted_after(int(at * 1e6), fronts)

        # Past the round's end nobody wins any more: nothing further to wait for.
        left_s = min(RECOVERY_S, self._round.end_us / 1e6 - time.time())
        with suppress(TrialBroken):  # what was missing, history and ledger say
            _until(back, left_s, f"{part} back after its kill")
        at = ready_at()
        return None if at is None else round(at - wall_us / 1e6, 3)


def _gone(dying: int) -> int:
    """When the process of this pidfd had ended: what is sent later, it cannot have answered. Closes the pidfd."""
    try:
        ended = select.poll()
        ended.register(dying, select.POLLIN)
        if not ended.poll(GONE_S * 1000):
            raise TrialBroken(f"killed, and still there after {GONE_S} s")
        return time.monotonic_ns()
    finally:
        os.close(dying)


def _until(done: Callable[[], bool], limit_s: float, what: str) -> None:
    until = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > until:
            raise TrialBroken(f"{what}: not within {limit_s:g} s")
        time.sleep(POLL_S)


def _close(control: ControlClient, round_: RoundPublic, history: Path, seed: int) -> list[str]:
    """After the last kill: every user without an answer taps again, the round is closed, over or not. Returns what went
    wrong, in words.
    """
    reasons: list[str] = []
    open_ = settle(control, control.topology(), "live", round_.round, f"kill9-{round_.round}", seed, history, DRAIN_S)
    if open_:
        reasons.append(f"{len(open_)} users never got a definite answer, user {open_[0]} first")
    # What is left of the window is room for trials that took longer: nobody taps any more.
    missing = closing.close(
        control, round_.round, DRAIN_S + 10, ask=lambda: control.ask_close(round_.round, before_end=True)
    )
    if missing:
        reasons.append(f"the close: not within {DRAIN_S + 10:g} s: waits for {missing}")
    return reasons
