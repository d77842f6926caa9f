"""The login, by a server that answers whatever it likes: a token, or one sentence with the place of the plan."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.errors import EnvironmentNotReady
from harness.service import login
from harness.service.order import service_order
from plans.models.service import load_service
from plans.models.target_service import UrlTarget
from tests.support.service_plans import SMALL

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def answering(answer: bytes, again: bytes) -> Iterator[str]:
    """Its URL. Every request gets `answer`, and `again` behind it until the client has gone."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as one:
                try:
                    one.recv(65536)
                    one.sendall(answer)
                    while again:
                        one.sendall(again)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(20)


def token_of(folder: Path, answer: bytes, again: bytes = b"") -> list[str]:
    with answering(answer, again) as url:
        target = (
            f'{{url: "{url}", timeout: 2s, login: {{path: /login, token: token}},\n'
            "  headers: {Authorization: Bearer $token}}"
        )
        file = folder / "mine.yaml"
        file.write_text(SMALL.replace('{url: "http://127.0.0.1:8080/hello"}', target))
        order = service_order(load_service(file), folder / "runs")
        assert isinstance(order.target, UrlTarget)
        return login.logged_in(order, order.target, lambda: False)


def whole(body: bytes) -> bytes:
    return HEAD % len(body) + body


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(whole(b'{"token": "t-1"}'), id="whole"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"token\"\r\n8\r\n: \"t-1\"}\r\n0\r\n\r\n",
            id="in pieces",
        ),
    ],
)  # fmt: skip
def test_a_token(tmp_path: Path, answer: bytes) -> None:
    assert token_of(tmp_path, answer) == ["t-1"]


@pytest.mark.parametrize(
    ("answer", "again", "says"),
    [
        pytest.param(whole(b'{"token": true}'), b"", "token of its answer is no text", id="a flag"),
        pytest.param(whole(b"[" * 100_000), b"", "its answer has no token", id="brackets without an end"),
        pytest.param(whole(b"{}"), b"", "its answer has no token", id="no token"),
        pytest.param(b"what?\r\n\r\n", b"", "no answer: ConnectionError", id="no HTTP"),
        pytest.param(HEAD % 99 + b"{}", b"", "no answer: ", id="cut off"),
        pytest.param(HEAD % 9_999_999_999, b"." * 65536, "longer than 1,048,576 bytes", id="an answer without an end"),
    ],
)
def test_what_is_no_token_is_told_with_its_place(tmp_path: Path, answer: bytes, again: bytes, says: str) -> None:
    with pytest.raises(EnvironmentNotReady, match=rf"mine\.yaml:4: login: .*{says}"):
        token_of(tmp_path, answer, again)


def test_an_answer_that_comes_for_ever_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "LONGEST", 1 << 40)
    with pytest.raises(EnvironmentNotReady, match="login: its answer was not whole within 2 s"):
        token_of(tmp_path, HEAD % 999_999_999_999, b"." * 4096)
