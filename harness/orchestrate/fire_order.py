"""What a Locust worker is told: the cannon's configuration and the files that belong to it. Plain
data; fires nothing.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.engine.config import CannonConfig, Probe


@dataclass(frozen=True, slots=True)
class FireOrder:
    """One plan's fire, for any number of workers. `t0_wall_ns`: first intended tap, on the wall clock that hosts share.

    `config` is the cannon's configuration as JSON with the files by name; `files`: name → content.
    `folder`: where each worker writes results and operation records, on its own host.
    """

    run_id: str
    folder: str
    t0_wall_ns: int
    config: dict[str, Any]
    files: dict[str, str]
    register: str
    """Folder of the kill switch's register of generators."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FireOrder:
        """Back from `to_json`."""
        return cls(**data)

    def write(self, path: Path) -> None:
        """Into a file, for a Locust process on this host."""
        path.write_text(json.dumps(self.to_json()), encoding="utf-8")
        path.chmod(0o600)  # it carries tokens

    @classmethod
    def read(cls, path: Path) -> FireOrder:
        """Back from `write`."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))

    def t0_ns(self) -> int:
        """The first intended tap on this host's monotonic clock."""
        return time.monotonic_ns() + (self.t0_wall_ns - time.time_ns())

    def tidy(self, worker: int) -> None:
        """Removes a worker's token files: they have served, and nobody needs them in a run's folder."""
        shutil.rmtree(self._secrets(worker), ignore_errors=True)

    def _secrets(self, worker: int) -> Path:
        return Path(self.folder) / f"tokens-{worker}"

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
            tokens=str(secret / config.tokens),
            probes=tuple(Probe(probe.kind, str(secret / probe.tokens), probe.count) for probe in config.probes),
            worker=worker,
            workers=workers,
            result=str(folder / f"cannon-{worker}.json"),
            history=None if config.history is None else str(folder / "history"),
        )
