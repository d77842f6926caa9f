"""Links to shares: `AWARD.KEY-ID.MAC`, 128 bits that only this system can make. Pure; no look-up for a forged one.

The key changes each day. Its id stands in the link and in the share, and a key is made from the master secret and its
id: it stays good for as long as there is a share of that day. Keys of the two lanes differ.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from typing import NamedTuple

from system.contract.ids import Lane, parse_award_id
from system.play.fission.refusals import NoSuchLink
from system.tokens import derive

MAC_BYTES = 16
DAY_US = 86_400_000_000
LINK_CHARS_MAX = 80
_FORM = re.compile(rf"(\d{{1,10}}-\d{{1,10}})\.(0|[1-9]\d{{0,8}})\.([0-9a-f]{{{2 * MAC_BYTES}}})", re.ASCII)


class ShareLink(NamedTuple):
    """What a genuine link says: the award whose share it is, and the key's id."""

    award: str
    key_id: int


def key_id(at_us: int) -> int:
    """The id of the key of that day: days since 1970."""
    return at_us // DAY_US


@lru_cache(maxsize=64)
def _key(secret: bytes, lane: Lane, number: int) -> bytes:
    return derive(secret, f"share:{lane}:{number}")


def _mac(secret: bytes, lane: Lane, link: ShareLink) -> str:
    return hashlib.blake2b(link.award.encode(), key=_key(secret, lane, link.key_id), digest_size=MAC_BYTES).hexdigest()


def made(secret: bytes, lane: Lane, link: ShareLink) -> str:
    """The link as text."""
    return f"{link.award}.{link.key_id}.{_mac(secret, lane, link)}"


def verified(secret: bytes, lane: Lane, text: str) -> ShareLink:
    """What the link says, compared in constant time. Raises NoSuchLink."""
    match = _FORM.fullmatch(text) if len(text) <= LINK_CHARS_MAX else None
    if match is not None:
        link = ShareLink(match[1], int(match[2]))
        if hmac.compare_digest(_mac(secret, lane, link), match[3]) and _is_award(link.award):
            return link
    raise NoSuchLink("this link was not made by this system")


def _is_award(text: str) -> bool:
    try:
        parse_award_id(text)
    except ValueError:
        return False
    return True
