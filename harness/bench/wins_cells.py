"""Bench ``wins-cells``: durable wins for each CPU-second with two cells ÷ with one, everybody wins.

One stack with two cells, a front and a Valkey each (control, PostgreSQL and toxiproxy serve both), credit paused as in
``wins``. wrk sends taps to the front of one cell with its users, or to both fronts at once with half as many
connections each. CPU is read between two marks well inside that time, of every process that takes part, except wrk;
idle parts of the second cell do not count where one is measured. Afterwards each stream must hold what its front called
durable.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from harness.bench import cpu
from harness.bench.common import Report, Say, alternate, two_cores
from harness.bench.wins import WinsRig
from harness.control_client import ControlClient
from harness.errors import EnvironmentNotReady
from harness.stack import Stack, new_folder
from system.contract.routing import Topology, front_of

CELLS = 2
USERS = 600_000
"""Of both fronts together: more than a quick front lets win in one sample."""
CONNECTIONS = 400
SECONDS = 5.0
LEAD_S = 1.0
"""From the first tap to the first mark, and from the last mark to the last tap."""
ROLES = ("front", "valkey", "postgres", "toxiproxy", "control", "credit")


class Cells:
    """The stack under fire, a rig for each cell. `costs`: of each sample, how many cells and what it used."""

    def __init__(self, stack: Stack, rigs: Sequence[WinsRig]) -> None:
        self._rigs = rigs
        pids = stack.pids()
        self._parts = {place.name: place.cell for place in stack.places if place.role in ROLES and place.name in pids}
        self._pids = pids
        self.costs: list[tuple[int, dict[str, float]]] = []

    def efficiency(self, cells: int, seconds: float, connections: int) -> float:
        """Durable wins for each CPU-second. Raises EnvironmentNotReady as `WinsRig.durable` does."""
        rigs = self._rigs[:cells]
        pids = {part: self._pids[part] for part, cell in self._parts.items() if cell is None or cell < cells}
        ready = [rig.ready() for rig in rigs]
        round_id = rigs[0].open_round()
        for rig, before in zip(rigs, ready, strict=True):
            rig.wait_ready(before)
        counted = [rig.issued() for rig in rigs]
        with ThreadPoolExecutor(cells) as pool:
            fires = [pool.submit(rig.fire, round_id, seconds, connections // cells) for rig in rigs]
            self._wait_for_fire(rigs, counted)
            time.sleep(LEAD_S)
            first, before_s = sum(rig.issued() for rig in rigs), cpu.read(pids)
            time.sleep(max(0.5, seconds - 2 * LEAD_S))
            last, used = sum(rig.issued() for rig in rigs), cpu.between(before_s, cpu.read(pids))
            for fire in fires:
                fire.result()
        self.costs.append((cells, cpu.by_role(used, last - first)))
        return (last - first) / sum(used.values())

    @staticmethod
    def _wait_for_fire(rigs: Sequence[WinsRig], counted: Sequence[float]) -> None:
        """wrk reads its tokens first, which takes it a second or two."""
        deadline = time.monotonic() + 30
        while any(rig.issued() <= before for rig, before in zip(rigs, counted, strict=True)):
            if time.monotonic() > deadline:
                raise EnvironmentNotReady("nobody won within 30 s")
            time.sleep(0.05)


def token_files(folder: Path, tokens: Sequence[str], fronts: Sequence[str]) -> list[tuple[Path, int]]:
    """A file of tokens for each front, with how many there are; user k + 1 has token k."""
    topology = Topology(tuple(fronts), tuple(range(len(fronts))))
    shares: list[list[str]] = [[] for _ in fronts]
    for uid, token in enumerate(tokens, 1):
        shares[front_of(uid, topology)].append(token)
    files = []
    for number, share in enumerate(shares):
        path = folder / f"tokens-{number}"
        path.write_text("\n".join(share) + "\n", encoding="utf-8")
        files.append((path, len(share)))
    return files


def run(say: Say, *, seconds: float = SECONDS, connections: int = CONNECTIONS, users: int = USERS) -> Report:
    """Raises EnvironmentNotReady without wrk or two cores, or if the wins are not what they should be."""
    _, core = two_cores()
    with tempfile.TemporaryDirectory(prefix="xiu-cells-") as folder:
        stack = Stack(new_folder(Path(folder)), fronts=CELLS, cells=CELLS, with_prometheus=False, environment={})
        with stack:
            control = ControlClient.of(stack)
            control.set_switch("credit.pause", 1, "bench", "the fronts are measured, not the cores they share")
            fronts = [place.url or "" for place in stack.places.of("front")]
            files = token_files(Path(folder), control.tokens("live", 1, users), fronts)
            rigs = [WinsRig(stack, control, path, users, core, number) for number, (path, _) in enumerate(files)]
            cells = Cells(stack, rigs)
            try:
                cells.efficiency(CELLS, max(2.5, seconds / 2), connections)
                cells.costs.clear()
                samples = alternate(
                    lambda: cells.efficiency(CELLS, seconds, connections),
                    lambda: cells.efficiency(1, seconds, connections),
                    say,
                )
            finally:
                for rig in rigs:
                    rig.close()
                control.close()
    extra: dict[str, object] = {"connections": connections, "fsync": "always"}
    for count, name in ((CELLS, "two_cells"), (1, "one_cell")):
        costs = [cost for which, cost in cells.costs if which == count]
        extra[f"cpu_us_a_win_{name}"] = {role: median(cost[role] for cost in costs) for role in costs[0]}
    return Report("wins-cells", "wins/CPU-s", "one cell, everybody wins", samples, extra)
