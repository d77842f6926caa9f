"""What a climb says of a capacity, as it stands in `run.json`. Pure data; each figure says what it rests on."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from harness.phrases import kept
from harness.runs.base import Record

Grade = Literal["measured", "interpolated", "projected"]
"""measured: the load was played and seen · interpolated: between two that were · projected: beyond them, by a law that
the figure names; never beyond twice the measured range.
"""


class SaidInWords(Record):
    """`text` in English; `says` and `data` are the same as an id of `harness.phrases`."""

    text: str
    says: str = ""
    data: dict[str, Any] = Field(default_factory=dict)

    _kept = model_validator(mode="before")(kept)


class GradedFigure(SaidInWords):
    """A figure with the ends between which it lies, and why. `value` and `grade` null: it is not known, and why."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    grade: Grade | None = None


class ScalingLaw(Record):
    """The Universal Scalability Law through the windows of the climb: X(N) = λN / (1 + α(N − 1) + βN(N − 1)), N in
    flight. Each parameter with its 95 % interval; `from_in_flight`, `to_in_flight`: what was measured.
    """

    one_rps: tuple[float, float, float]
    contention: tuple[float, float, float]
    coherency: tuple[float, float, float]
    from_in_flight: float
    to_in_flight: float
    best_in_flight: float | None = None


class PartLoad(Record):
    """Of one part at the last stair: `cores` busy of the `most` that it can use, at `rate_rps`; `cores_before` at
    `before_rps`, the stair below.
    """

    part: str
    cores: float
    most: float
    rate_rps: float
    cores_before: float | None = None
    before_rps: float | None = None


class LimitSign(Record):
    """Of one part something other than the CPU at the last stair: `what` (an id of `harness.capacity.signs`), `value`
    in `unit` at `rate_rps`, and on the stair below; `speaks`: it is beyond its `bound`. `wait`: it says that something
    is waited for, and not what.
    """

    part: str
    what: str
    value: float
    unit: str
    bound: float
    wait: bool
    speaks: bool
    rate_rps: float
    before: float | None = None
    before_rps: float | None = None


class CapacityAnswer(Record):
    """`safe`: requests a second at which the objectives were held; `knee`: where they begin to break; `most`: the
    highest throughput; `cells`: how many the whole event needs, null of one's own service, which has none. `suspect`:
    the first thing to look at, in words; `parts`: what they used of a CPU, the fullest first; `signs`: what else was
    told, the nearest to its bound first.
    """

    safe: GradedFigure
    knee: GradedFigure
    most: GradedFigure
    cells: GradedFigure | None = None
    law: ScalingLaw | None = None
    suspect: SaidInWords
    parts: tuple[PartLoad, ...] = ()
    signs: tuple[LimitSign, ...] = ()
