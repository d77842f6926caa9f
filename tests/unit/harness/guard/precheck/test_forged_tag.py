"""Item *forged tag*: a bad tag is refused at every hop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from harness.guard.precheck.forged_tag import forged
from system.tokens import sign_tag
from tests.support.start_request import KEY, at, control, genuine, of


def test_three_kinds_at_each_hop(whole: StartRequest) -> None:
    found = of("forged tag", whole)
    assert {one.state for one in found} == {"good"}
    assert {(one.subject, one.says) for one in found if "counted" not in one.says} == {
        (hop, f"it refuses an {kind} tag")
        for hop in ("front-0", "front-1", "play")
        for kind in ("unsigned", "altered", "expired")
    }


def test_play_counts_as_well(whole: StartRequest) -> None:
    found = of("forged tag", at(whole, play_url=f"{whole.addresses.control_url}/dull"))
    assert [(one.subject, one.says) for one in found if one.state == "refused"] == [
        ("play", "it refused 3, and counted 0")
    ]


def test_what_a_front_refuses_it_counts(whole: StartRequest) -> None:
    dull = f"{whole.addresses.control_url}/dull"
    found = of("forged tag", at(whole, front_metrics_urls=(whole.addresses.control_url, dull)))
    counted = {one.subject: one for one in found if "counted" in one.says}
    assert (counted["front-0"].state, counted["play"].state) == ("good", "good")
    assert (counted["front-1"].state, counted["front-1"].says) == ("refused", "it refused 3, and counted 0")


def test_a_front_that_does_not_tell_is_told_by_another_item(whole: StartRequest) -> None:
    found = of("forged tag", at(whole, front_metrics_urls=(f"{whole.addresses.control_url}/mute",) * 2))
    assert {one.subject for one in found if "counted" in one.says} == {"play"}


def test_a_hop_that_takes_any_tag_is_named_for_each_kind(whole: StartRequest) -> None:
    found = of("forged tag", at(whole, front_urls=(f"{whole.addresses.control_url}/lax",)))
    assert [one.says for one in found if one.state == "refused"] == [
        f"to an {kind} tag it answers 404 unknown_round, not 403 bad_tag" for kind in ("unsigned", "altered", "expired")
    ]


def test_a_hop_that_loses_tags_does_not_pass_for_one_that_refuses_them(whole: StartRequest) -> None:
    found = of("forged tag", at(whole, play_url=f"{whole.addresses.control_url}/deaf"))
    assert {one.subject for one in found if one.state == "refused"} == {"play"}


def test_an_older_control_gives_no_expired_tag(whole: StartRequest) -> None:
    found = of("forged tag", control(whole, oldest_tag_s=1))
    assert [one.says for one in found if one.state == "not_evaluated"] == ["control gives no tag that has expired"]
    assert {one.state for one in found} == {"good", "not_evaluated"}
    assert not any("expired" in one.says for one in found if one.state == "good")


def test_a_live_run_carries_none(whole: StartRequest) -> None:
    assert [one.state for one in of("forged tag", replace(whole, lane="live"))] == ["not_evaluated"]


@pytest.mark.parametrize("last", ["0", "f"])
def test_a_forged_tag_is_never_the_genuine_one(last: str) -> None:
    tag = next(tag for exp in range(2_000_000_000, 2_000_001_000) if (tag := sign_tag(KEY, "r", exp)).endswith(last))
    assert genuine(tag)
    assert not any(genuine(one) for one in forged(tag).values())
