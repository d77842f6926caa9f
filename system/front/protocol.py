"""HTTP of one client connection: bytes in, answers out, in order. Knows nothing of taps but the way to the desk.

A tap whose bytes around the token equal those of this connection's last tap needs no parser: equal bytes mean the same
request, whichever genuine token stands between them. Everything else goes through httptools.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from system.front import answers
from system.front.answers import HttpAnswer
from system.front.desk import Desk, Request, Shape
from system.front.places import NEVER_SPOKE

_HEAD_END = b"\r\n\r\n"
_PLACES_MAX = 128
"""Answers that a connection may be owed before it is no longer read."""
_OUT_BYTES_MAX = 1 << 18
"""Most answers to requests that came in one piece; a client that sends more at once has to come again."""
_LINGER_S = 1.0
"""How long the rest of a client's bytes is read after the last answer, so that a reset does not destroy that answer."""


class _Place:
    """The place of an answer that is not known yet, in the order of a connection's answers."""

    __slots__ = ("closes", "connection", "data", "lane")

    def __init__(self, connection: TapProtocol, lane: int, closes: bool) -> None:
        self.connection = connection
        self.lane = lane
        self.closes = closes
        self.data: bytes | None = None

    def settle(self, answer: HttpAnswer) -> None:
        """Takes the answer: counted now, sent when all before it are."""
        self.connection.count(self.lane, answer)
        self.connection.arrive(self, answer)

    def fill(self, answer: HttpAnswer) -> None:
        """The bytes are there, after whatever delay the switches ask for."""
        self.data = answer.close if self.closes else answer.keep
        self.connection.flush()


class TapProtocol(asyncio.Protocol):
    """One connection. `connections` and `partial` (with the time each request began) are the server's registries;
    `quiet` and `tapped` say whether it may keep its place (see `places`).
    """

    __slots__ = (
        "_body_left", "_body_seen", "_completed", "_connections", "_dead", "_desk", "_eof", "_full", "_head_done",
        "_in_message", "_keep", "_linger", "_loop", "_out", "_out_bytes", "_parser", "_partial", "_paused", "_places",
        "_request", "_room", "_shape", "_tail", "_transport", "quiet", "tapped",
    )  # fmt: skip

    def __init__(
        self,
        desk: Desk,
        loop: asyncio.AbstractEventLoop,
        connections: dict[TapProtocol, None],
        partial: dict[TapProtocol, float],
    ) -> None:
        self._desk = desk
        self._loop = loop
        self._connections = connections
        self._partial = partial
        self.quiet = NEVER_SPOKE
        self.tapped = False
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpRequestParser | None = None
        self._shape: Shape | None = None
        """Set only while nothing is half read and nothing waits to be sent."""
        self._places: deque[_Place] = deque()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._linger: asyncio.TimerHandle | None = None
        self._dead = False
        """No further request is read: the last answer is decided."""
        self._eof = False
        self._full = False
        """The client does not read what was written."""
        self._paused = False
        """The client is not read from."""
        self._in_message = False
        self._completed = 0
        self._keep = True
        self._begin()

    def _begin(self) -> None:
        self._request = Request()
        self._head_done = False
        self._room = self._desk.settings.head_bytes_max
        self._body_left = 0
        self._body_seen = 0
        self._tail = b""

    # -- the connection's life

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transport is one in all but its bases
        self._desk.metrics.connections += 1
        if self._dead:  # cut before it was connected
            self._transport.abort()
        else:
            self._connections[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = self._parser = self._shape = None
        self._dead = True
        self._connections.pop(self, None)
        self._partial.pop(self, None)
        self._desk.metrics.connections -= 1
        if self._linger is not None:
            self._linger.cancel()

    def eof_received(self) -> bool:
        """A client that has sent everything may still wait for its answers: the transport stays open until they are
        sent.
        """
        self._dead = self._eof = True
        self._shape = None
        if not self._places:
            return False
        self._places[-1].closes = True
        return True

    def pause_writing(self) -> None:
        self._full = True
        self._throttle()

    def resume_writing(self) -> None:
        self._full = False
        self._throttle()

    def _throttle(self) -> None:
        """Reads on only while the client takes its answers and is not owed too many."""
        paused = self._full or len(self._places) >= _PLACES_MAX
        if paused is self._paused or self._transport is None or self._transport.is_closing():
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # -- bytes in

    def data_received(self, data: bytes) -> None:
        self.quiet = 0
        shape = self._shape
        if shape is not None and data.startswith(shape.before) and data.endswith(shape.after):
            desk = self._desk
            now_us = desk.now_us()
            lane = shape.lane
            # Overlapping or foreign bytes cannot pass: only a genuine token stands in between, and it holds no line
            # end.
            uid = desk.user(lane, data[shape.start : shape.end], now_us)
            if uid >= 0 and (not lane or now_us < shape.tag_expiry_us):
                answer = desk.tap(shape.round_id, lane, uid, now_us, self)
                if answer is None:
                    return
                desk.taps[lane][answer.kind] += 1
                if desk.draw.delay_s:
                    self.arrive(self._place(lane), answer)
                else:
                    self._transport.write(answer.keep)  # type: ignore[union-attr]
                return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        self._shape = None
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        fresh, self._completed = not self._in_message, 0
        position = 0
        while position < len(data) and not self._dead:
            end = self._piece_end(data, position)
            self._feed(self._parser, data[position:end])
            position = end
        self.flush()
        if self._dead:
            return
        if self._in_message:
            self._partial.setdefault(self, self._loop.time())
        elif fresh and self._completed == 1 and self._request.uid >= 0 and not self._places and not self._body_seen:
            self._shape = self._desk.shape_of(data, self._request)

    def _piece_end(self, data: bytes, position: int) -> int:
        """Where the head or body that is being read ends in `data`: the limits count the bytes of one request alone."""
        if self._body_left:
            end = min(len(data), position + self._body_left)
            self._body_left -= end - position
            return end
        if self._tail:
            at = (self._tail + data[position : position + 3]).find(_HEAD_END)
            if at >= 0:
                return position + at + len(_HEAD_END) - len(self._tail)
        at = data.find(_HEAD_END, position)
        return len(data) if at < 0 else at + len(_HEAD_END)

    def _feed(self, parser: httptools.HttpRequestParser, piece: bytes) -> None:
        if not self._in_message:
            self._begin()
        in_head = not self._head_done
        counted = in_head or self._request.length is None
        allowed = piece[: self._room] if counted else piece
        try:
            if allowed:
                parser.feed_data(allowed)
        except httptools.HttpParserUpgrade:
            pass  # Answered as plain HTTP/1.1 with `Connection: close`, as a server may.
        except httptools.HttpParserError:
            if not self._dead:
                self._refuse(answers.BAD_REQUEST)
        if len(allowed) < len(piece) and not self._dead:
            self._refuse(answers.HEADERS_TOO_LARGE if in_head else answers.TOO_LARGE)
        elif self._in_message and in_head == (not self._head_done):
            # Still in the same part. A head that is done ends its piece: what follows is counted anew.
            self._tail = (self._tail + piece)[-3:]
            if counted:
                self._room -= len(allowed)

    # -- callbacks of the parser

    def on_message_begin(self) -> None:
        if self._in_message or self._dead:
            return
        self._begin()
        self._in_message = True

    def on_url(self, url: bytes) -> None:
        self._request.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_done:  # trailers are ignored
            self._request.header(name, value)

    def on_headers_complete(self) -> None:
        if self._dead or self._parser is None:
            return
        self._head_done = True
        request, version = self._request, self._parser.get_http_version()
        self._keep = version == "1.1" and self._parser.should_keep_alive() and not self._parser.should_upgrade()
        self._tail = b""
        if request.flawed or version not in ("1.0", "1.1") or (version == "1.1" and request.host is None):
            self._refuse(answers.BAD_REQUEST)
            return
        limit = self._desk.settings.body_bytes_max
        if request.length is not None:
            self._body_left = int(request.length)
            if self._body_left > limit:
                self._refuse(answers.TOO_LARGE)
                return
        else:
            self._room = self._desk.settings.head_bytes_max + limit
        if request.expects and version == "1.1" and (self._body_left or request.chunked):
            self._send(answers.CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body_seen += len(body)
        if self._body_seen > self._desk.settings.body_bytes_max and not self._dead:
            self._refuse(answers.TOO_LARGE)

    def on_message_complete(self) -> None:
        if self._dead or self._parser is None:
            return
        self._in_message = False
        self._completed += 1
        self._partial.pop(self, None)
        if self._desk.stopping or self._out_bytes > _OUT_BYTES_MAX:
            self._keep = False
        method, request = self._parser.get_method(), self._request
        answer = self._desk.answer(method, request, self)
        self.tapped |= request.uid >= 0
        if answer is not None:
            self.count(request.lane, answer)
            self._emit(answer, headless=method == b"HEAD")
        if not self._keep:
            self._dead = True

    # -- answers out

    def count(self, lane: int, answer: HttpAnswer) -> None:
        """Counts one more tap answered so."""
        if answer.kind >= 0:
            self._desk.metrics.taps[lane][answer.kind] += 1

    def later(self) -> Callable[[HttpAnswer], None]:
        """A place in the order of answers, for one that is not there yet; see `draw.Replier`."""
        return self._place(self._shape.lane if self._shape is not None else self._request.lane).settle

    def _place(self, lane: int) -> _Place:
        self._shape = None
        place = _Place(self, lane, closes=not self._keep)
        self._places.append(place)
        if len(self._places) >= _PLACES_MAX:
            self._throttle()
        return place

    def arrive(self, place: _Place, answer: HttpAnswer) -> None:
        """Fills a place, late by what `draw.delay_ms` says."""
        delay_s = self._desk.draw.delay_s
        if delay_s and delay_s[place.lane]:
            self._loop.call_later(delay_s[place.lane], place.fill, answer)
        else:
            place.fill(answer)

    def _emit(self, answer: HttpAnswer, headless: bool = False) -> None:
        if headless:
            self._keep = False
            self._send(answer.close[: answer.head_bytes])
        elif self._desk.draw.delay_s and answer.kind >= 0:
            self.arrive(self._place(self._request.lane), answer)
        else:
            self._send(answer.keep if self._keep else answer.close)

    def _send(self, data: bytes) -> None:
        self._out_bytes += len(data)
        if self._places:
            place = self._place(0)
            place.data = data
        else:
            self._out.append(data)

    def _refuse(self, answer: HttpAnswer) -> None:
        """The last answer of a connection whose requests can no longer be told apart."""
        self.count(self._request.lane, answer)
        self._keep = False
        self._emit(answer)
        self._dead = True
        self._in_message = False
        self._partial.pop(self, None)

    def flush(self) -> None:
        """Sends what is there in order; ends the connection after its last answer."""
        places = self._places
        while places and places[0].data is not None:
            self._out.append(places.popleft().data or b"")
        self._out_bytes = 0
        transport = self._transport
        if transport is None or transport.is_closing():
            self._out.clear()
            return
        if self._out:
            transport.write(b"".join(self._out))
            self._out.clear()
        if self._dead and not places and self._linger is None:
            if self._eof:
                transport.close()
                return
            self._linger = self._loop.call_later(_LINGER_S, transport.close)
            transport.write_eof()
        if self._paused:
            self._throttle()

    # -- for the server

    def time_out(self) -> None:
        """The request did not arrive in time."""
        self._refuse(answers.REQUEST_TIMEOUT)
        self.flush()

    @property
    def waits(self) -> bool:
        """Are answers owed?"""
        return bool(self._places)

    def stop(self) -> None:
        """No further request after the answers owed; a request that is half read gets its answer, which closes."""
        self._shape = None
        if self._places:
            self._places[-1].closes = True
            self._dead = True

    def close(self) -> None:
        """Ends the connection once what was written is sent."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Ends the connection at once, also that of a client that does not read."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._dead = True
