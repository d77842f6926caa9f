"""The event page as a file: small, alone, strict; every word it says is there in both languages."""

from __future__ import annotations

import ast
import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path
from typing import get_args

import pytest
from aiohttp.test_utils import make_mocked_request

from system.front import answers
from system.play.cards.models import DrawnBy
from system.play.event import page as page_module
from system.play.event.page import document, event_page
from system.play.fund.buying import WAYS
from system.play.plays import routes

PAGE, POLICY = document()
SCRIPT = re.findall(r"<script>(.*?)</script>", PAGE, re.S)
STYLE = re.findall(r"<style>(.*?)</style>", PAGE, re.S)


def table(name: str) -> dict[str, str]:
    """What the script says under each name: both languages, as they stand there."""
    (found,) = re.findall(rf"const {name} = {{\n(.*?)\n}};", SCRIPT[0], re.S)
    both = re.findall(r'(\w+): \[("(?:[^"\\]|\\.)*", "(?:[^"\\]|\\.)*")\]', found)
    assert len(dict(both)) == len(both), f"{name} says something twice"
    return dict(both)


WORDS, KINDS, CODES = (table(name) for name in ("WORDS", "KINDS", "CODES"))
KILOBYTES_MAX = 100
SYSTEM = Path(page_module.__file__).parents[2]
KINDS_BY_NAME = {
    ("play/payouts/asking.py", "kind"): ("payout_paid", "payout_back"),
    ("play/cards/moving.py", "what"): get_args(DrawnBy),
    ("play/fund/buying.py", "kind"): tuple(f"fund_{way}" for way in WAYS),
}
"""Kinds of transfers that do not stand where the order is made."""


def test_one_small_file_that_fetches_nothing() -> None:
    assert len(PAGE.encode()) <= KILOBYTES_MAX * 1000
    assert not re.search(r"/\*[A-Z]+\*/", PAGE), "every part is in its place"
    for fetched in ("http://", "https://", "//cdn", "src=", "<link", "@import", "url(", "import(", "<img", "<iframe"):
        assert fetched not in PAGE, fetched


def test_the_policy_allows_these_very_parts_and_no_more() -> None:
    def of(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert (len(SCRIPT), len(STYLE)) == (1, 1)
    policy = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": of(SCRIPT[0]),
        "style-src": of(STYLE[0]),
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_answer_says_so() -> None:
    answer = asyncio.run(event_page(make_mocked_request("GET", "/")))
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "never",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", " style=", " on"],
)
def test_what_the_policy_or_a_stranger_s_text_would_break(never: str) -> None:
    markup = re.sub(r"<(script|style)>.*?</\1>", "", PAGE, flags=re.S)
    if never == " on":
        assert not re.search(r"\son\w+=", markup)
    else:
        assert never not in (PAGE if never != " style=" else markup)


def test_every_word_is_there_in_both_languages() -> None:
    asked = set(re.findall(r'data-word="(\w+)"', PAGE)) | set(re.findall(r'\bsay\("(\w+)"', SCRIPT[0]))
    asked |= set(re.findall(r'\b(?:section|field)\("[\w-]+", "(\w+)"', SCRIPT[0]))
    asked |= set(re.findall(r'\bbutton\("(\w+)"', SCRIPT[0]))
    assert len(asked) > 40
    assert asked <= set(WORDS), asked - set(WORDS)
    for name, both in [*WORDS.items(), *KINDS.items(), *CODES.items()]:
        chinese, english = re.findall(r'"((?:[^"\\]|\\.)*)"', both)
        assert all((chinese, english)), name
        assert not re.search("[\u4e00-\u9fff]", english) or name in ("lang", "lang_says"), name
        assert set(re.findall(r"{\d}", chinese)) == set(re.findall(r"{\d}", english)), name


def test_every_refusal_that_a_user_may_meet_has_words() -> None:
    of_play = {
        code for route in routes() if route.who != "operator" for codes in route.refusals.values() for code in codes
    }
    made = (getattr(answers, name) for name in dir(answers))
    said = (json.loads(each.close[each.head_bytes :]) for each in made if isinstance(each, answers.HttpAnswer))
    of_front = {body["error"]["code"] for body in said if "error" in body}
    assert len(of_play) > 50
    assert len(of_front) > 10
    missing = (of_play | of_front | {"internal", "not_open", "method_not_allowed"}) - set(CODES)
    assert not missing, f"words.js, CODES: no words for {sorted(missing)}; expected zh and en of each"


def kinds_of_transfers() -> set[str]:
    """Of every `Order(…)` of the system, as its source names them."""
    found: set[str] = set()
    for path in sorted(SYSTEM.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "Order(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Order":
                kind = node.args[0]
                if isinstance(kind, ast.Constant):
                    found.add(kind.value)
                else:
                    assert isinstance(kind, ast.Name)
                    found |= set(KINDS_BY_NAME[path.relative_to(SYSTEM).as_posix(), kind.id])
    return found


def test_every_kind_of_transfer_has_words() -> None:
    kinds = kinds_of_transfers()
    assert {"spend", "bill", "fund_sale", "claim", "pot", "reverse"} <= kinds
    missing = kinds - set(KINDS)
    assert not missing, f"words.js, KINDS: no words for {sorted(missing)}; expected zh and en of each"
    assert set(KINDS) <= kinds, "words that nothing says"


def test_every_control_has_a_name_and_every_label_its_field() -> None:
    ids = re.findall(r'\bid="([\w-]+)"', PAGE)
    assert len(set(ids)) == len(ids)
    for target in re.findall(r'(?:for|aria-labelledby)="([\w-]+)"', PAGE):
        assert target in ids
    for targets in re.findall(r'aria-describedby="([\w -]+)"', PAGE):
        assert set(targets.split()) <= set(ids)
    assert all(f'for="{field}"' in PAGE for field in re.findall(r'<input id="([\w-]+)"', PAGE))
    assert set(re.findall(r'\$\("([\w-]+)"\)', SCRIPT[0])) - set(ids) <= {"give-said"}, "what the script looks for"


def _luminance(color: str) -> float:
    digits = color.lstrip("#")
    wide = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(wide[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast(theme: int) -> None:
    found = re.findall(r":root \{(.*?)\}", STYLE[0], re.S)[theme]
    color = dict(re.findall(r"--([\w-]+): (#\w+)", found))
    for ink, ground in (
        ("ink", "bg"), ("ink", "card"), ("soft", "bg"), ("soft", "card"), ("on-accent", "accent"), ("accent", "card"),
        ("ink", "field"), ("wrong", "card"),
    ):  # fmt: skip
        assert contrast(color[ink], color[ground]) >= 4.5, (ink, ground)
    assert contrast(color["edge"], color["card"]) >= 3, "the edge of a field"


@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        pytest.param("#fff", "#d2222a", 4.5, id="text on the lightest red of the head"),
        pytest.param("#ffe9b0", "#d2222a", 3.0, id="the countdown, which is large"),
        pytest.param("#ffe9b0", "#c51b22", 3.0, id="the sum, which is large"),
        pytest.param("#ffe3d6", "#c51b22", 4.5, id="small text of a win"),
        pytest.param("#fff", "#d3141b", 4.5, id="the button's word"),
        pytest.param("#fff", "#8c3c3c", 4.5, id="the button's word at rest"),
        pytest.param("#5c0609", "#ffe2a0", 4.5, id="a button of a win"),
        pytest.param("#fff", "#5c0609", 4.5, id="no connection"),
    ],
)
def test_contrast_on_red(ink: str, ground: str, least: float) -> None:
    assert ink.lstrip("#") in STYLE[0]
    assert ground.lstrip("#") in STYLE[0]
    assert contrast(ink, ground) >= least
