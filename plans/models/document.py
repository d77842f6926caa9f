"""A YAML document with the line of each value. Owns reading and the wording of errors, not the meaning of a model."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from plans.models.characters import LINE_ENDS, called, foreign, hidden, instead_of_a_mark
from plans.models.errors import FileProblems, PlanError, Problem, closest
from plans.models.formats import FORMAT, KEY, applied, changes_of, format_of
from plans.models.ids import LARGEST
from plans.models.partial import Contradiction, Loc, PlanModel, contradictions, validate
from plans.models.reading import bytes_of
from plans.models.scalars import FastLoader, PlainLoader

M = TypeVar("M", bound=PlanModel)


KINDS = {
    "stress": ("a stress plan", "xiu plan check"),
    "forecast": ("a forecast", "xiu forecast show"),
    "programme": ("a programme", "xiu round programme"),
    "fault": ("a fault", "xiu fault check"),
    "drill": ("a drill", "xiu drill check"),
    "playbook": ("a playbook", "xiu playbook check"),
}
"""What the files are that a user writes, and the command that checks one."""
DEEPEST = 32
"""Levels of mappings and lists within each other; no model needs more than eight."""
MOST_VALUES = 20_000
"""Values of one file, each alias counted as what it stands for."""
MOST_SHOWN = 80
"""Characters of a wrong value that an error repeats."""
PROBLEMS_MAX = 20
"""Lines of one file on which characters that cannot be seen are reported."""
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError)
"""What YAML's own constructors raise for a tag on an unsuitable text (`!!bool maybe`, `!!int ""`)."""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _given_up_at(exc: yaml.MarkedYAMLError) -> int:
    """The line to report: what never ends (a quotation, a key without its colon) is wrong where it begins."""
    endless = exc.problem in ("found unexpected end of stream", "could not find expected ':'")
    mark = exc.context_mark if endless and exc.context_mark else exc.problem_mark
    return mark.line + 1 if mark else 1


class Document:
    """One parsed file. `data` are plain values, `line(loc)` is where a value stands."""

    def __init__(self, file: str, text: str) -> None:
        """Raises PlanError where the text is not one YAML mapping, or a key stands twice."""
        self.file = file
        self._lines: dict[Loc, int] = {(): 1}
        self.problems: list[Problem] = []
        self._starts: dict[Loc, int] = {}
        self._values = 0
        node = self._composed(text)
        if not isinstance(node, yaml.MappingNode):
            line = node.start_mark.line + 1 if node else 1
            raise PlanError([Problem(file, line, "not a mapping", expected="`key: value` lines")])
        self._loader = PlainLoader("")
        self.data = self._build(node, (), frozenset())

    def line(self, loc: Loc) -> int:
        """Line of the value at `loc`, or of the nearest value around it that the file has."""
        seen: Loc = ()
        for part in loc:
            # A union's tag is part of a loc but not of the file: skip what is not there.
            if (*seen, part) in self._lines:
                seen = (*seen, part)
        return self._lines[seen]

    def start(self, loc: Loc) -> int:
        """Line where the value itself begins, if that is a word of the file; else as `line`."""
        return self._starts.get(loc) or self.line(loc)

    def _composed(self, text: str) -> yaml.Node | None:
        if odd := dict(hidden(text)):
            what, expected = "not YAML: a character that nobody sees: ", "blanks that are blanks, letters that are seen"
            problems = [Problem(self.file, line, what + called(char), expected) for line, char in odd.items()]
            raise PlanError(problems[:PROBLEMS_MAX])
        if FastLoader is not None:
            try:
                self._check_depth(text, FastLoader)
                return yaml.compose(text, Loader=FastLoader)
            except (yaml.YAMLError, PlanError):
                pass  # reported in the words and at the line of the loader below
        try:
            self._check_depth(text, PlainLoader)
            return yaml.compose(text, Loader=PlainLoader)
        except yaml.MarkedYAMLError as exc:
            line = _given_up_at(exc)
            if near := instead_of_a_mark(text, line):
                number, char = near
                raise PlanError([Problem(self.file, number, f"not YAML: {called(char)}", "the plain mark")]) from exc
            raise PlanError([Problem(self.file, line, f"not YAML: {exc.problem or exc}")]) from exc
        except yaml.reader.ReaderError as exc:
            line = len(LINE_ENDS.split(text[: exc.position]))
            raise PlanError([Problem(self.file, line, f"not YAML: {exc.reason}")]) from exc
        except yaml.YAMLError as exc:
            raise PlanError([Problem(self.file, 1, f"not YAML: {exc}")]) from exc

    def _check_depth(self, text: str, loader: Any) -> None:
        """Raises PlanError before a recursive function sees a text that is nested too deeply."""
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise PlanError([Problem(self.file, line, "nested too deeply", f"at most {DEEPEST} levels")])

    def _build(self, node: yaml.Node, loc: Loc, above: frozenset[int]) -> Any:
        self._lines.setdefault(loc, node.start_mark.line + 1)
        if id(node) in above:
            raise PlanError([Problem(self.file, node.start_mark.line + 1, "an anchor that contains itself")])
        self._values += 1
        if self._values > MOST_VALUES:
            expected = f"at most {MOST_VALUES:,} values, aliases counted out"
            raise PlanError([Problem(self.file, node.start_mark.line + 1, "too much in one file", expected)])
        above = above | {id(node)}
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc, above)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, (*loc, number), above) for number, item in enumerate(node.value)]
        self._starts[loc] = node.start_mark.line + 1
        try:
            return self._loader.construct_object(node)
        except _UNREADABLE as exc:
            what = f"cannot be read as {node.tag.rpartition(':')[2]}: {_shown(node.value)} ({type(exc).__name__})"
            self.problems.append(Problem(self.file, node.start_mark.line + 1, what))
            return None

    def _mapping(self, node: yaml.MappingNode, loc: Loc, above: frozenset[int]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, "a key that is not a word"))
                continue
            key = str(key_node.value)
            if key in out:
                self.problems.append(Problem(self.file, line, f"`{key}` stands twice", expected="each key once"))
                continue
            self._lines[(*loc, key)] = line
            out[key] = self._build(value_node, (*loc, key), above)
        return out


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in typing.get_args(annotation):
        yield from _models_in(part)


def _step(models: list[type[BaseModel]], part: int | str) -> list[type[BaseModel]]:
    if isinstance(part, int):
        return models
    inside: list[type[BaseModel]] = []
    for model in models:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                inside += _models_in(field.annotation)
    if inside:
        return inside
    tagged = [m for m in models if any(part in typing.get_args(f.annotation) for f in m.model_fields.values())]
    return tagged or models


def known_keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that may stand in the mapping at `loc` of a document of this model."""
    models = [model]
    for part in loc:
        models = _step(models, part)
    return sorted({field.alias or name for m in models for name, field in m.model_fields.items()})


def _where(loc: Loc, data: Any) -> str:
    """`steps[2].hold`, without what is not in the file (the tag of a union)."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part + 1}]"
            data = data[part] if isinstance(data, list) and part < len(data) else None
        elif isinstance(data, Mapping) and part not in data and part != loc[-1]:
            continue
        else:
            text += f".{part}" if text else str(part)
            data = data.get(part) if isinstance(data, Mapping) else None
    return text


def _problem(document: Document, model: type[BaseModel], error: ErrorDetails) -> Problem:
    """What is wrong in words, with the names of characters that no key and no figure may have."""
    found = _wrong(document, model, error)
    loc, given = error["loc"], error["input"]
    if error["type"] == "extra_forbidden":
        given, line = str(loc[-1]), found.line
    else:
        line = document.start(loc)
    if isinstance(given, dict) and error["type"] == "union_tag_not_found":
        given = "".join(given)  # the key that names the kind may be there in other letters
    odd = foreign(given) if isinstance(given, str) and error["type"] != "missing" else ""
    return replace(found, what=f"{found.what} ({odd})", line=line) if odd else found


def _wrong(document: Document, model: type[BaseModel], error: ErrorDetails) -> Problem:
    loc, kind = error["loc"], error["type"]
    where = _where(loc, document.data)
    here = Problem(document.file, document.line(loc), f"`{where}`: {error['msg']}")
    if kind == "extra_forbidden":
        known = known_keys(model, loc[:-1])
        near = closest(str(loc[-1]), known)
        return Problem(here.file, here.line, f"unknown key `{where}`", "one of " + ", ".join(known), near)
    if kind == "missing":
        return Problem(here.file, here.line, f"`{where}` is missing")
    if kind == "union_tag_not_found":
        tag = str(error.get("ctx", {}).get("discriminator", "'kind'")).strip("'")
        near = closest(tag, map(str, error["input"])) if isinstance(error["input"], dict) else ""
        return Problem(here.file, here.line, f"`{where}.{tag}` is missing", "", near and f"{tag} in place of {near}")
    if kind in ("literal_error", "union_tag_invalid"):
        context = error.get("ctx", {})
        expected = str(context.get("expected") or context.get("expected_tags"))
        given = context.get("tag", error["input"])
        words = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
        return Problem(
            here.file,
            here.line,
            f"`{where}`: {_shown(given)}",
            "one of " + ", ".join(words),
            closest(str(given), words),
        )
    if kind == "value_error":
        text = error["msg"].removeprefix("Value error, ")
        what, _, rest = text.partition("; expected ")
        expected, _, near = rest.partition("; did you mean ")
        return Problem(here.file, here.line, f"`{where}`: {what}" if where else what, expected, near.removesuffix("?"))
    what = error["msg"][:1].lower() + error["msg"][1:]  # the rest as it is: it may hold a pattern
    return Problem(here.file, here.line, f"`{where}`: {what}, not {_shown(error['input'])}")


def _problems(document: Document, model: type[BaseModel], failure: ValidationError) -> list[Problem]:
    errors = failure.errors(include_url=False)
    misspelt = {
        (*e["loc"][:-1], closest(str(e["loc"][-1]), known_keys(model, e["loc"][:-1])))
        for e in errors
        if e["type"] == "extra_forbidden"
    }
    inner = {e["loc"][:depth] for e in errors for depth in range(len(e["loc"]))}

    def implied(e: ErrorDetails) -> bool:
        # A misspelt key is one mistake, so the key is not reported as missing too; nor is a list too short because
        # items are wrong.
        return (e["type"] == "missing" and e["loc"] in misspelt) or (e["type"] == "too_short" and e["loc"] in inner)

    found: list[Problem] = []
    for e in (e for e in errors if not implied(e)):
        cause = e.get("ctx", {}).get("error")
        found += cause.problems if isinstance(cause, FileProblems) else [_problem(document, model, e)]
    return found


def problem_of(document: Document, found: Contradiction) -> Problem:
    """As a problem of the file, at its line."""
    where = _where(found.loc, document.data)
    what = f"`{where}`: {found.what}" if where else found.what
    return Problem(document.file, document.line(found.loc), what, found.expected)


def text_of(path: Path) -> str:
    """The file's text. Raises OSError, UnicodeDecodeError, and PlanError for one that is too large, or has no end."""
    data = bytes_of(path, LARGEST)
    if len(data) > LARGEST:
        raise PlanError([Problem(str(path), 0, "too large", f"at most {LARGEST >> 20} MiB")])
    return data.decode("utf-8-sig")


def _refuse_another(document: Document, model: type[PlanModel]) -> None:
    """Raises PlanError for a file that declares another kind: one sentence instead of one mistake for each key."""
    field, given = model.model_fields.get("kind"), document.data.get("kind")
    mine = typing.get_args(field.annotation) if field is not None else ()
    meant = next((kind for kind in KINDS if kind in mine), None)
    if meant is None or not isinstance(given, str) or given not in KINDS or given in mine:
        return
    what = f"`kind`: this is {KINDS[given][0]}, not {KINDS[meant][0]}; it is checked by: {KINDS[given][1]}"
    raise PlanError([Problem(document.file, document.line(("kind",)), what, "one of " + ", ".join(mine))])


def older(document: Document) -> list[Problem]:
    """What stands in a file of an older format that the present one has no more, or writes in another way."""
    expected = f"format {FORMAT}: xiu plan upgrade {document.file}"
    version = format_of(document.data)
    return [
        Problem(document.file, document.line(one.loc), f"`{one.key}`: of format {version}; {one.what}", expected)
        for one in changes_of(document.data)
    ]


def _refuse_newer(document: Document) -> None:
    """Raises PlanError for a file of a format that is not known yet: no word of it could be judged."""
    version = format_of(document.data)
    if version is not None and version > FORMAT:
        what = f"`{KEY}`: {version} is newer than this xiu reads"
        raise PlanError([Problem(document.file, document.line((KEY,)), what, f"at most {FORMAT}, or a newer xiu")])


def read_partly(path: Path, model: type[M]) -> tuple[M | None, Document, list[Problem]]:
    """What can be read of the file as a model, its lines, and every problem; the whole model where there is none.

    Raises PlanError where the file is not a YAML document at all.
    """
    try:
        text = text_of(path)
    except OSError as exc:
        near = closest(path.name, [p.name for p in path.parent.glob("*.y*ml") if p != path])
        raise PlanError([Problem(str(path), 0, f"cannot be read: {exc.strerror or exc}", did_you_mean=near)]) from exc
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise PlanError([Problem(str(path), line, "not UTF-8 text", "a file saved as UTF-8")]) from exc
    document = Document(str(path), text)
    _refuse_another(document, model)
    data, problems = document.data, list(document.problems)
    if KEY in model.model_fields:
        _refuse_newer(document)
        problems += older(document)
        data = applied(data, changes_of(data))
    value, failure = validate(model, data, path.parent)
    if failure is not None:
        problems += _problems(document, model, failure)
    problems += [problem_of(document, found) for found in contradictions(value)]
    return value, document, problems


def read_model(path: Path, model: type[M]) -> tuple[M, Document]:
    """The file as a model, and its lines. Raises PlanError with every problem found."""
    value, document, problems = read_partly(path, model)
    if problems or value is None:
        raise PlanError(problems)
    return value, document
