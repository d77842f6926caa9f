"""The lock: forecast, plan, targets and their hash, written before the first request. Refused once it has changed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.forecast.season import season_targets
from harness.forecast.share import Share, share_of
from harness.forecast.target import Target
from plans.models import Forecast, LoadedPlan, StressPlan
from plans.models.quantity import ratio_text

LOCK_FILE = "forecast.lock.json"
VERSION = 1


class LockBroken(Exception):
    """The lock is missing, damaged, or not the one with which the run began. Exit code 2: nothing is judged against
    it.
    """

    exit_code = 2


class Lock(BaseModel):
    """What was expected before the run. `sha256` is over the canonical JSON of everything else."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    version: int = VERSION
    locked_at: str
    scale: str
    duration_s: float
    seed: int
    forecast: dict[str, Any]
    plan: dict[str, Any]
    targets: tuple[Target, ...]
    sha256: str = ""

    def digest(self) -> str:
        """sha256 of the content, hex."""
        return hashlib.sha256(canonical(self.model_dump(mode="json", exclude={"sha256"}))).hexdigest()

    def models(self) -> tuple[Forecast, StressPlan]:
        """The forecast and the plan as they were locked."""
        context = {"parsed": True}
        forecast = Forecast.model_validate(self.forecast, context=context)
        return forecast, StressPlan.model_validate(self.plan, context=context)

    def share(self) -> Share:
        """What of the event is played."""
        forecast, plan = self.models()
        return share_of(forecast, plan, Fraction(self.scale), self.duration_s)


def canonical(value: object) -> bytes:
    """JSON that is the same for equal values: sorted keys, no spaces, UTF-8, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def lock(loaded: LoadedPlan, share: Share, now: datetime | None = None, *, season: bool = False) -> Lock:
    """Locks forecast, plan and computed targets. `now` is only a label; `season`: with those of the plays beside."""
    from harness.forecast.compute import compute

    targets = compute(loaded.forecast, loaded.plan, share)
    if season:
        targets += season_targets(loaded.forecast, share)
    open_lock = Lock(
        locked_at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
        scale=ratio_text(share.scale),
        duration_s=share.duration_s,
        seed=loaded.plan.seed,
        forecast=loaded.forecast.model_dump(mode="json"),
        plan=loaded.plan.model_dump(mode="json"),
        targets=targets,
    )
    return open_lock.model_copy(update={"sha256": open_lock.digest()})


def write_lock(sealed: Lock, folder: Path) -> Path:
    """`forecast.lock.json` in a run's folder. Raises LockBroken if there is one already: a lock is written once."""
    path = folder / LOCK_FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(sealed.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n")
    except FileExistsError as exc:
        raise LockBroken(f"{path}: a forecast is locked here already; expected a new run's folder") from exc
    return path


def read_lock(path: Path, sha256: str | None = None) -> Lock:
    """The lock of a run (file, or the folder it lies in), proven unchanged.

    `sha256`: the hash that the run recorded when it began. Raises LockBroken.
    """
    file = path / LOCK_FILE if path.is_dir() else path
    try:
        sealed = Lock.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise LockBroken(f"{file}: no locked forecast ({exc.strerror}); expected one written before the run") from exc
    except (ValidationError, UnicodeDecodeError) as exc:
        raise LockBroken(f"{file}: not a locked forecast; expected the file as it was written before the run") from exc
    check_lock(sealed, sha256, str(file))
    return sealed


def check_lock(sealed: Lock, sha256: str | None = None, name: str = LOCK_FILE) -> None:
    """Raises LockBroken if the content is not what the hash says, or the hash not what the run began with."""
    found = sealed.digest()
    if found != sealed.sha256:
        raise LockBroken(
            f"{name}: the forecast was changed after it was locked (sha256 now {found[:12]}…, "
            f"locked {sealed.sha256[:12]}…); "
            "expected it unchanged; the run is not judged"
        )
    if sha256 is not None and sha256 != found:
        raise LockBroken(
            f"{name}: another forecast than the run began with (sha256 {found[:12]}…, the run's {sha256[:12]}…); "
            "expected the run's own; the run is not judged"
        )
