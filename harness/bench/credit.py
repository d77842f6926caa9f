"""Bench ``credit``: postings/s from the stream to the commit ÷ a bare binary COPY of the same rows, same batches.

The real worker on real stores, ledger with every index and check, in ``python -m system.benching.bare_credit``;
PostgreSQL and Valkey with the stack's own settings. The stream has the entries that a busy front writes (``ENTRY``).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.bench.common import Report, Say, alternate
from harness.children import for_children
from harness.errors import EnvironmentNotReady
from harness.stack import Stack, die_with_parent, new_folder
from harness.waits import REAP_S, killed

AWARDS = 1_000_000
BATCH = 50_000
ENTRY = 64
"""Records of one entry. `bench wins` (``records_per_entry``) shows how many a front writes when everybody wins."""


class Child:
    """Synthetic control and fronts, in a process of their own: one line of order, one line of answer."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log

    def ask(self, what: str = "") -> dict[str, float]:
        """Its next answer, which must be `what` if given. Raises EnvironmentNotReady with its last output if it
        broke.
        """
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        try:
            if what:
                pipe_in.write(f"{what}\n")
                pipe_in.flush()
        except BrokenPipeError:
            line = ""
        else:
            line = pipe_out.readline()
        if not line:
            tail = self._log.read_text(errors="replace").strip()[-500:]
            raise EnvironmentNotReady(f"the bare credit worker ended: {tail or 'it said nothing'}")
        return dict(json.loads(line))

    def measure(self, what: str) -> float:
        """`post` or `copy`: the rate. Raises EnvironmentNotReady as `ask` does."""
        return self.ask(what)["rate"]


@contextmanager
def played(argv: list[str], log: Path, env: Mapping[str, str] = {}) -> Iterator[Child]:
    """A program of `system.benching`, ended with the block."""
    with log.open("w", encoding="utf-8") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            encoding="utf-8",
            env=for_children(env),
            preexec_fn=die_with_parent,
        )
    try:
        yield Child(process, log)
    finally:
        killed(process)
        process.communicate(timeout=REAP_S)


@contextmanager
def bare_credit(folder: Path, awards: int, entry: int) -> Iterator[Child]:
    """Fresh stores with a worker on them, ended with the block."""
    with Stack(new_folder(folder), parts="stores", environment={}) as stack:
        argv = ["system.benching.bare_credit", "--awards", str(awards), "--entry", str(entry)]
        argv += ["--batch", str(BATCH), "--valkey", stack.addresses.valkey_url]
        argv += ["--postgres", stack.addresses.postgres_url]
        with played(argv, folder / "bare.log") as child:
            yield child


def run(say: Say, *, awards: int = AWARDS, entry: int = ENTRY) -> Report:
    """Raises EnvironmentNotReady if the stores do not come up, or the books of a sample do not close."""
    with (
        tempfile.TemporaryDirectory(prefix="xiu-credit-") as folder,
        bare_credit(Path(folder), awards, entry) as child,
    ):
        samples = alternate(lambda: child.measure("post"), lambda: child.measure("copy"), say)
    extra = {"awards": awards, "batch": BATCH, "records_per_entry": entry, "fsync": "always"}
    return Report("credit", "postings/s", "binary COPY, logged table without index", samples, extra)
