"""Reads PromQL as far as a linter needs: selectors with what encloses them, groupings, divisions. Judges nothing.

The grammar itself is promtool's business (tests); Grafana's `$words` may stand where a duration or a value may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

AGGREGATORS = frozenset(
    ("sum", "min", "max", "avg", "count", "group", "topk", "bottomk", "quantile", "stddev", "stdvar")
)
GROUPINGS = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))
OPERATORS = frozenset(("and", "or", "unless", "bool", "offset", "inf", "nan"))
KEYWORDS = AGGREGATORS | GROUPINGS | OPERATORS
KEPT = 4096
"""Texts read last: the boards' are a thousand, and each rule of the linters asks for all of them."""
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<range>\[[^\]]*\])|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)"""
    r"""|(?P<number>\d[\w.]*)|(?P<op>=~|!~|!=|>=|<=|==|[=<>(){},+\-*/%^@])|(?P<space>\s+)|(?P<word>\$\w+|\$\{\w+\})"""
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text and of which kind."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric as it is selected. `inside`: calls and aggregators around it. `window`: `[…]` or empty."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    inside: tuple[str, ...]
    window: str


@dataclass(frozen=True, slots=True)
class Grouping:
    """`by (…)`, `on (…)` and the like; `inside` as with selectors."""

    word: str
    labels: tuple[str, ...]
    inside: tuple[str, ...]


@lru_cache(KEPT)
def tokens(expr: str) -> tuple[Token, ...]:
    """Without spaces. Raises ValueError where nothing fits."""
    found: list[Token] = []
    at = 0
    while at < len(expr):
        match = _TOKEN.match(expr, at)
        if match is None:
            raise ValueError(f"cannot read {expr[at : at + 20]!r}")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match[0]))
        at = match.end()
    return tuple(found)


def _closing(found: Sequence[Token], at: int) -> int:
    """Index of the bracket that closes the one at `at`. Raises ValueError if none does."""
    opening, closing = found[at].text, {"(": ")", "{": "}"}[found[at].text]
    depth = 0
    for k in range(at, len(found)):
        depth += (found[k].text == opening) - (found[k].text == closing)
        if depth == 0:
            return k
    raise ValueError(f"{opening} is never closed")


def _at(found: Sequence[Token], k: int) -> str:
    return found[k].text if 0 <= k < len(found) else ""


def _matchers(inner: Sequence[Token]) -> tuple[tuple[str, str, str], ...]:
    rows = []
    for k in range(0, len(inner), 4):
        label, op, value = (token.text for token in inner[k : k + 3])
        rows.append((label, op, value[1:-1]))
    return tuple(rows)


@lru_cache(KEPT)
def parts(expr: str) -> tuple[Selector | Grouping, ...]:
    """Every selector and grouping, in order of the text. Raises ValueError for what cannot be read."""
    return tuple(_parts(expr))


def _parts(expr: str) -> Iterator[Selector | Grouping]:
    found = tokens(expr)
    inside: list[str] = []
    pending = ""
    k = 0
    while k < len(found):
        token = found[k]
        if token.kind == "name" and token.text in GROUPINGS:
            if _at(found, k + 1) == "(":
                end = _closing(found, k + 1)
                labels = tuple(t.text for t in found[k + 2 : end] if t.kind == "name")
                yield Grouping(token.text, labels, (*inside, *([pending] if pending else [])))
                k = end
        elif token.kind == "name" and (token.text in AGGREGATORS or _at(found, k + 1) == "("):
            pending = token.text if token.text not in KEYWORDS - AGGREGATORS else ""
        elif token.kind == "name" and token.text not in KEYWORDS:
            matchers: tuple[tuple[str, str, str], ...] = ()
            if _at(found, k + 1) == "{":
                end = _closing(found, k + 1)
                matchers, k = _matchers(found[k + 2 : end]), end
            window = found[k + 1].text if k + 1 < len(found) and found[k + 1].kind == "range" else ""
            yield Selector(token.text, matchers, tuple(call for call in inside if call), window)
        elif token.text == "(":
            inside.append(pending)
            pending = ""
        elif token.text == ")":
            if not inside:
                raise ValueError(") closes nothing")
            inside.pop()
        k += 1
    if inside:
        raise ValueError("( is never closed")


@lru_cache(KEPT)
def scoped(expr: str, matchers: str, unscoped: frozenset[str] = frozenset()) -> str:
    """The text with these matchers added to every selector but those of `unscoped`. Raises ValueError."""
    parts(expr)  # a bracket that is never closed is told where the panel stands
    written: list[str] = []
    found = list(tokens(expr))
    at = 0
    end_of_grouping = -1
    for k, token in enumerate(found):
        start = expr.index(token.text, at)
        written.append(expr[at:start] + token.text)
        at = start + len(token.text)
        if token.kind == "name" and token.text in GROUPINGS and _at(found, k + 1) == "(":
            end_of_grouping = _closing(found, k + 1)
        selects = token.kind == "name" and token.text not in KEYWORDS and k > end_of_grouping
        if not selects or _at(found, k + 1) == "(" or token.text in unscoped or _inside_braces(found, k):
            continue
        if _at(found, k + 1) != "{":
            written.append("{" + matchers + "}")
        else:
            brace = expr.index("{", at)
            comma = "" if _at(found, k + 2) == "}" else ","
            written.append(expr[at : brace + 1] + matchers + comma)
            found[k + 1] = Token("space", "")
            at = brace + 1
    return "".join(written) + expr[at:]


def _inside_braces(found: Sequence[Token], k: int) -> bool:
    """Is it the name of a label in a selector's matchers?"""
    return _at(found, k + 1) in ("=", "!=", "=~", "!~")


def divisors(expr: str) -> Iterator[str]:
    """The text right of each division, up to the end of its operand."""
    found = tokens(expr)
    for k, token in enumerate(found):
        if token.text != "/":
            continue
        end = k + 1
        while end < len(found) and found[end].text not in ("(", "+", "-", "or", "and"):
            end += 1
        stop = _closing(found, end) if _at(found, end) == "(" else end - 1
        yield " ".join(t.text for t in found[k + 1 : stop + 1])


def arguments(expr: str, call: str) -> Iterator[str]:
    """The text inside each `call(…)`."""
    found = tokens(expr)
    for k, token in enumerate(found):
        if token.text == call and _at(found, k + 1) == "(":
            yield " ".join(t.text for t in found[k + 2 : _closing(found, k + 1)])
