"""A real Alertmanager with the stack's own configuration: the engine hears that an alert fires, people its end too."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from harness import loopback
from harness.stack import config, people, tools
from tests.support.stores import free_port, wait_until

DEADLINE_S = 30.0


class Listener:
    """What came to an address: (path, body) of each call."""

    def __init__(self) -> None:
        heard = self.heard = list[tuple[str, dict[str, Any]]]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, path: str, name: str) -> list[str]:
        """The states of an alert, as they came to a path."""
        return [
            one["status"]
            for where, body in self.heard
            if where == path
            for one in body["alerts"]
            if one["labels"]["alertname"] == name
        ]


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextmanager
def alertmanager(folder: Path, text: str) -> Iterator[str]:
    binary = tools.find("alertmanager")
    if binary is None:
        pytest.skip("alertmanager is not here; `xiu doctor` names the command that brings it")
    file, url = folder / "alertmanager.yml", f"127.0.0.1:{free_port()}"
    file.write_text(text, encoding="utf-8")
    flags = (f"--config.file={file}", f"--storage.path={folder}/data", f"--web.listen-address={url}")
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([str(binary), *flags, "--cluster.listen-address="], stdout=log, stderr=log)
        try:
            wait_until(lambda: ready(f"http://{url}"), DEADLINE_S, "Alertmanager")
            yield f"http://{url}"
        finally:
            child.kill()
            child.wait(DEADLINE_S)


def ready(url: str) -> bool:
    try:
        return loopback.get(f"{url}/-/ready", 1.0).status_code == 200
    except requests.RequestException:
        return False


def tell(url: str, name: str, severity: str, ends_s: float) -> None:
    now = datetime.now(UTC)
    one = {
        "labels": {"alertname": name, "lane": "live", "severity": severity},
        "annotations": {"summary": "s", "runbook_url": "https://x/docs/alerts.md#x"},
        "startsAt": (now - timedelta(seconds=5)).isoformat(),
        "endsAt": (now + timedelta(seconds=ends_s)).isoformat(),
    }
    with loopback.session() as session:
        assert session.post(f"{url}/api/v2/alerts", json=[one]).status_code == 200


def test_people_hear_that_an_alert_fires_and_that_it_ended(tmp_path: Path, listener: Listener) -> None:
    token = tmp_path / "token"
    token.write_text("t", encoding="utf-8")
    said = people.people({people.WEBHOOK: f"{listener.url}/people"})
    with alertmanager(tmp_path, config.alertmanager([f"{listener.url}/engine"], token, said)) as url:
        tell(url, "CreditStalled", "page", 300)
        tell(url, "Watchdog", "none", 300)
        wait_until(lambda: listener.told("/people", "CreditStalled") == ["firing"], DEADLINE_S, "people hear of it")
        # Two receivers: which of them hears first is Alertmanager's to decide.
        wait_until(
            lambda: listener.told("/engine", "CreditStalled")[:1] == ["firing"], DEADLINE_S, "so does the engine"
        )
        wait_until(lambda: listener.told("/engine", "Watchdog") != [], DEADLINE_S, "and the watchdog's alert")
        tell(url, "CreditStalled", "page", -1)
        wait_until(lambda: listener.told("/people", "CreditStalled")[-1] == "resolved", DEADLINE_S, "and of its end")
        assert "resolved" not in listener.told("/engine", "CreditStalled")
        assert listener.told("/people", "Watchdog") == []


def test_every_way_to_people_is_one_that_alertmanager_takes(tmp_path: Path) -> None:
    said = {
        people.WEBHOOK: "https://hook.example.com/x",
        people.SLACK: "https://slack.example.com/y", people.CHANNEL: "#sre",
        people.MAIL_TO: "a@example.com, b@example.com", people.MAIL_FROM: "xiu@example.com",
        people.SMTP: "mail.example.com:587", people.SMTP_USER: "u", people.SMTP_PASSWORD: "p",
    }  # fmt: skip
    with alertmanager(tmp_path, config.alertmanager((), None, people.people(said))) as url:
        receivers = loopback.get(f"{url}/api/v2/receivers", 5.0).json()
        assert [one["name"] for one in receivers] == ["api", "people"]
