"""Scalars of every YAML file as they look: digits are a decimal number, `true` and `false` a flag, all else is text.

YAML 1.1 reads `0755` as 493, `10:00` as 600, `0x1F` and `1_000` as numbers, `no` as false and `2026-02-16` as a date,
which the writer rarely means. Here they are the decimal number of their digits, or text, which a number's field
refuses.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,40}\.[0-9]{1,40}(?:[eE][-+]?[0-9]{1,3})?")
_FLAG = re.compile(r"true|True|TRUE|false|False|FALSE")
_NOTHING = re.compile(r"~|null|Null|NULL|")


class PlainLoader(yaml.SafeLoader):
    """`yaml.SafeLoader` with those scalars alone, whether recognised by their look or by a tag (`!!int 0755` is
    755).
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (a table of the class, as PyYAML has it)


def _read(name: str, pattern: re.Pattern[str], first: list[str], convert: Any) -> None:
    def construct(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        text = loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if text is None or not pattern.fullmatch(text):
            raise ValueError(f"not a plain {name}")
        return convert(text)

    PlainLoader.add_implicit_resolver(_TAG + name, re.compile(rf"(?:{pattern.pattern})\Z"), first)
    PlainLoader.add_constructor(_TAG + name, construct)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # 1.0e999
        raise ValueError("too large")
    return number


def _refuse(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    raise ValueError("such a tag is not read")


_read("int", _INTEGER, list("-+0123456789"), int)
_read("float", _DECIMAL, list("-+0123456789"), _finite)
_read("bool", _FLAG, list("tTfF"), lambda text: text.lower() == "true")
_read("null", _NOTHING, ["~", "n", "N", ""], lambda text: None)
for _name in ("timestamp", "binary"):
    PlainLoader.add_constructor(_TAG + _name, _refuse)


FastLoader: Any = None
"""The same scalars read by libyaml, ten times as fast; None where PyYAML was built without it. What libyaml refuses is
read again by `PlainLoader`, whose words and lines are reported.
"""
if yaml.__with_libyaml__:

    class _FastLoader(yaml.CSafeLoader):
        yaml_implicit_resolvers = PlainLoader.yaml_implicit_resolvers
        yaml_constructors = PlainLoader.yaml_constructors

    FastLoader = _FastLoader


def load(text: str) -> Any:
    """The one document of a text that needs no line numbers. Raises yaml.YAMLError, ValueError."""
    if FastLoader is not None:
        with suppress(yaml.YAMLError, ValueError):
            return yaml.load(text, Loader=FastLoader)
    return yaml.load(text, Loader=PlainLoader)
