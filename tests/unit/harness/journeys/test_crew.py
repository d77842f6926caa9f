"""Locust's messages are not trusted: a worker proves the run's secret, an order carries it, paths are its host's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput
from harness.journeys.crew import Crew
from harness.journeys.joining import FILE_VARIABLE, VARIABLE, Secret
from harness.orchestrate.fire_order import FireOrder

OURS, THEIRS = Secret(b"ours, and nobody else's"), Secret(b"a guess")
ORDER = FireOrder(
    "20261126-080000-smoke-ab12", "there", 5, {"tokens": "tokens", "probes": []}, {"tokens": "t\n"}, "reg"
)


def of(**environment: str) -> Secret:
    return Secret.of(environment)


def test_a_secret_comes_from_a_file_or_a_variable_or_is_random(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("sixteen characters at least\n")
    file.chmod(0o600)
    environment = {VARIABLE: "sixteen characters at least"}
    assert Secret.of(environment) == of(**{FILE_VARIABLE: str(file)})
    assert environment == {}, "no child inherits it"
    assert of() != of()
    assert "sixteen" not in repr(Secret.of({VARIABLE: "sixteen characters at least"}))


def open_to_all(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "s").write_text("sixteen characters at least")
    (tmp_path / "s").chmod(0o644)
    return {FILE_VARIABLE: str(tmp_path / "s")}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda _: {VARIABLE: "short"}, "too short", id="short"),
        pytest.param(lambda tmp: {FILE_VARIABLE: str(tmp / "none")}, "cannot be read", id="no file"),
        pytest.param(open_to_all, "may be read by others", id="a file for everybody"),
    ],
)
def test_a_secret_that_is_none_is_refused(make: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        Secret.of(make(tmp_path))


def test_only_who_knows_the_secret_joins() -> None:
    crew = Crew(OURS)
    asked = crew.ask(["a", "b", "c", "d"])
    assert len(set(asked.values())) == 4
    crew.answered("a", OURS.proof(asked["a"], "a"))
    crew.answered("b", THEIRS.proof(asked["b"], "b"))
    crew.answered("c", OURS.proof(asked["a"], "a"))  # what somebody else answered, sent again
    assert not crew.complete
    crew.answered("d", {"proof": 7})
    crew.answered("stranger", OURS.proof(asked["a"], "stranger"))
    assert crew.complete
    assert crew.proved() == ["a"]


def test_an_order_is_the_masters_or_none() -> None:
    sealed = OURS.seal("nonce", ORDER.to_json())
    assert OURS.opened("nonce", sealed) == ORDER.to_json()
    changed = sealed | {"body": sealed["body"].replace("smoke", "other")}
    for wrong in (changed, THEIRS.seal("nonce", ORDER.to_json()), ORDER.to_json(), None, {}, {"body": "{}"}):
        assert OURS.opened("nonce", wrong) is None
    assert OURS.opened("another", sealed) is None
    assert OURS.opened("", OURS.seal("", ORDER.to_json())) is None, "nobody asked this worker anything"


def test_what_is_missing_of_a_fire_is_said() -> None:
    crew = Crew(OURS, ordered={"a": 0, "b": 1, "c": 2})
    assert not crew.over([])
    crew.account("a", {"worker": 0, "sent": 1200})
    crew.account("stranger", {"worker": 1, "sent": 9})
    crew.account("c", {"worker": 2, "failed": "the cannon ended with 1"})
    assert not crew.over([])
    assert crew.over(["b"])
    assert crew.missing() == (
        "worker 1 was lost: it told no account; worker 2 failed: the cannon ended with 1. What it sent is missing from "
        "every total: 1,200 taps of 1 of 3 workers are accounted for"
    )
    whole = Crew(OURS, ordered={"a": 0})
    whole.account("a", {"worker": 0, "sent": 1})
    assert whole.over([])
    assert whole.missing() == ""


def test_paths_of_an_order_are_the_hosts_own(tmp_path: Path) -> None:
    sent = replace(
        ORDER,
        folder="/etc",
        register="/etc",
        beside="/etc",
        config={**ORDER.config, "kill_file": "/etc/x", "result": "/x"},
    )
    order = FireOrder.from_message(sent.to_json(), tmp_path)
    assert (order.folder, order.register) == (str(tmp_path / ORDER.run_id), str(tmp_path / ".generators"))
    assert order.beside == ""
    assert order.config["kill_file"] == str(tmp_path / ORDER.run_id / "kill")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"run_id": "../../etc"}, id="a run above"),
        pytest.param({"run_id": "/etc"}, id="a run elsewhere"),
        pytest.param({"run_id": ""}, id="no run"),
        pytest.param({"run_id": 7}, id="a number"),
        pytest.param({"files": {"tokens": "t", "../x": "t"}}, id="a file above"),
        pytest.param({"files": {"tokens": "t", "/etc/x": "t"}}, id="a file elsewhere"),
        pytest.param({"files": {"tokens": "t", "a\x00b": "t"}}, id="no name"),
        pytest.param({"files": {"tokens": 7}}, id="no text"),
        pytest.param({"files": {}}, id="a file that is not there"),
        pytest.param({"config": {"tokens": "../x"}}, id="tokens above"),
        pytest.param({"config": {"tokens": "tokens", "probes": [{"tokens": "/etc/passwd"}]}}, id="probes elsewhere"),
        pytest.param({"config": {}}, id="no configuration"),
        pytest.param({"config": None}, id="none at all"),
        pytest.param({"more": 1}, id="of another version"),
    ],
)
def test_an_order_with_a_name_that_is_none_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput) as told:
        FireOrder.from_message(ORDER.to_json() | changes, tmp_path / "runs")
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_an_order_in_a_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    ORDER.write(path)
    assert path.stat().st_mode & 0o077 == 0
    assert FireOrder.read(path) == ORDER
    assert not path.exists(), "it carries tokens"
