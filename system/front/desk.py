"""The desk: turns one whole request into its answer. What all connections of a front share. No sockets and no
parser.
"""

from __future__ import annotations

from dataclasses import dataclass

from system.contract.ids import ROUND_MAX, TAG_HEADER
from system.contract.numbers import whole_number
from system.contract.routing import TAP_ROUTE
from system.front import answers
from system.front.admission import TOKEN_BYTES_MAX, Admission
from system.front.answers import HttpAnswer
from system.front.draw import Draw, Replier
from system.front.metrics import FrontMetrics
from system.front.seam import FrontContext
from system.settings import FrontSettings

_TAPS_PREFIX, _TAPS_SUFFIX = TAP_ROUTE.encode().split(b"{round}")
_TAG = TAG_HEADER.lower().encode()
_NO_ROUND = -1


class Request:
    """The part of a request's head that matters. `flawed`: a field that may stand once stands twice, or Host is
    missing.
    """

    __slots__ = (
        "authorization",
        "chunked",
        "expects",
        "flawed",
        "host",
        "lane",
        "length",
        "tag",
        "token",
        "uid",
        "url",
    )

    def __init__(self) -> None:
        self.url = b""
        self.authorization: bytes | None = None
        self.tag: bytes | None = None
        self.host: bytes | None = None
        self.length: bytes | None = None
        self.chunked = False
        self.expects = False
        self.flawed = False
        self.lane = 0
        self.token = b""
        self.uid = -1
        """Set once the token has proven genuine."""

    def header(self, name: bytes, value: bytes) -> None:
        """Takes one field of the head."""
        name = name.lower()
        if name == b"authorization":
            self.flawed |= self.authorization is not None
            self.authorization = value.strip(b" \t")
        elif name == _TAG:
            self.flawed |= self.tag is not None
            self.tag, self.lane = value.strip(b" \t"), 1
        elif name == b"host":
            self.flawed |= self.host is not None
            self.host = value
        elif name == b"content-length":
            self.length = value
        elif name == b"transfer-encoding":
            self.chunked = True
        elif name == b"expect":
            self.expects = value.strip(b" \t").lower() == b"100-continue"


@dataclass(frozen=True, slots=True)
class Shape:
    """A tap's bytes before and after its token: with any genuine token of that lane between them it is the same tap."""

    before: bytes
    after: bytes
    start: int
    """Where the token begins, counted from the first byte."""
    end: int
    """Where it ends, counted from the last: negative."""
    round_id: int
    lane: int
    tag_expiry_us: int


class Desk:
    """Routes, and steps 2 and 3 of a tap; the rest is the draw's."""

    __slots__ = (
        "admission", "draw", "front", "metrics", "now_us", "settings", "shapes", "stopping", "tap", "taps", "user",
    )  # fmt: skip

    def __init__(
        self, front: FrontContext, settings: FrontSettings, metrics: FrontMetrics, *, shapes: bool = True
    ) -> None:
        """`shapes`: taps may be recognised by their shape; False: each goes through the parser."""
        self.shapes = shapes
        self.front = front
        self.settings = settings
        self.metrics = metrics
        self.admission = Admission(settings)
        self.draw = Draw(front, settings, metrics.tickets)
        self.stopping = False
        # What every tap needs, one look-up away.
        self.now_us = front.now_us
        self.user = self.admission.user
        self.tap = self.draw.tap
        self.taps = metrics.taps

    def stop(self) -> None:
        """Refuses every tap from now on."""
        self.stopping = self.draw.stopping = True

    def answer(self, method: bytes, request: Request, replier: Replier) -> HttpAnswer | None:
        """The answer to a request, or None when it comes through `replier`."""
        path = path_of(request.url)
        if path.startswith(_TAPS_PREFIX) and path.endswith(_TAPS_SUFFIX):
            name = path[len(_TAPS_PREFIX) : -len(_TAPS_SUFFIX)]
            if b"/" not in name:
                return self._tap(name, request, replier) if method == b"POST" else answers.ALLOW_POST
        page = self._page(path)
        if page is None:
            return answers.NOT_FOUND
        return page if method in (b"GET", b"HEAD") else answers.ALLOW_GET

    def _page(self, path: bytes) -> HttpAnswer | None:
        if path == b"/healthz":
            return answers.HEALTHY
        if path == b"/readyz":
            return answers.HEALTHY if self.front.serving and not self.stopping else answers.NOT_READY
        return None

    def _tap(self, name: bytes, request: Request, replier: Replier) -> HttpAnswer | None:
        now_us = self.now_us()
        scheme, _, token = (request.authorization or b"").partition(b" ")
        token = token.lstrip(b" ")
        uid = self.admission.user(request.lane, token, now_us) if scheme.lower() == b"bearer" else -1
        if uid < 0:
            return answers.BAD_TOKEN
        if request.tag is not None and now_us >= self.admission.tag_expiry_us(request.tag):
            return answers.BAD_TAG
        request.token, request.uid = token, uid
        return self.draw.tap(round_number(name), request.lane, uid, now_us, replier)

    def shape_of(self, data: bytes, request: Request) -> Shape | None:
        """The shape of the tap that `data` is; None where its token is not unique in it or may not grow."""
        if not self.shapes or not data.startswith(b"POST ") or data.count(request.token) != 1:
            return None
        if len(data) + TOKEN_BYTES_MAX > self.settings.head_bytes_max:
            return None
        before, _, after = data.partition(request.token)
        path = path_of(request.url)
        expiry_us = 0 if request.tag is None else self.admission.tag_expiry_us(request.tag)
        number = round_number(path[len(_TAPS_PREFIX) : -len(_TAPS_SUFFIX)])
        return Shape(before, after, len(before), -len(after), number, request.lane, expiry_us)


def path_of(target: bytes) -> bytes:
    """The path of a request target, whether `/path` or `http://host/path`, as a client sends it to a proxy (RFC 9112,
    3.2).
    """
    if not target.startswith(b"/"):
        scheme, _, rest = target.partition(b"://")
        if scheme.lower() in (b"http", b"https"):
            target = rest[rest.find(b"/") :] if b"/" in rest.partition(b"?")[0] else b"/"
    return target.partition(b"?")[0]


def round_number(name: bytes) -> int:
    """The round a path names; a number no round has for anything but plain digits."""
    number = whole_number(name.decode("latin-1"), ROUND_MAX)
    return _NO_ROUND if number is None else number
