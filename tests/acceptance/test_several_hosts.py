"""Workers of other hosts, for which another loopback address and folders of their own stand in: they join by the
secret, what they measured comes to the master whole, and a master that is killed leaves nobody who goes on sending.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.engine.recorder import read_history
from harness.journeys.joining import FILE_VARIABLE
from tests.support.command import INVALID, Xiu, valid_or_late, wait
from tests.support.event_browser import browser, open_page
from tests.support.event_page import BROWSER
from tests.support.own_service import own_service
from tests.support.stores import free_port

HOST = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "plans.md"
FAST_CLOCK = Path(__file__).resolve().parents[1] / "support" / "late_clock_locustfile.py"
ALL = 500
"""Requests of the plan below in two seconds, and in the warm-up."""
PLAN = """\
kind: stress
id: far
title: Far
target: {{url: "{url}"}}
rate: 200/s
workers: {workers}
warm_up: {{duration: 1s, share: 50%}}
steps: [{{kind: constant, share: 100%, duration: {seconds}s}}]
drain: {{answers: 2s}}
objectives: {{response_p99: 2s}}
"""


def documented() -> tuple[list[str], list[str]]:
    """The words of the two commands that docs/plans.md gives, without the secret's variable and `xiu`."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## Several machines\n")[2]
    found = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert found is not None
    lines = [shlex.split(line) for line in found[1].splitlines()]
    assert [line[:2] for line in lines] == [[f"{FILE_VARIABLE}=secret", "xiu"]] * 2
    run, join = (line[2:] for line in lines)
    return run, join


RUN, JOIN = documented()


class Hosts:
    """A master's folder and those of its workers; `here`: where the workers join."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.here = folder, f"{HOST}:{free_port()}"
        secret = folder / "secret"
        secret.write_text("the secret of this very run")
        secret.chmod(0o600)
        monkeypatch.setenv(FILE_VARIABLE, str(secret))
        self.master = self._host("master")
        self.workers: list[tuple[Xiu, subprocess.Popen[bytes]]] = []

    def _host(self, name: str) -> Xiu:
        (self.folder / name).mkdir()
        return Xiu(self.folder / name)

    def run(self, url: str, page: str | None = None, workers: int = 2, seconds: int = 2) -> subprocess.Popen[bytes]:
        """As documented; without a page where none is wanted."""
        (self.master.folder / "mine.yaml").write_text(PLAN.format(url=url, workers=workers, seconds=seconds))
        changed = {"10.0.0.5:5557": self.here, "8089": page or ""}
        words = [changed.get(word, word) for word in RUN]
        return self.master.start(*(words if page else words[: words.index("--locust-page")]))

    def joins(self, file: Path | None = None) -> Xiu:
        """A worker by its command, or one with a locustfile of its own."""
        host = self._host(f"host-{len(self.workers)}")
        if file is None:
            process = host.start(*(self.here if word == "10.0.0.5:5557" else word for word in JOIN))
        else:
            name, _, port = self.here.partition(":")
            argv = [sys.executable, "-m", "locust", "-f", str(file), "--worker", "--master-host", name,
                    "--master-port", port]  # fmt: skip
            with (host.folder / "out.txt").open("wb") as out:
                process = subprocess.Popen(argv, cwd=host.folder, env=host.env(), stdout=out, stderr=out)
            host.started.append(process)
        self.workers.append((host, process))
        return host

    def told(self) -> str:
        logs = [path.read_text(errors="replace") for path in self.master.folder.glob("runs/2*/locust.log")]
        return "\n".join([self.master.output(), *logs, *(host.output() for host, _ in self.workers)])

    def end(self) -> None:
        for process in (*self.master.started, *(process for _, process in self.workers)):
            if process.poll() is None:
                process.kill()
            process.wait(30)
        wait(lambda: Xiu(self.folder).processes() == [], 30, Xiu(self.folder).processes)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Hosts(tmp_path, monkeypatch)
    yield made
    made.end()


def test_what_two_hosts_sent_is_one_run_and_stands_on_locusts_own_page(hosts: Hosts) -> None:
    with own_service() as service, nullcontext() if BROWSER is None else browser() as chromium:
        page = f"127.0.0.1:{free_port()}"
        shown = LocustPage(page, hosts.run(f"{service.url}/hello", page), hosts)
        opened = shown.opened(chromium)
        far = [hosts.joins(), hosts.joins()]  # nothing is sent before: from now on the page waits for who looks
        wait(lambda: service.asked["/hello"] > 0, 90, hosts.told)
        shown.look(opened)
        (run,) = hosts.master.started
        assert run.wait(60) in (0, INVALID), hosts.told()
    record = hosts.master.record()
    assert valid_or_late(record), hosts.told()
    sent = record["load"]["sent"]
    assert sent == record["load"]["scheduled"] == service.asked["/hello"] == ALL
    assert shown.csv == sent, "Locust's own CSV, once the last answer is there"
    assert shown.in_browser == (None if BROWSER is None else str(sent))
    history = read_history(hosts.master.runs()[-1] / "history")
    assert len(history) == sent, "its files came over, whole"
    assert sorted(set(history["worker"].tolist())) == [0, 1]
    for place, (host, process) in enumerate(hosts.workers):
        assert process.wait(30) == 0, host.output()
        (folder,) = host.runs()
        assert [path.name for path in folder.glob("cannon-*.json")] != [], f"host {place} keeps its own"
        assert list(folder.glob("tokens-*")) == []
    clocks = [json.loads(path.read_text())["clock"] for path in hosts.master.runs()[-1].glob("cannon-*.json")]
    assert len(clocks) == len(far)
    assert all(clock["readings"] >= 1 and clock["worst_ms"] < 1000 for clock in clocks)


class LocustPage:
    """What Locust's own page shows in the end: by its figures, as CSV, and in a browser where there is one."""

    def __init__(self, page: str, run: subprocess.Popen[bytes], hosts: Hosts) -> None:
        self.url, self._run, self._told, self._master = f"http://{page}", run, hosts.told, hosts.master
        self.csv, self.in_browser = 0, None if BROWSER is None else ""

    def opened(self, chromium: Any) -> Any:
        """In a browser that looks by now; None without one."""
        wait(lambda: self._get("/stats/requests/csv") is not None, 60, self._told)
        if chromium is None:
            return None
        page = open_page(chromium, self.url, {"width": 1280, "height": 900})
        wait(lambda: bool(list(self._master.folder.glob("runs/2*/.page-asked"))), 60, self._told)
        return page

    def look(self, page: Any) -> None:
        """Until every request is counted: as CSV, and what the browser shows then. Locust's page does not notice by
        itself that a test has begun.
        """
        if page is not None:
            page.reload()

        def counted() -> bool:
            if page is None:
                self._get("/stats/requests")  # somebody has to look
            rows = csv.DictReader(io.StringIO((self._get("/stats/requests/csv") or b"").decode()))
            self.csv = next((int(row["Request Count"]) for row in rows if row["Name"] == "Aggregated"), 0)
            return self.csv >= ALL

        wait(counted, 60, self._told)
        if page is not None:
            row = page.locator("tr", has_text="Aggregated")
            row.locator("td", has_text=str(ALL)).first.wait_for()
            self.in_browser = row.locator("td").nth(2).inner_text()

    def _get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError):
            assert self._run.poll() is None, self._told()
            return None


def test_a_master_that_is_killed_leaves_nobody_who_sends(hosts: Hosts) -> None:
    with own_service() as service:
        run = hosts.run(f"{service.url}/hello", seconds=60)
        far = [hosts.joins(), hosts.joins()]
        wait(lambda: service.asked["/hello"] > 100, 90, hosts.told)
        (master,) = [
            child for child in psutil.Process(run.pid).children(recursive=True) if "--master" in child.cmdline()
        ]
        os.kill(master.pid, signal.SIGKILL)
        killed_ns = time.monotonic_ns()
        assert run.wait(60) == INVALID, hosts.told()
        reason = hosts.master.record()["reasons"][0]
        assert reason["code"] == "run_broken"
        assert "worker 0, 1 of 2 left no account" in reason["text"], reason
        for host, process in zip(far, (process for _, process in hosts.workers), strict=True):
            assert process.wait(60) == INVALID, host.output()
            assert "the master was not heard any more" in host.output()
    for host in far:
        last_ns = int(read_history(host.runs()[-1] / "history")["sent_ns"].max())
        assert 0 < (last_ns - killed_ns) / 1e9 < 5.0, "it went on for a moment, and then no more"


def test_a_clock_that_is_fast_makes_the_run_invalid_in_words(hosts: Hosts) -> None:
    with own_service() as service:
        run = hosts.run(f"{service.url}/hello", workers=1)
        hosts.joins(FAST_CLOCK)
        assert run.wait(60) == INVALID, hosts.told()
        text = hosts.master.record()["reasons"][0]["text"]
        assert "s ahead of the master's; at most 1 s" in text, text
        assert service.asked["/hello"] == 0, "nothing was sent by a clock that is wrong"
