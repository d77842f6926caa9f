"""The system under load, as the conductor sees it: a stack of this host, or a red-packet system elsewhere.

A system elsewhere is reached over HTTP alone: nothing of it is started, stopped or migrated. Its stores are out of
reach, so what only they show is not evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from harness.control_client import ControlAway, ControlClient, ControlError
from harness.errors import BadInput, EnvironmentNotReady
from harness.orchestrate import auditing
from harness.orchestrate.way import STRAIGHT, Way, way_of
from harness.phrases import PART_EVENTS_ZH, Sentence, sentence
from harness.stack import Stack
from harness.stack.addresses import Addresses
from harness.stack.keeper import PartEvent
from plans.models.targets import TargetSystem
from system.contract.audit import AuditReport, LaneSum, ShadowReport

ADMIN_VARIABLE = "XIU_ADMIN_TOKEN"


class System(Protocol):
    """What a run needs of its system. `None` from `audit`, `checksum` and `shadow`: the stores are out of reach."""

    @property
    def elsewhere(self) -> bool:
        """Not a stack of this host: stress lane alone, within the limits of the allow-list."""
        ...

    @property
    def name(self) -> str: ...

    @property
    def addresses(self) -> Addresses:
        """Where it is reached; an empty text or None is out of reach."""
        ...

    @property
    def admin_token(self) -> str: ...

    @property
    def missing(self) -> tuple[str, ...]:
        """Tools that it runs without, by name."""
        ...

    @property
    def targets(self) -> Path | None:
        """Folder of scrape targets of its Prometheus, None where there is none."""
        ...

    @property
    def run_port(self) -> int | None:
        """Where its Prometheus looks for a run, None where it looks nowhere before it is told."""
        ...

    @property
    def folder(self) -> Path | None:
        """The stack's folder, None for a system elsewhere."""
        ...

    @property
    def way(self) -> Way:
        """The generator's to its fronts."""
        ...

    def gone(self) -> Sentence | None:
        """A sentence where the system is gone; None while it is there, or if that is not known here."""
        ...

    def events(self, callback: Callable[[str, Sentence], None]) -> None:
        """From now on calls back with (kind, text) of every event of its parts."""
        ...

    def resources(self) -> dict[str, dict[str, float]]:
        """part → {cpu_s, rss_mib_max}."""
        ...

    def audit(
        self, lane: str, rounds: tuple[int, ...], history: Path | None, faults_us: tuple[tuple[int, int], ...] = ()
    ) -> AuditReport | None:
        """Closes the books; what touches one of `faults_us` (wall clock) is shown apart. Raises AuditFailed."""
        ...

    def checksum(self, lane: str, apart: int | None = None) -> LaneSum | None:
        """Sums up a lane, without what belongs to round `apart`. Raises AuditFailed."""
        ...

    def shadow(self, apart: int | None = None) -> ShadowReport | None:
        """What a stress run needs of the stores before it starts. Raises AuditFailed."""
        ...

    def sampling(self, lane: str, round_id: int, file: Path) -> AbstractContextManager[None]:
        """While the block lasts, a round's money is sampled into `file`; nothing where the stores are out of reach."""
        ...


class OwnStack:
    """A stack of this host."""

    elsewhere = False
    name = "own stack"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.addresses = stack.addresses
        self.admin_token = stack.admin_token
        self.folder: Path | None = stack.folder.path
        self.way = way_of(stack)

    @property
    def missing(self) -> tuple[str, ...]:
        return self._stack.missing

    @property
    def targets(self) -> Path | None:
        return self._stack.folder.targets if self.addresses.prometheus_url else None

    @property
    def run_port(self) -> int | None:
        return self._stack.run_port

    def gone(self) -> Sentence | None:
        return None if self._stack.running else sentence("stack_gone", folder=self.folder)

    def events(self, callback: Callable[[str, Sentence], None]) -> None:
        self._stack.events(lambda event: callback(event.kind, _part_sentence(event)))

    def resources(self) -> dict[str, dict[str, float]]:
        return self._stack.resources()

    def audit(
        self, lane: str, rounds: tuple[int, ...], history: Path | None, faults_us: tuple[tuple[int, int], ...] = ()
    ) -> AuditReport | None:
        return auditing.audit(self.addresses, self._stack.folder.secret / "key", lane, rounds, history, faults_us)

    def checksum(self, lane: str, apart: int | None = None) -> LaneSum | None:
        return auditing.checksum(self.addresses, self._stack.folder.secret / "key", lane, apart)

    def shadow(self, apart: int | None = None) -> ShadowReport | None:
        return auditing.shadow(self.addresses, self._stack.folder.secret / "key", apart)

    def sampling(self, lane: str, round_id: int, file: Path) -> AbstractContextManager[None]:
        return auditing.sampling(self.addresses, self._stack.folder.secret / "key", lane, round_id, file)


class Elsewhere:
    """A red-packet system that somebody else runs; its control names its fronts.

    `entry`: its entry in the allow-list, None for one on loopback without an entry.
    """

    elsewhere = True
    targets: Path | None = None
    run_port: int | None = None
    folder: Path | None = None
    way = STRAIGHT

    def __init__(self, control_url: str, admin_token: str, entry: TargetSystem | None = None) -> None:
        """Raises BadInput without a token, EnvironmentNotReady if control does not give its topology."""
        if not admin_token:
            raise BadInput(
                f"no operators' token for {control_url}", expected=f"it in the environment: {ADMIN_VARIABLE}"
            )
        self.name = control_url.rstrip("/")
        self.admin_token = admin_token
        play = entry.play if entry else None
        control = ControlClient(self.name, play or "", admin_token)
        try:
            topology = control.topology()
        except (ControlAway, ControlError, ValueError, KeyError) as exc:
            raise EnvironmentNotReady(f"{self.name} is no control that answers: {exc}") from exc
        finally:
            control.close()
        metrics = entry.credit_metrics if entry else None
        self.addresses = Addresses.plain(
            control_url=self.name,
            front_urls=topology.fronts,
            front_metrics_urls=entry.front_metrics if entry else (),
            play_url=play,
            credit_metrics_urls={"stress": metrics} if metrics else {},
            owned=False,
        )
        self.missing: tuple[str, ...] = ()

    def gone(self) -> Sentence | None:
        return None

    def events(self, callback: Callable[[str, Sentence], None]) -> None:
        """Parts elsewhere give no events."""

    def resources(self) -> dict[str, dict[str, float]]:
        return {}

    def audit(
        self, lane: str, rounds: tuple[int, ...], history: Path | None, faults_us: tuple[tuple[int, int], ...] = ()
    ) -> AuditReport | None:
        return None

    def checksum(self, lane: str, apart: int | None = None) -> LaneSum | None:
        return None

    def shadow(self, apart: int | None = None) -> ShadowReport | None:
        return None

    def sampling(self, lane: str, round_id: int, file: Path) -> AbstractContextManager[None]:
        return nullcontext()


def _part_sentence(event: PartEvent) -> Sentence:
    """What happened to a part, as a sentence."""
    kind = event.kind
    return sentence("part_told", part=event.part, kind=kind, kind_zh=PART_EVENTS_ZH.get(kind, kind), detail=str(event))
