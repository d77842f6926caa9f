"""Rows of data for requests: a CSV file with a header, or JSON lines, one object or value a line. Owns their reading,
their limits, and the words for what is wrong with a row; not what is done with them.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from plans.models.errors import FileProblems, Problem
from plans.models.ids import beside, nameable, named_file
from plans.models.partial import FOLDER, PlanModel
from plans.models.reading import bytes_of

MOST_BYTES, MOST_ROWS, MOST_TOLD = 16 << 20, 100_000, 20
KINDS = (".csv", ".jsonl")


class DataRows(PlanModel):
    """`rows` are not dumped: what identifies them in a lock is the file's sha256.

    `columns`: names that every row has; empty where a line is no object.
    """

    file: str
    sha256: str
    count: int
    columns: tuple[str, ...] = ()
    rows: tuple[Any, ...] = Field(default=(), exclude=True, repr=False)


def read_rows(path: Path) -> tuple[tuple[str, ...], tuple[Any, ...], str]:
    """Columns, rows and sha256 of a file. Raises FileProblems with every bad row, OSError, UnicodeDecodeError."""
    data = bytes_of(path, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise FileProblems([Problem(str(path), 0, "too large", f"at most {MOST_BYTES >> 20} MiB")])
    problems: list[Problem] = []
    read = _csv if path.suffix == ".csv" else _json_lines
    rows = list(read(path, data.decode("utf-8-sig"), problems))
    if not problems and not rows:
        problems.append(Problem(str(path), 0, "no row", "at least one"))
    elif len(rows) > MOST_ROWS:
        problems.append(Problem(str(path), 0, f"{len(rows):,} rows", f"at most {MOST_ROWS:,}"))
    if problems:
        raise FileProblems(problems[:MOST_TOLD])
    return _columns(rows), tuple(rows), hashlib.sha256(data).hexdigest()


def _columns(rows: list[Any]) -> tuple[str, ...]:
    """What every row has; nothing where a row is no object."""
    if not all(isinstance(row, dict) for row in rows):
        return ()
    return tuple(name for name in rows[0] if all(name in row for row in rows))


def _csv(path: Path, text: str, problems: list[Problem]) -> Iterator[dict[str, str]]:
    reader = csv.reader(text.splitlines(), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not "".join(cells).strip():
                continue
            line = reader.line_num
            if not header:
                header = [cell.strip() for cell in cells]
                wrong = [name for name in header if not name.isidentifier() or not name.isascii()]
                if wrong or len(set(header)) != len(header):
                    what = f"a header {','.join(header)!r:.60}"
                    problems.append(Problem(str(path), line, what, "names of letters, digits and _, each once"))
                    return
            elif len(cells) != len(header):
                what = f"{len(cells)} columns" if len(cells) != 1 else "1 column"
                problems.append(Problem(str(path), line, what, f"{len(header)}, as the header has"))
            else:
                yield dict(zip(header, cells, strict=True))
    except csv.Error as exc:
        problems.append(Problem(str(path), reader.line_num, f"not CSV: {exc}"))


def _json_lines(path: Path, text: str, problems: list[Problem]) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, parse_constant=_no_number)
            if r"\ud" in line.lower():  # a surrogate is a character together with the one behind it alone
                json.dumps(value, ensure_ascii=False).encode()
            yield value
        except UnicodeEncodeError:
            problems.append(Problem(str(path), number, "half of a character", "both halves, \\ud83d\\ude00"))
        except (ValueError, RecursionError) as exc:
            why = exc.msg if isinstance(exc, json.JSONDecodeError) else type(exc).__name__
            problems.append(Problem(str(path), number, f"not JSON: {why}", "one JSON value a line"))


def _no_number(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


def _read(value: object, info: ValidationInfo) -> object:
    """The rows of the file that a plan names."""
    if not isinstance(value, str) or Path(value).suffix not in KINDS:
        raise ValueError(f"{value!r:.40} names no rows; expected a file relative to this one, .csv or .jsonl")
    folder: Path | None = (info.context or {}).get(FOLDER)
    if folder is None:
        raise ValueError("rows are read with their plan's file alone")
    path = beside(folder / "plan", nameable(value))
    with named_file(path, "a CSV file or JSON lines", "*"):
        columns, rows, digest = read_rows(path)
    return DataRows(file=value, sha256=digest, count=len(rows), columns=columns, rows=rows)


RowsFile = Annotated[DataRows, BeforeValidator(_read), WithJsonSchema({"type": "string", "examples": ["users.csv"]})]
