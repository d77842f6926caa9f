"""Tokens and tags, issued in bulk. The keys never leave the process. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from system.contract.api import TagRequest, TokensRequest
from system.contract.errors import BadRequest, BadTag
from system.tokens import sign_tag, signature, tag_key, token_key

CHUNK = 500
"""Tokens made in one go: about a millisecond, so that fronts are answered in between."""


def tokens(secret: bytes, order: TokensRequest, now_s: int) -> Iterator[bytes]:
    """Chunks of lines, one token a line, for the users of the order, ascending."""
    key = token_key(secret, order.lane)
    expires = b"." + str(max(0, now_s + order.ttl_s)).encode()
    last = order.first_uid + order.count
    for first in range(order.first_uid, last, CHUNK):
        lines = []
        for uid in range(first, min(last, first + CHUNK)):
            payload = str(uid).encode() + expires
            lines.append(b"%b.%b\n" % (payload, signature(key, payload)))
        yield b"".join(lines)


def tag(secret: bytes, order: TagRequest, now_s: int) -> str:
    """A stress tag. Raises BadRequest for a run id that cannot stand in one."""
    try:
        return sign_tag(tag_key(secret), order.run_id, now_s + order.ttl_s)
    except BadTag as exc:
        raise BadRequest(str(exc)) from exc
