"""The gates of the self-test that need no stack: each verdict and exit code, produced on purpose.

A case runs the real command as a process where that is cheap. Otherwise it gives synthetic evidence (`_evidence.py`) to
the real judging code. `how` says which. The code of a case never knows the verdict or exit code that is expected of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from chaos import drill_verdict, fault_ledger
from chaos.drill_verdict import Decided
from harness.bench.servers import free_port
from harness.children import for_children
from harness.errors import HarnessError
from harness.stack.addresses import Addresses
from harness.stack.folder import new_folder
from harness.stack.spawn import die_with_parent
from harness.verdict import Decision, Reason
from harness.waits import REAP_S, killed
from plans.models.drill import Expect
from xiu.commands import _evidence as made

COMMAND, MADE, JUDGED = "command", "made", "judged"
HOW = {
    COMMAND: "the command itself",
    MADE: "the command, over evidence made on purpose",
    JUDGED: "the judging code, over evidence made on purpose",
}
TIMEOUT_S = 100.0
READ_S = 30.0


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a case produced: the verdict (or what kind of end it was), the exit code, and the output."""

    word: str
    exit_code: int
    output: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A case. `word` and `exit_code` are the verdict and the exit code that must come."""

    word: str
    exit_code: int
    why: str
    how: str
    produce: Callable[[Path], CaseResult]

    def good(self, came: CaseResult) -> bool:
        return (came.word, came.exit_code) == (self.word, self.exit_code)


class Broken(HarnessError):
    """The case could not be tried at all."""


def call(place: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the real command in the self-test's own folder, without external parts of the user's environment."""
    return subprocess.run(
        [sys.executable, "-m", "xiu.cli", *words], cwd=place, env=environment(env), capture_output=True,
        encoding="utf-8", timeout=TIMEOUT_S, check=False, preexec_fn=die_with_parent,
    )  # fmt: skip


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """For the processes of the self-test."""
    return for_children(more or {})


def case_result(done: subprocess.CompletedProcess[str], *signs: tuple[str, str]) -> CaseResult:
    """The first verdict whose text stands in the command's output."""
    text = done.stdout + done.stderr
    word = next((word for sign, word in signs if sign in text), "something else")
    return CaseResult(word, done.returncode, text.strip().splitlines()[-1] if text.strip() else "")


# -- through the command


def _forecast(changed: Callable[[], Mapping[str, float | None]], *words: str) -> Callable[[Path], CaseResult]:
    def produce(place: Path) -> CaseResult:
        folder = made.run_folder(place / "runs", changed())
        done = call(place, "forecast", "judge", folder.name, "--json", *words)
        return CaseResult(
            json.loads(done.stdout)["verdict"] if done.stdout else "nothing", done.returncode, done.stderr
        )

    return produce


def _bad_plan(place: Path) -> CaseResult:
    (place / "bad.yaml").write_text("kind: stress\nid: bad\nsead: 1\n")
    return case_result(call(place, "plan", "check", "bad.yaml"), ("bad.yaml:3:", "invalid input"))


def _changed_lock(place: Path) -> CaseResult:
    folder = made.run_folder(place / "runs", made.actuals())
    lock = folder / "forecast.lock.json"
    lock.write_text(lock.read_text().replace('"seed": 15', '"seed": 16'))
    return case_result(call(place, "forecast", "judge", folder.name), ("changed after it was locked", "invalid input"))


def _internal(place: Path) -> CaseResult:
    spoil = "from xiu.commands import doctor\ndoctor.run = lambda args: 1 // 0"
    return case_result(_spoilt(place, spoil, "doctor"), ("internal error: ZeroDivisionError", "internal error"))


def _missing(place: Path) -> CaseResult:
    spoil = "from pathlib import Path\nfrom harness.stack import tools\ntools.TOOLS = Path('nowhere')"
    return case_result(_spoilt(place, spoil, "bench", "front", env={"PATH": ""}), ("is missing", "not ready"))


def _spoilt(
    place: Path, spoil: str, *words: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command, with one thing broken beforehand."""
    code = f"import sys\nfrom xiu import cli\n{spoil}\nsys.exit(cli.main({list(words)!r}))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=place, env=environment(env), capture_output=True, encoding="utf-8",
        timeout=TIMEOUT_S, check=False, preexec_fn=die_with_parent,
    )  # fmt: skip


@contextlib.contextmanager
def children_hear_ctrl_c() -> Iterator[None]:
    """A child that reacts to Ctrl-C. A shell lets its background jobs ignore Ctrl-C, and children inherit that."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if before is signal.SIG_IGN:
            signal.signal(signal.SIGINT, before)


def _ctrl_c(place: Path) -> CaseResult:
    """Ctrl-C while the command waits: its plan is a pipe to which nobody writes."""
    pipe = place / "pipe.yaml"
    os.mkfifo(pipe)
    with children_hear_ctrl_c():
        process = subprocess.Popen(
            [sys.executable, "-m", "xiu.cli", "plan", "check", str(pipe)], cwd=place, env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=die_with_parent,
        )  # fmt: skip
    try:
        writer = _writer(pipe, process)
        process.send_signal(signal.SIGINT)
        # A signal just before a read does not end it: Python looks for one only after the call. So the read ends, too;
        # a command that did not hear the signal would find an empty plan, and say so.
        os.close(writer)
        out, err = process.communicate(timeout=TIMEOUT_S)
    finally:
        killed(process)
        process.communicate(timeout=REAP_S)
    return case_result(subprocess.CompletedProcess([], process.returncode, out, err), ("interrupted", "ABORTED"))


def _writer(pipe: Path, process: subprocess.Popen[str]) -> int:
    """Opens the writing end of the pipe once the command has the reading end, and never writes: the command waits from
    now on.
    """
    deadline = time.monotonic() + READ_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):  # nobody reads yet
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    raise Broken("the command never read its plan")


def _nothing_ran(place: Path) -> CaseResult:
    return case_result(call(place, "audit"), ("no stack has run", "not ready"))


def _external(place: Path) -> CaseResult:
    env = {"XIU_VALKEY_URL": "valkey://127.0.0.1:1/0"}
    done = call(place, "drill", "run", "flush", "--json", env=env)
    return CaseResult(json.loads(done.stdout)["drills"][0]["verdict"] if done.stdout else done.stderr, done.returncode)


def _unhealable(place: Path) -> CaseResult:
    """A fault in the fault ledger: a toxic on somebody else's toxiproxy that is gone."""
    folder = new_folder(place / "var")
    url = f"http://127.0.0.1:{free_port()}"
    at = Addresses.plain(valkey_url="", postgres_url="", toxiproxy_url=url)
    state = {"status": "stopped", "addresses": at.to_json(), "externals": {"toxiproxy": url}}
    (folder / "stack.json").write_text(json.dumps(state))
    detail = {"link": "credit-postgres", "toxics": [], "external": True}
    fault_ledger.enter(folder, fault_ledger.FaultLedgerEntry("N15", "credit-postgres", "refuse", 1.0, 1.0, detail))
    return case_result(call(place, "heal"), ("not healed", "NOT_HEALED"))


# -- through the judging code


def _run(**evidence: object) -> Callable[[Path], CaseResult]:
    return lambda place: _decision_result(made.decided(**evidence))  # type: ignore[arg-type]


def _of(make: Callable[[], Decided]) -> Callable[[Path], CaseResult]:
    return lambda place: _decision_result(make())


def _decision_result(decision: Decision | Decided) -> CaseResult:
    return CaseResult(decision.verdict, decision.exit_code, "; ".join(reason.text for reason in decision.reasons[:1]))


def _because(code: str) -> Reason:
    return Reason(code=code, text=f"{code}, made on purpose")


def _arm(**changed: object) -> Decided:
    """A drill whose two arms and fault are as they should be, except for what is changed."""
    given: dict[str, object] = {"baseline": made.record(), "disturbed": made.record(), "facts": made.facts()}
    return drill_verdict.decide(**{**given, **changed})  # type: ignore[arg-type]


def quick() -> list[Case]:
    """All of them take about ten seconds."""
    broken = made.findings("S4")
    unknown = made.findings("S4", valid="unknown")
    late = Expect.model_validate({"alert": {"name": "CreditStalled", "within": "500ms"}})
    return [*_of_commands(), *_of_runs(broken, unknown), *_of_drills(broken, late)]


def _of_commands() -> list[Case]:
    return [
        Case("PASS", 0, "everything as forecast", MADE, _forecast(made.actuals)),
        Case("WARN", 0, "a latency above expected, within its band", MADE, _forecast(made.between)),
        Case("WARN", 4, "the same under --strict", MADE, _forecast(made.between, "--strict")),
        Case("FAIL", 99, "a latency above its band", MADE, _forecast(made.beyond)),
        Case("NO_DATA", 10, "an indicator without data", MADE, _forecast(lambda: {"offered_rps": None})),
        Case("invalid input", 2, "a plan with an unknown key", COMMAND, _bad_plan),
        Case("invalid input", 2, "a forecast changed after it was locked", MADE, _changed_lock),
        Case("internal error", 1, "a command that breaks", COMMAND, _internal),
        Case("ABORTED", 3, "Ctrl-C", COMMAND, _ctrl_c),
        Case("not ready", 5, "an audit where no stack has run", COMMAND, _nothing_ran),
        Case("not ready", 5, "a bench without its tool", COMMAND, _missing),
        Case("SKIPPED", 5, "a drill aimed at somebody's Valkey", COMMAND, _external),
        Case("NOT_HEALED", 99, "a fault on a toxiproxy that is gone", COMMAND, _unhealable),
    ]


def _of_runs(broken: object, unknown: object) -> list[Case]:
    limited = made.late_generator()
    return [
        Case("INVALID", 10, "a generator that was late", JUDGED, _run(invalid=limited)),
        Case("FAIL", 99, "a broken invariant beats a late generator", JUDGED,
             _run(invalid=limited, invariants=broken)),
        Case("ABORTED", 3, "an interruption beats a broken invariant", JUDGED,
             _run(aborted=_because("interrupted"), invariants=broken)),
        Case("NO_DATA", 10, "an invariant nobody can decide", JUDGED, _run(invariants=unknown)),
        Case("NO_DATA", 10, "nothing was judged", JUDGED, _run(indicators=(), invariants=())),
    ]  # fmt: skip


def _of_drills(broken: object, late: Expect) -> list[Case]:
    broke = made.record(made.decided(invariants=broken), invariants=broken)
    limited = made.record(made.decided(invalid=made.late_generator()))
    failing = made.record(made.decided(changed=made.beyond()))
    stopped = made.record(made.decided(aborted=_because("interrupted")))
    warned = made.record(made.decided(warnings=[_because("smaller_share")]))
    return [
        Case("PASS", 0, "drill: seen, healed, seen healed", JUDGED, _of(_arm)),
        Case("WARN", 0, "drill: a warning in one arm", JUDGED, _of(lambda: _arm(baseline=warned))),
        Case("WARN", 4, "the same under --strict", JUDGED, _of(lambda: _arm(baseline=warned, strict=True))),
        Case("ABORTED", 3, "drill: interrupted in an arm", JUDGED, _of(lambda: _arm(baseline=stopped))),
        Case("INVARIANT_BROKEN", 99, "drill: a win lost under the fault", JUDGED, _of(lambda: _arm(disturbed=broke))),
        Case("HARNESS_FAULT", 10, "drill: the generator was the limit", JUDGED, _of(lambda: _arm(disturbed=limited))),
        Case("FAULT_NOT_EFFECTIVE", 10, "drill: no effect was seen", JUDGED,
             _of(lambda: _arm(facts=made.facts(effect_s=None, effect="nothing changed")))),
        Case("UNKNOWN", 10, "drill: no steady state without the fault", JUDGED, _of(lambda: _arm(baseline=failing))),
        Case("NOT_HEALED", 99, "drill: the heal was never seen", JUDGED,
             _of(lambda: _arm(facts=made.facts(heal_seen_s=None)))),
        Case("FAIL", 99, "drill: the alert came late", JUDGED, _of(lambda: _arm(expect=late))),
        Case("SKIPPED", 5, "drill: the part belongs to somebody", JUDGED,
             _of(lambda: drill_verdict.decide(skipped=_because("external")))),
    ]  # fmt: skip


def document(case: Case, came: CaseResult, took_s: float) -> dict[str, object]:
    """A case with its result, for `--json`."""
    fields = {key: value for key, value in asdict(case).items() if key != "produce"}
    return {**fields, "came": came.word, "came_exit_code": came.exit_code, "said": came.output,
            "good": case.good(came), "took_s": round(took_s, 2)}  # fmt: skip
