"""A recorded rate as a CSV file: a header, then a time and a rate in each row. Owns its reading and writing, its
limits, and the words for what is wrong with a row; not what is done with it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from plans.models.errors import FileProblems, Problem
from plans.models.ids import LARGEST, beside, nameable, named_file
from plans.models.partial import FOLDER, PlanModel
from plans.models.quantity import LONGEST_S
from plans.models.reading import bytes_of

MOST_ROWS = 20_000
"""More than a day at a row every five seconds."""
MOST_TOLD = 20
EXAMPLE = "a header such as time_s,rate_per_s"
HEADER = "time,rate_per_s"
Row = tuple[float, float]


class Recording(PlanModel):
    """`points`: seconds from the first row, and the part of the highest rate; ascending, at least two."""

    file: str
    points: tuple[Row, ...]

    @property
    def length_s(self) -> float:
        return self.points[-1][0]


def read_recording(path: Path) -> tuple[Row, ...]:
    """The points of a file. Raises FileProblems with every bad row, OSError, ValueError (not text)."""
    data = bytes_of(path, LARGEST)
    if len(data) > LARGEST:
        raise FileProblems([Problem(str(path), 0, "too large", f"at most {LARGEST >> 20} MiB")])
    reader = csv.reader(data.decode("utf-8-sig").splitlines(), strict=True)
    problems: list[Problem] = []
    rows = list(_rows(path, reader, problems))
    if not problems:
        problems += _whole(path, rows)
    if problems:
        raise FileProblems(problems[:MOST_TOLD])
    first_s, top = rows[0][0], max(rate for _, rate in rows)
    return tuple((at_s - first_s, rate / top) for at_s, rate in rows)


def text_of_rows(rows: Sequence[Row]) -> str:
    """The text of a recording: Unix time and rate of each row, written as a date (UTC) and a number.

    Raises ValueError for rows that could not be read back.
    """
    found = next((one for one in rows if not (math.isfinite(one[1]) and one[1] >= 0)), None)
    if found is not None:
        raise ValueError(f"{found[1]:g} at {_date(found[0])} is no rate; expected 0 or more")
    if wrong := next(_whole(Path(), list(rows)), None):
        raise ValueError(f"{wrong.what}; expected {wrong.expected}")
    return "\n".join([HEADER, *(f"{_date(at_s)},{rate!r}" for at_s, rate in rows), ""])


def _date(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _rows(path: Path, reader: Any, problems: list[Problem]) -> Iterator[Row]:
    """(seconds, rate) of each row; what is wrong is added to `problems`."""
    header, before_s = False, -math.inf
    try:
        for cells in reader:
            line = reader.line_num
            if not "".join(cells).strip():
                continue
            if len(cells) != 2:
                what = f"{len(cells)} columns" if len(cells) != 1 else "1 column"
                problems.append(Problem(str(path), line, what, "two: a time and a rate"))
            elif not header and _number(cells[1]) is not None:
                problems.append(Problem(str(path), line, f"figures in the first row: {cells[0]},{cells[1]}", EXAMPLE))
            elif header:
                at_s = _checked(path, line, cells, before_s, problems)
                if at_s is not None:
                    before_s = at_s
                    yield at_s, float(cells[1])
            header = True
    except csv.Error as exc:
        problems.append(Problem(str(path), reader.line_num, f"not CSV: {exc}"))


def _checked(path: Path, line: int, cells: list[str], before_s: float, problems: list[Problem]) -> float | None:
    """The row's time in seconds if the whole row is good."""
    at_s, rate = seconds_of(cells[0]), _number(cells[1])
    found: list[Problem] = []
    if at_s is None:
        found.append(Problem(str(path), line, f"{cells[0]!r:.40} is no time", "seconds, or 2016-02-07T20:36:00+08:00"))
    elif at_s <= before_s:
        found.append(Problem(str(path), line, f"{cells[0]!r:.40} is not later than the row before", "rising times"))
    if rate is None or rate < 0:
        expected = "a number, 0 or more; a row without a rate is left out"
        found.append(Problem(str(path), line, f"{cells[1]!r:.40} is no rate", expected))
    problems += found
    return None if found else at_s


def _whole(path: Path, rows: list[Row]) -> Iterator[Problem]:
    if len(rows) < 2:
        yield Problem(str(path), 0, f"{len(rows)} rows of figures", f"{EXAMPLE}, and at least two rows")
    elif len(rows) > MOST_ROWS:
        yield Problem(str(path), 0, f"{len(rows):,} rows", f"at most {MOST_ROWS:,}")
    elif rows[-1][0] - rows[0][0] > LONGEST_S:
        yield Problem(str(path), 0, "longer than a day", f"at most {LONGEST_S // 3600} hours")
    elif not any(rate for _, rate in rows):
        yield Problem(str(path), 0, "every rate is 0", "a rate above 0 somewhere")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def seconds_of(text: str) -> float | None:
    """Of a number of seconds, or of a date and time (UTC where it names no zone)."""
    value = _number(text)
    if value is not None:
        return value
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _read(value: object, info: ValidationInfo) -> object:
    """The recording that a plan names; one that was read before (a lock) is taken as it is."""
    context = info.context or {}
    if isinstance(value, dict) and context.get("parsed"):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r:.40} names no file; expected a CSV file relative to this one")
    folder: Path | None = context.get(FOLDER)
    if folder is None:
        raise ValueError("a recording is read with its plan's file alone")
    path = beside(folder / "plan", nameable(value))
    with named_file(path, "a CSV file", "*.csv"):
        return Recording(file=value, points=read_recording(path))


Recorded = Annotated[Recording, BeforeValidator(_read), WithJsonSchema({"type": "string", "examples": ["monday.csv"]})]
