"""The order to a Locust worker: the cannon's configuration and its files. Plain data; sends nothing.

File names must be plain: where a worker writes follows from its own folder, never from a message.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.engine.config import CannonConfig, ProbeTokens
from harness.errors import BadInput, EnvironmentNotReady
from harness.guard.kill import REGISTER
from harness.stack.folder import Folder
from plans.models.stress import ROUNDS_MAX

FILE_NAME = re.compile(r"[a-z]{1,20}")
RUNS = Path("runs")
"""Where Locust that was started by hand keeps its runs."""
AWAIT_POLL_S = 0.02
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")


def wanted(order: Path) -> Path:
    """The file with which whoever is to fire says that it waits for this order."""
    return order.with_suffix(".wanted")


def locust_log(folder: Path, number: int) -> Path:
    """File of Locust's output in the round of this number."""
    return folder / ("locust.log" if number == 1 else f"locust-round-{number}.log")


@dataclass(frozen=True, slots=True)
class FireOrder:
    """One round's order, for any number of workers. `t0_wall_ns`: first intended tap, on the wall clock that hosts
    share.

    `config` is the cannon's configuration as JSON with the files by name; `files`: name → content. `folder`: where each
    worker writes results and operation records, on its own host.
    """

    run_id: str
    folder: str
    t0_wall_ns: int
    config: dict[str, Any]
    files: dict[str, str]
    register: str
    """Folder of the kill switch's register of generators."""
    beside: str = ""
    """The register in the folder of the stack to which it sends; empty for a system elsewhere."""
    since_s: float | None = None
    """When the run was begun, Unix time: a stop button pressed later stops it."""
    number: int = 1
    """Of the round within its run: each has files of its own."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FireOrder:
        """Back from `to_json`. Raises BadInput for what is no order."""
        try:
            order = cls(**data)
            named = _files_named(order.config)
            if not isinstance(order.number, int) or not 1 <= order.number <= ROUNDS_MAX:
                raise BadInput(f"a fire order for round {order.number!r:.40}", expected=f"1 to {ROUNDS_MAX}")
            good = all(isinstance(text, str) for text in order.files.values()) and set(named) <= order.files.keys()
        except (TypeError, KeyError, AttributeError) as exc:
            raise BadInput(f"no fire order: {type(exc).__name__}", expected="one of this version") from exc
        if not good:
            raise BadInput("a fire order that names files it does not carry", expected="each of its files")
        for name in order.files:
            if not FILE_NAME.fullmatch(name):
                raise BadInput(f"a fire order with a file named {name[:40]!r}", expected="lower-case letters alone")
        return order

    @classmethod
    def from_message(cls, data: dict[str, Any], runs: Path) -> FireOrder:
        """An order that came over the network: every path of it is this host's own, under `runs`. Raises BadInput."""
        order = cls.from_json(data)
        if not isinstance(order.run_id, str) or not RUN_ID.fullmatch(order.run_id):
            raise BadInput(f"a fire order for a run named {str(order.run_id)[:40]!r}", expected="a run's id")
        folder = (runs / order.run_id).resolve()
        config = {**order.config, "kill_file": str(folder / "kill"), "result": "result.json"}
        return replace(order, folder=str(folder), register=str((runs / REGISTER).resolve()), beside="", config=config)

    def write(self, path: Path) -> None:
        """Into a file that nobody else may read, for a Locust process on this host: it carries tokens. It is there
        whole or not at all.
        """
        part = path.with_suffix(".part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(json.dumps(self.to_json()))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> FireOrder:
        """Back from `write`; the file is removed. Raises BadInput."""
        text = path.read_text(encoding="utf-8")
        path.unlink()
        return cls.from_json(json.loads(text))

    @classmethod
    def awaited(cls, path: Path, given_up: Callable[[], bool], deadline_s: float = 120.0) -> FireOrder:
        """Says that somebody waits for the order of this file, and reads it once it is there. Raises BadInput, OSError;
        EnvironmentNotReady where none comes, or the wait is given up.
        """
        wanted(path).touch()
        until = time.monotonic() + deadline_s
        while not path.exists():
            if given_up() or time.monotonic() > until:
                raise EnvironmentNotReady("no order came; expected one from the run that started this Locust")
            time.sleep(AWAIT_POLL_S)
        return cls.read(path)

    def t0_ns(self) -> int:
        """The first intended tap on this host's monotonic clock."""
        return time.monotonic_ns() + (self.t0_wall_ns - time.time_ns())

    @property
    def targets(self) -> Path | None:
        """The scrape targets of the stack to which it sends; None for a system elsewhere."""
        return Folder(Path(self.beside).parent).targets if self.beside else None

    @property
    def log(self) -> Path:
        """File of Locust's output."""
        return locust_log(Path(self.folder), self.number)

    def tidy(self, worker: int) -> None:
        """Removes a worker's token files: they are not needed any more, and do not belong into a run's folder."""
        shutil.rmtree(self._secrets(worker), ignore_errors=True)

    def tidy_all(self, workers: int) -> None:
        """As `tidy`, of every worker."""
        for worker in range(workers):
            self.tidy(worker)

    def _secrets(self, worker: int) -> Path:
        return self.file("tokens", worker)

    def file(self, what: str, worker: int, ending: str = "") -> Path:
        """A worker's file in the run's folder: `cannon-0.json`, of a later round `cannon-0-round-2.json`."""
        later = f"-round-{self.number}" if self.number > 1 else ""
        return Path(self.folder) / f"{what}-{worker}{later}{ending}"

    def writes_as(self, worker: int, workers: int) -> int:
        """A worker's number among all that write into the run's history, of every round."""
        return (self.number - 1) * workers + worker

    def unpack(self, worker: int, workers: int) -> CannonConfig:
        """Writes the files of this order and gives the configuration of one worker's cannon."""
        folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        secret = self._secrets(worker)
        secret.mkdir(mode=0o700, exist_ok=True)
        for name, text in self.files.items():
            (secret / name).write_text(text)
        config = CannonConfig.from_json(json.dumps(self.config))
        return replace(
            config,
            tokens=str(secret / config.tokens) if config.tokens else "",
            operator=None if config.operator is None else str(secret / config.operator),
            public=None if config.public is None else str(secret / config.public),
            prepared=tuple(replace(one, requests=str(secret / one.requests)) for one in config.prepared),
            tls=config.tls and replace(config.tls, ca=config.tls.ca and str(secret / config.tls.ca)),
            probes=tuple(ProbeTokens(probe.kind, str(secret / probe.tokens), probe.count) for probe in config.probes),
            worker=worker,
            workers=workers,
            segments_as=self.writes_as(worker, workers),
            result=str(self.file("cannon", worker, ".json")),
            history=None if config.history is None else str(folder / "history"),
        )


def _files_named(config: dict[str, Any]) -> list[str]:
    """The files that a configuration names: of tokens, of prepared requests, of authorities. Raises KeyError, TypeError
    for what is no configuration.
    """
    named = [
        *(probe["tokens"] for probe in config.get("probes", ())),
        *(one["requests"] for one in config.get("prepared", ())),
    ]
    more = [config["tokens"], config.get("operator"), config.get("public"), (config.get("tls") or {}).get("ca")]
    return [*named, *(name for name in more if name)]
