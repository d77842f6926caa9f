"""Numbers that somebody else wrote: one strict reading, wherever they stand, and errors that repeat little of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from aiohttp.test_utils import make_mocked_request

from system import web as shared
from system.contract.errors import BadRequest, BadTag, BadToken, NotFound, Refused
from system.contract.ids import ROUND_MAX, Position, parse_award_id
from system.contract.numbers import number_pattern, refused_as, shown, whole_number
from system.contract.switches import checked
from system.play.parameters import NumberParameter
from system.play.wallet.paging import decode
from system.tokens import sign, sign_tag, tag_expiry, verify_token

HUGE = "9" * 5_000
KEY = bytes(32)
NO_NUMBERS = [
    "",
    "-1",
    "+1",
    "1_0",
    " 1",
    "1 ",
    "1\n",
    "01",
    "00",
    "1.0",
    "1e3",
    "0x1",
    "²",
    "１",
    "٣",
    "1\u200b",
    HUGE,
]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_only_plain_digits_are_a_number(text: str) -> None:
    assert whole_number(text, 1 << 63) is None


@pytest.mark.parametrize(
    ("text", "upper", "number"), [("0", 0, 0), ("10", 10, 10), ("11", 10, None), ("7", 1 << 64, 7)]
)
def test_the_upper_end_counts(text: str, upper: int, number: int | None) -> None:
    assert whole_number(text, upper) == number


def of_path(text: str) -> int:
    return shared.path_number(make_mocked_request("GET", "/", match_info={"round": text}), "round")


@pytest.mark.parametrize(
    ("text", "expected"),
    [(str(ROUND_MAX + 1), "out_of_range"), (HUGE, "out_of_range"), ("-1", "out_of_range"), (f"-{HUGE}", "out_of_range")]
    + [(text, "none") for text in ("", "-", "-0", "--1", "-01", "+1", "01", "1.0", "１", "x")],
)
def test_a_number_outside_of_its_bounds_is_out_of_range_wherever_it_stands(text: str, expected: str) -> None:
    """In a path of control or play, in a query of either."""
    number = NumberParameter("round", "a round", 0, ROUND_MAX)
    in_path = make_mocked_request("GET", "/", match_info={"round": text})
    in_query = make_mocked_request("GET", f"/?round={quote(text)}")
    cases: list[tuple[Callable[[], int], str]] = [
        (lambda: of_path(text), "not_found"),
        (lambda: number.of(in_path), "not_found"),
        (lambda: number.of(in_query), "bad_request"),
        (lambda: shared.query_number(in_query, "round", 0, 0, ROUND_MAX), "bad_request"),
    ]
    for read, otherwise in cases:
        with pytest.raises(Refused) as refused:
            read()
        assert refused.value.code == (expected if expected != "none" else otherwise)
        assert len(str(refused.value)) < 200


@pytest.mark.parametrize("text", [*NO_NUMBERS[:-1], HUGE, "0" * 5_000])
def test_no_place_that_reads_a_number_takes_another_form_or_repeats_it(text: str) -> None:
    cases = [
        (refused_as(text, NotFound), lambda: of_path(text)),
        (BadRequest, lambda: decode(f"{text}-1")),
        (BadRequest, lambda: decode(f"1-{text}")),
        (ValueError, lambda: parse_award_id(f"1-{text}")),
        (ValueError, lambda: parse_award_id(f"{text}-1")),
        (ValueError, lambda: Position.parse(f"1-{text}")),
        (BadToken, lambda: verify_token(KEY, sign(KEY, text, 9).encode(), 0)),
    ]
    for error, call in cases:
        with pytest.raises(error) as caught:
            call()
        assert len(str(caught.value)) < 300


def test_a_query_of_many_digits_is_refused_in_few() -> None:
    # The mocked request's own parser takes no control characters; the digits are what costs time.
    for text in (HUGE, "010", "-1", "1_0"):
        with pytest.raises(BadRequest, match="from 1 to 200") as caught:
            shared.query_number(make_mocked_request("GET", f"/?limit={text}"), "limit", 9, 1, 200)
        assert len(str(caught.value)) < 200


def test_names_that_are_repeated_in_an_error_are_cut() -> None:
    assert shown("x" * 41) == f"'{'x' * 40}'…"
    assert shown(10**6000) == "a number of about 6000 digits"
    for error, call in (
        (BadRequest, lambda: checked("k" * 9_000, 1)),
        (BadRequest, lambda: checked("draw.delay_ms", 10**6000)),
        (BadTag, lambda: sign_tag(KEY, "r" * 9_000, 1)),
        (BadTag, lambda: sign_tag(KEY, "run\n", 1)),
        (BadTag, lambda: tag_expiry(KEY, sign(KEY, "run", 0).replace(".0.", ".00.").encode())),
    ):
        with pytest.raises(error) as caught:
            call()
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize("upper", [0, 7, 9, 10, 99, 200, 65_535, (1 << 31) - 1, (1 << 63) - 1])
def test_the_pattern_of_a_description_is_what_is_read(upper: int) -> None:
    pattern = re.compile(number_pattern(upper))
    beside = {*range(210), *(max(0, upper + near) for near in range(-3, 4)), upper // 2, upper * 2, upper * 10}
    for text in (*NO_NUMBERS, *map(str, beside), *(f"0{number}" for number in beside)):
        assert (pattern.fullmatch(text) is not None) == (whole_number(text, upper) is not None), text
