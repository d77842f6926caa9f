"""Tokens and tags, with which users and stress traffic prove who they are. Pure; keys are derived from one master
secret.

A user token is `uid.exp.sig`, signed with the key of its lane, so that a token of one lane is refused on the other. A
stress tag is `run.exp.sig`. `exp` is in whole seconds since 1970.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache

from system.contract.errors import BadTag, BadToken
from system.contract.ids import INT8_MAX, Lane
from system.contract.numbers import shown, whole_number

SIG_BYTES = 12
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")


@lru_cache(maxsize=64)
def derive(master: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose."""
    return hashlib.blake2b(purpose.encode(), key=master[:64], digest_size=32).digest()


def internal_key(master: bytes) -> str:
    """The key with which fronts prove themselves to control, in the header X-Xiu-Key."""
    return derive(master, "internal").hex()


def token_key(master: bytes, lane: Lane) -> bytes:
    """The key user tokens of a lane are signed with."""
    return derive(master, f"token:{lane}")


def tag_key(master: bytes) -> bytes:
    """The key stress tags are signed with."""
    return derive(master, "tag")


def signature(key: bytes, payload: bytes) -> bytes:
    """Hex signature of `payload`."""
    return hashlib.blake2b(payload, key=key, digest_size=SIG_BYTES).hexdigest().encode()


def sign(key: bytes, subject: str, expires_s: int) -> str:
    """`subject.exp.sig`."""
    payload = f"{subject}.{expires_s}"
    return f"{payload}.{signature(key, payload.encode()).decode()}"


def verify_token(key: bytes, token: bytes, now_s: float) -> int:
    """The user of a token. Raises BadToken when malformed, forged or expired."""
    payload, sep, sig = token.rpartition(b".")
    if not sep or not hmac.compare_digest(signature(key, payload), sig):
        raise BadToken("token is not signed by this system")
    subject, _, exp = payload.decode("latin-1").partition(".")
    uid, expires = whole_number(subject, INT8_MAX), whole_number(exp, INT8_MAX)
    if uid is None or expires is None:
        raise BadToken("token is malformed")
    if expires <= now_s:
        raise BadToken("token has expired")
    return uid


def sign_tag(key: bytes, run_id: str, expires_s: int) -> str:
    """A stress tag for a run. Raises BadTag for a run id with other characters than letters, digits, - and _."""
    if not _RUN.fullmatch(run_id):
        raise BadTag(f"run id {shown(run_id)}; expected up to 64 letters, digits, - or _")
    return sign(key, run_id, expires_s)


def tag_expiry(key: bytes, tag: bytes) -> int:
    """Expiry of a genuine tag in seconds since 1970; the caller compares it each time. Raises BadTag."""
    payload, sep, sig = tag.rpartition(b".")
    if not sep or not hmac.compare_digest(signature(key, payload), sig):
        raise BadTag("tag is not signed by this system")
    run, _, exp = payload.decode("latin-1").rpartition(".")
    expires = whole_number(exp, INT8_MAX)
    if not run or expires is None:
        raise BadTag("tag is malformed")
    return expires
