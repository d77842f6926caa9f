"""Seeded bytes that no front may take for a tap that counts: broken, cut, foreign, hidden, pipelined. Pure.

Tokens of `Known.live` are genuine, so that it is the request alone that keeps them from winning: as long as one rule of
the front holds too little, one of them wins. Never builds a whole sound tap of one of them in the open round, but
behind a request that ends its connection, or inside another's body.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """Genuine tokens and a genuine tag, and rounds: open and live, live but not open yet, open on the stress lane."""

    live: list[bytes]
    stress: list[bytes]
    expired: list[bytes]
    tag: bytes
    open: int
    early: int
    stressed: int


@dataclass(frozen=True, slots=True)
class Case:
    """What one connection sends, piece by piece. `statuses`: exactly these answers; None: whatever is no tap.

    `bad`: how many of the requests are malformed, broken off, or come in a stream that is cut anywhere.
    """

    kind: str
    requests: int
    pieces: list[bytes]
    statuses: list[int] | None = None

    @property
    def bad(self) -> int:
        if len(self.pieces) > 1:
            return self.requests
        return {"pipelined": 0, "broken": 1}.get(self.kind, self.requests)


Asked = tuple[bytes, int]


class Fuzz:
    """Cases one after the other, decided by the seed."""

    def __init__(self, seed: int, known: Known) -> None:
        self._chance, self._known = random.Random(seed), known
        self._makers = (self._pipeline, self._broken, self._mutated, self._garbage, self._cut)

    def case(self) -> Case:
        """The next one."""
        make: Callable[[], Case] = self._chance.choices(self._makers, (45, 25, 20, 5, 5))[0]
        return make()

    # -- sound requests, each with its one right answer

    def _tap(self, round_id: int, token: bytes, *lines: bytes, body: bytes = b"") -> bytes:
        head = [b"POST /v1/rounds/%d/taps HTTP/1.1" % round_id, b"Host: front", *lines]
        if token:
            head.append(b"Authorization: Bearer " + token)
        return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])

    def _live(self) -> bytes:
        return self._chance.choice(self._known.live)

    def _forged(self) -> bytes:
        head = self._live().rpartition(b".")[0]
        return head + b"." + self._chance.randbytes(12).hex().encode()

    def _sound_tap(self) -> bytes:
        """Would win, if it were read as a request."""
        return self._tap(self._known.open, self._live())

    def _asked(self) -> Asked:
        known, chance = self._known, self._chance
        tag = b"X-Xiu-Tag: " + known.tag
        forged_tag = b"X-Xiu-Tag: " + known.tag[:-24] + chance.randbytes(12).hex().encode()
        hidden = self._sound_tap()
        rows: tuple[Callable[[], Asked], ...] = (
            lambda: (b"GET /healthz HTTP/1.1\r\nHost: front\r\n\r\n", 200),
            lambda: (b"GET /%d HTTP/1.1\r\nHost: front\r\n\r\n" % chance.getrandbits(30), 404),
            lambda: (b"GET /v1/rounds/%d/taps HTTP/1.1\r\nHost: front\r\n\r\n" % known.open, 405),
            lambda: (self._tap(known.open, b""), 401),
            lambda: (self._tap(known.open, self._forged()), 401),
            lambda: (self._tap(known.open, self._live() + b"0"), 401),
            lambda: (self._tap(known.open, chance.choice(known.expired)), 401),
            lambda: (self._tap(known.open, chance.choice(known.stress)), 401),
            lambda: (self._tap(known.open, self._live(), tag), 401),
            lambda: (self._tap(known.stressed, chance.choice(known.stress), forged_tag), 403),
            lambda: (self._tap(known.stressed, self._live()), 404),
            lambda: (self._tap(known.open, chance.choice(known.stress), tag), 404),
            lambda: (self._tap((1 << 31) + chance.getrandbits(20), self._live()), 404),
            lambda: (hidden.replace(b"/%d/" % known.open, b"/0%d/" % known.open, 1), 404),
            lambda: (self._tap(known.early, self._live(), b"X-Filler: " + b"f" * chance.randrange(2000)), 409),
            # A tap in a body is no tap.
            lambda: (self._tap(known.open, self._forged(), body=hidden), 401),
            lambda: (self._tap(known.early, self._live(), body=hidden), 409),
            lambda: (
                self._tap(known.open, self._forged(), b"Transfer-Encoding: chunked").replace(
                    b"Content-Length: 0\r\n", b""
                )
                + b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden),
                401,
            ),
        )
        return chance.choice(rows)()

    def _pipeline(self) -> Case:
        asked = [self._asked() for _ in range(self._chance.choice((1, 2, 4, 8, 16)))]
        raw = b"".join(raw for raw, _ in asked)
        return Case("pipelined", len(asked), self._split(raw, whole=0.2), [status for _, status in asked])

    # -- requests that end their connection

    def _broken(self) -> Case:
        asked = [self._asked() for _ in range(self._chance.choice((0, 0, 1, 4)))]
        raw, status = self._chance.choice(self._endings())()
        behind = self._sound_tap() * self._chance.choice((0, 1, 3))
        whole = b"".join(raw for raw, _ in asked) + raw + behind
        return Case("broken", len(asked) + 1, self._split(whole), [*(status for _, status in asked), status])

    def _endings(self) -> tuple[Callable[[], Asked], ...]:
        chance, sound = self._chance, self._sound_tap()
        none, start = b"Content-Length: 0", b"POST /"

        def length(value: bytes) -> Asked:
            return sound.replace(none, b"Content-Length: " + value), 400

        def line(value: bytes) -> Asked:
            return sound.replace(none, value + b"\r\n" + none), 400

        def chunked(body: bytes, status: int = 400) -> Asked:
            return sound.replace(none, b"Transfer-Encoding: chunked") + body, status

        return (
            lambda: line(b"Host: other"),
            lambda: line(b"Authorization: Bearer " + self._live()),
            lambda: line(b"Transfer-Encoding: chunked"),
            lambda: line(b"no colon here"),
            lambda: line(b"Sp ace: 1"),
            lambda: line(b"Nul: \x00"),
            lambda: line(b"\x00: 1"),
            lambda: line(b": 1"),
            lambda: line(b"Return: \r1"),
            lambda: length(chance.choice((b"-1", b"abc", b"1e3", b"0x10", b"5, 6", b"+5", b"99999999999999999999"))),
            lambda: (sound.replace(none, b"Content-Length: %d" % chance.randrange(1025, 1 << 40)), 413),
            lambda: (sound.replace(none, b"X-Filler: " + b"f" * 20_000), 431),
            lambda: (sound.replace(none, b"a: b\r\n" * 3000 + none), 431),
            lambda: chunked(b"%x\r\n" % 5000 + b"f" * 5000, 413),
            lambda: chunked(chance.choice((b"zz\r\n\r\n", b"-1\r\nf\r\n", b"1\r\nff\r\n0\r\n\r\n", b"\x00"))),
            lambda: (sound.replace(b"Host: front\r\n", b""), 400),
            lambda: (
                sound.replace(b"HTTP/1.1", chance.choice((b"HTTP/9.9", b"HTTP/2.0", b"http/1.1", b"HTPP/1.1"))),
                400,
            ),
            lambda: (
                sound.replace(start, chance.choice((b"P0ST /", b"post /", b"TAP /", b"\x00POST /", b" POST /"))),
                400,
            ),
            lambda: (sound.replace(b"/taps", b"/ta\x00ps"), 400),
        )

    def _cut(self) -> Case:
        """The client ends, or goes, in the middle of a sound tap."""
        sound = self._sound_tap()
        return Case("cut", 1, self._split(sound[: self._chance.randrange(1, len(sound))]), [])

    # -- bytes without a right answer

    def _mutated(self) -> Case:
        """A forged tap in the open round, or a genuine one in the round to come, after a few edits."""
        known, chance = self._known, self._chance
        while True:
            base = (
                self._tap(known.open, self._forged()) if chance.random() < 0.5 else self._tap(known.early, self._live())
            )
            count, raw = chance.choice((1, 3)), b""
            for _ in range(count):
                raw += self._edited(base, chance.choice((1, 2, 4)))
            if base.count(b"/%d/" % known.open) or b"/%d/" % known.open not in raw:
                return Case("mutated", count, self._split(raw))

    def _edited(self, raw: bytes, edits: int) -> bytes:
        chance = self._chance
        for _ in range(edits):
            at = chance.randrange(len(raw))
            to = min(len(raw), at + chance.randrange(8))
            put = chance.choice(
                (b"", chance.randbytes(chance.randrange(1, 4)), raw[at:to] * 2, b"\r\n", b"\n", b"\x00")
            )
            raw = raw[:at] + put + raw[to:] or b"x"
        return raw

    def _garbage(self) -> Case:
        chance = self._chance
        raw = chance.choice(
            (
                chance.randbytes(chance.randrange(1, 4096)),
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200),
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + chance.randbytes(30),
                b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + self._sound_tap(),
                b"x" * chance.randrange(1, 30_000),
                b"\r\n" * chance.randrange(1, 5000),
                b"get x\r\n",
            )
        )
        return Case("garbage", 1, self._split(raw))

    def _split(self, raw: bytes, whole: float = 0.6) -> list[bytes]:
        """The bytes in pieces: `whole` as often, else in a few, seldom one by one."""
        chance = self._chance
        dice = chance.random()
        if dice < whole or len(raw) < 2:
            return [raw]
        if dice < 0.98 or len(raw) > 600:
            places = sorted(chance.sample(range(1, len(raw)), min(len(raw) - 1, chance.randrange(1, 5))))
        else:
            places = list(range(1, len(raw)))
        return [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)]
