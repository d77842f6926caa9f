"""`xiu plan run closed-loop`: one server, the same seconds, on a schedule and in a closed loop. Both percentiles
stand side by side, and the closed loop's is far too small.
"""

from __future__ import annotations

import html
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import EnvironmentNotReady
from harness.runs.closed_loop import ClosedLoopResult
from harness.runs.percentiles import Percentiles
from harness.service.stand_in import END, standing_in
from harness.stack.ports import Ports
from plans.models.home import HOME
from plans.models.service import load_service
from plans.models.target_service import UrlTarget
from tests.support.command import Xiu, valid_or_late, wait
from tests.support.stores import wait_until

OWN = "http://127.0.0.1:18734/"
DEADLINE_S = 30.0
REQUEST = b"GET / HTTP/1.1" + END


def at_port(folder: Path, port: int) -> Path:
    """The library's own plan with its server at another port."""
    text = (HOME / "stress" / "closed-loop.yaml").read_text(encoding="utf-8")
    assert OWN in text
    file = folder / "closed-loop.yaml"
    file.write_text(text.replace(OWN, f"http://127.0.0.1:{port}/"), encoding="utf-8")
    return file


@pytest.fixture
def target(tmp_path: Path) -> Iterator[UrlTarget]:
    with Ports(["service"]) as ports:
        found = load_service(at_port(tmp_path, ports.by_name["service"])).plan.target
        assert isinstance(found, UrlTarget)
        yield found


def test_its_report_has_both_percentiles_and_a_factor_of_ten(tmp_path: Path) -> None:
    xiu = Xiu(tmp_path)
    with Ports(["service"]) as ports:
        at_port(tmp_path, ports.by_name["service"])
        done = xiu.valid("plan", "run", "./closed-loop.yaml", "--progress", "none")
    assert xiu.runs(), done.stderr
    record = xiu.record()
    assert valid_or_late(record), done.stdout + done.stderr
    both = ClosedLoopResult.model_validate(record["closed_loop"])
    assert both.factor is not None
    assert both.factor >= 10, both
    assert both.response_ms.max is not None
    assert both.response_ms.max > 1000, "the closed loop met the stand-still, too"
    # Of its 600 requests of these two seconds the closed loop sent the three that its users waited for.
    assert both.wanted == 2400
    assert 0 < both.sent < 2400 - 500
    assert (both.failed, both.unanswered) == (0, 0)
    assert record["load"]["outcomes"]["good"] == record["load"]["sent"] == 2700
    assert f"{both.factor:,.0f} times too small" in done.stdout
    page = (xiu.runs()[-1] / "report.html").read_text(encoding="utf-8")
    (table,) = re.findall(r'<table class="dense closed-loop">.*?</table>', page, re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", table))
    assert "on its schedule" in text
    assert "closed loop (plain Locust)" in text
    assert list((tmp_path / "runs" / ".generators").glob("*.json")) == []


def test_the_kill_switch_ends_both_and_both_leave_their_figures(tmp_path: Path) -> None:
    xiu = Xiu(tmp_path)
    registered = tmp_path / "runs" / ".generators"
    with Ports(["service"]) as ports:
        plan = at_port(tmp_path, ports.by_name["service"])
        plan.write_text(plan.read_text(encoding="utf-8").replace("duration: 8s", "duration: 120s"), encoding="utf-8")
        running = xiu.start("plan", "run", "./closed-loop.yaml", "--progress", "none")
        xiu.wait_for_event("phase", "measur")
        wait(lambda: len(list(registered.glob("*.json"))) == 2, 90, xiu.output)
        assert xiu("kill").returncode in (0, 5)
        assert running.wait(60) == 3, xiu.output()
    record = xiu.record()
    assert record["closed_loop"] is not None
    load = record["load"]
    assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"]
    assert load["unsent"] > 0
    assert list(registered.glob("*.json")) == []


def test_a_stand_in_answers_at_once_and_stands_still_once(target: UrlTarget) -> None:
    with standing_in(target) as server:
        where = (target.url.split("/")[2].split(":")[0], int(target.url.split(":")[2].rstrip("/")))
        with socket.create_connection(where, DEADLINE_S) as client:
            client.settimeout(DEADLINE_S)
            client.sendall(REQUEST[:5])
            client.sendall(REQUEST[5:] + REQUEST)
            assert client.recv(10_000).startswith(b"HTTP/1.1 200")
            server.stands_still(time.time_ns(), 2.0)  # so long that a test that stands still itself sees some of it

            def asked() -> bool:
                sent = time.monotonic()
                client.sendall(REQUEST)
                assert client.recv(10_000)
                return time.monotonic() - sent > 0.4

            wait_until(asked, DEADLINE_S, "it stands still")


def test_a_port_that_is_taken_is_told(target: UrlTarget) -> None:
    port = int(target.url.split(":")[2].rstrip("/"))
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(EnvironmentNotReady, match="the port is taken"),
        standing_in(target),
    ):
        pass


@pytest.mark.parametrize(
    ("closed", "opened", "factor"),
    [
        pytest.param(4.0, 1900.0, 475.0, id="as the two tell"),
        pytest.param(0.0, 1900.0, 1900.0, id="less than a millisecond is told as 0, and taken for one"),
        pytest.param(None, 1900.0, None, id="nothing was told"),
        pytest.param(4.0, None, None, id="too few samples on the schedule"),
    ],
)
def test_the_factor(closed: float | None, opened: float | None, factor: float | None) -> None:
    both = ClosedLoopResult(
        users=4, wanted=10, sent=5, failed=0, unanswered=0,
        response_ms=Percentiles(p99=closed), open_ms=Percentiles(p99=opened),
    )  # fmt: skip
    assert both.factor == factor
