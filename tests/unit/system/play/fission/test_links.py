"""Links to shares: only the system makes them, each lane its own, and a key is good for as long as its shares."""

from __future__ import annotations

import pytest

from system.play.fission.links import ShareLink, key_id, made, verified
from system.play.fission.refusals import NoSuchLink

SECRET = bytes(range(64))
DAY_US = 86_400_000_000
LINK = ShareLink("12-345", 20_000)


def test_a_link_says_whose_share_it_is() -> None:
    text = made(SECRET, "live", LINK)
    assert verified(SECRET, "live", text) == LINK
    assert len(bytes.fromhex(text.rpartition(".")[2])) == 16


def test_the_key_of_a_day_that_is_over_still_verifies() -> None:
    assert (key_id(0), key_id(DAY_US - 1), key_id(DAY_US)) == (0, 0, 1)
    for day in (0, 1, 20_000):
        assert verified(SECRET, "live", made(SECRET, "live", LINK._replace(key_id=day))).key_id == day
    macs = {made(SECRET, "live", LINK._replace(key_id=day)).rpartition(".")[2] for day in range(100)}
    assert len(macs) == 100


def forged() -> dict[str, str]:
    text = made(SECRET, "live", LINK)
    head, _, mac = text.rpartition(".")
    return {
        "nothing": "", "words": "hello", "no mac": head, "an empty mac": f"{head}.", "half a mac": text[:-16],
        "another bit": f"{head}.{'0' if mac[0] != '0' else '1'}{mac[1:]}", "upper case": f"{head}.{mac.upper()}",
        "another award": f"12-346.20000.{mac}", "another key": f"12-345.20001.{mac}",
        "another spelling of the key": f"12-345.020000.{mac}", "another spelling of the award": f"012-345.20000.{mac}",
        "a blank behind": f"{text} ", "a line behind": f"{text}\n", "other digits": text.replace("1", "١", 1),
        "another lane's": made(SECRET, "stress", LINK), "another system's": made(bytes(64), "live", LINK),
        "very long": text + "0" * 10_000, "a surrogate": "\udc80" * 40,
    }  # fmt: skip


@pytest.mark.parametrize("name", forged())
def test_a_made_up_link(name: str) -> None:
    text = forged()[name]
    with pytest.raises(NoSuchLink):
        verified(SECRET, "live", text)
