"""Admission: who taps, on which lane, of which front. Decides before any state changes. No I/O, no logging."""

from __future__ import annotations

import hashlib
from hmac import compare_digest

from system import tokens
from system.contract.errors import BadTag
from system.contract.ids import LANES
from system.settings import FrontSettings

_SIG_HEX = 2 * tokens.SIG_BYTES
_PAYLOAD_END = -1 - _SIG_HEX
_TAGS_MAX = 1024
TOKEN_BYTES_MAX = 19 + 1 + 20 + 1 + _SIG_HEX
"""No genuine token is longer."""


class Admission:
    """Checks tokens with a keyed hash each time, and tags once per distinct bytes; their expiry each time."""

    __slots__ = ("_expires", "_expires_us", "_keyed", "_tag_key", "_tags")

    def __init__(self, settings: FrontSettings) -> None:
        # A keyed state is copied for each token, which takes half the time of making a new one.
        self._keyed = tuple(
            hashlib.blake2b(key=tokens.token_key(settings.secret, lane), digest_size=tokens.SIG_BYTES).copy
            for lane in LANES
        )
        self._tag_key = tokens.tag_key(settings.secret)
        # Tokens are made in bulk: the expiry of one is most often that of the one before, read already.
        self._expires = b"0"
        self._expires_us = 0
        self._tags: dict[bytes, int] = {}

    def user(self, lane: int, token: bytes, now_us: int) -> int:
        """The user of a genuine token of that lane (index in LANES) which has not expired; −1 for any other bytes.

        The same answer as `tokens.verify_token`.
        """
        if len(token) > TOKEN_BYTES_MAX:
            return -1
        try:
            uid, expires, sig = token.split(b".", 3)
        except ValueError:
            return -1
        keyed = self._keyed[lane]()
        keyed.update(token[:_PAYLOAD_END])  # a signature of another length never equals none
        if not compare_digest(keyed.hexdigest().encode(), sig) or not uid.isdigit():
            return -1
        if expires != self._expires:
            if not expires.isdigit():
                return -1
            self._expires, self._expires_us = expires, int(expires) * 1_000_000
        user = int(uid)
        return user if now_us < self._expires_us and user < 1 << 63 else -1

    def tag_expiry_us(self, tag: bytes) -> int:
        """When a tag expires; 0 for one that is not genuine. Only genuine ones are remembered."""
        known = self._tags.get(tag)
        if known is not None:
            return known
        try:
            expires_us = tokens.tag_expiry(self._tag_key, tag) * 1_000_000
        except BadTag:
            return 0
        if len(self._tags) >= _TAGS_MAX:
            self._tags.clear()
        self._tags[tag] = expires_us
        return expires_us
