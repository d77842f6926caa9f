"""Toxics on a link: as the file has them, in force as they were put there, gone by the ledger's line alone.

On a real link: integration/chaos/test_faults.py (effect, heal, ladder), test_in_force.py (a toxic made harmless).
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from chaos import links
from chaos.errors import ChaosError
from chaos.faults.toxics import Toxics, ToxicsKind
from chaos.links import NotClean
from harness.stack import Stack
from tests.support.fault_shapes import FakeToxiproxy, as_file, stack

LATENCY = {"type": "latency", "stream": "downstream", "attributes": {"latency": 50, "jitter": 0}}
CUT = {"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}
SLOW = {
    "targets": ["front-valkey"], "inject": {"kind": "toxics", "toxics": [LATENCY]}, "heal": {"kind": "remove_toxics"},
    "effect_probe": {"kind": "round_trip_rises", "within": "3s"},
    "heal_probe": {"kind": "link_answers", "within": "5s"},
}  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeToxiproxy:
    server = FakeToxiproxy.of("front-valkey", "credit-valkey")
    monkeypatch.setattr(links, "api", lambda stack, part: server)
    return server


def test_what_the_file_may_say() -> None:
    read = as_file(**SLOW)
    assert isinstance(read.inject, Toxics)
    assert (read.inject.latency_ms, read.inject.in_words) == (50, "latency downstream latency 50, jitter 0")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["valkey"]}, "toxics on valkey", id="a part"),
        pytest.param({"inject": {"kind": "toxics", "toxics": []}}, "at least 1 item", id="no toxic"),
        pytest.param({"inject": {"kind": "toxics", "toxics": [LATENCY | {"attributes": {"rate": 1}}]}},
                     "latency has no attribute rate", id="an attribute of another toxic"),
        pytest.param({"inject": {"kind": "toxics", "toxics": [CUT]}}, "without a latency", id="nothing to see"),
        pytest.param({"effect_probe": {"kind": "process_gone", "within": "1s"}}, "cannot see toxics", id="a part's"),
        pytest.param({"heal": {"kind": "enable"}}, "enable does not undo toxics", id="another kind's heal"),
        pytest.param({"inject": {"kind": "toxics", "toxics": [LATENCY], "rate": 1}}, "rate", id="an unknown key"),
    ],
)  # fmt: skip
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError) as told:
        as_file(**(SLOW | change))
    assert says in str(told.value)


def test_in_force_as_it_was_put_there_and_gone_by_the_line_alone(server: FakeToxiproxy) -> None:
    kind, spec = ToxicsKind(), Toxics.model_validate({"kind": "toxics", "toxics": [LATENCY, CUT]})
    assert kind.touches(spec, "front-valkey") == ("toxiproxy",)
    detail = json.loads(json.dumps(kind.prepare(stack(), spec, "front-valkey")))
    assert not server.calls, "nothing is changed before the ledger has its line"
    assert not kind.in_force(stack(), detail)
    kind.inject(stack(), detail)
    assert server.calls == ["add latency downstream", "add timeout upstream"]
    assert kind.in_force(stack(), detail)
    assert not kind.undone(stack(), detail)
    first = server.links["front-valkey"].toxics[0]
    harmless = (replace(first, attributes={"latency": 0}), server.links["front-valkey"].toxics[1])
    server.links["front-valkey"] = replace(server.links["front-valkey"], toxics=harmless)
    assert not kind.in_force(stack(), detail), "one that somebody made harmless is not in force"
    assert detail["proxies"] == ["front-valkey"]
    name, climb = ToxicsKind().rungs(stack(), detail)[0]  # another process's, which never saw the injection
    climb()
    assert name == "remove"
    assert kind.undone(stack(), detail)
    assert server.links["credit-valkey"].toxics == ()


def test_a_toxic_that_hangs_keeps_no_other_on_the_link_and_the_next_rungs_take_it(server: FakeToxiproxy) -> None:
    kind, spec = ToxicsKind(), Toxics.model_validate({"kind": "toxics", "toxics": [LATENCY, CUT]})
    detail = kind.prepare(stack(), spec, "front-valkey")
    kind.inject(stack(), detail)
    server.stuck = frozenset({detail["toxics"][1]["name"]})
    rungs = dict(kind.rungs(stack(), detail))
    assert list(rungs) == ["remove", "reset", "toggle", "kill, restart, repopulate"]
    with pytest.raises(ChaosError, match="hangs"):
        rungs["remove"]()
    assert [toxic.name for toxic in server.links["front-valkey"].toxics] == [detail["toxics"][1]["name"]]
    rungs["reset"]()
    assert kind.undone(stack(), detail)


def test_a_link_that_is_not_clean_is_refused(server: FakeToxiproxy) -> None:
    server.enable("front-valkey", on=False)
    spec = Toxics.model_validate({"kind": "toxics", "toxics": [LATENCY]})
    with pytest.raises(NotClean, match="front-valkey is not clean: disabled; take it away with: xiu heal"):
        ToxicsKind().prepare(stack(), spec, "front-valkey")


def test_in_somebody_s_toxiproxy_it_outlives_the_stack_and_nothing_of_theirs_is_reset(server: FakeToxiproxy) -> None:
    kind, theirs = ToxicsKind(), stack(externals={"toxiproxy": "http://somebody:1"})
    detail = kind.prepare(theirs, Toxics.model_validate({"kind": "toxics", "toxics": [LATENCY]}), "front-valkey")
    assert kind.outlives(detail)
    assert [name for name, _ in kind.rungs(theirs, detail)] == ["remove", "toggle"]


EDGE_STATE = {"parts": {"toxiproxy-edge": "ready"}}


def edge(state: dict[str, dict[str, str]], **ways: str) -> Stack:
    at = stack(edge={"client-front": {name.replace("_", "-"): way for name, way in ways.items()}} if ways else {})
    return stack(addresses=at, state=lambda: state)


def test_a_link_of_the_edge_is_disturbed_at_each_of_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    server = FakeToxiproxy.of("client-front.front-0", "client-front.front-1")
    monkeypatch.setattr(links, "api", lambda stack, part: asked.append(part) or server)
    kind, spec = ToxicsKind(), Toxics.model_validate({"kind": "toxics", "toxics": [LATENCY]})
    where = edge(EDGE_STATE, front_0="http://127.0.0.1:1", front_1="http://127.0.0.1:2")
    assert (kind.touches(spec, "client-front"), kind.lacks(where, spec, "client-front")) == (("toxiproxy-edge",), None)
    detail = json.loads(json.dumps(kind.prepare(where, spec, "client-front")))
    kind.inject(where, detail)
    assert [len(proxy.toxics) for proxy in server.links.values()] == [1, 1]
    assert kind.in_force(where, detail)
    server.reset()
    server.add("client-front.front-0", links.toxics_of(detail)[0])
    assert not kind.in_force(where, detail), "at one end only"
    assert not kind.undone(where, detail)
    ToxicsKind().rungs(where, detail)[0][1]()
    assert kind.undone(where, detail)
    assert {*asked} == {"toxiproxy-edge"}
    assert (kind.part(detail), detail["external"]) == ("toxiproxy-edge", False)


def test_with_the_second_toxiproxy_at_rest_what_was_on_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(stack: object, part: str) -> FakeToxiproxy:
        raise ChaosError("connection refused")

    monkeypatch.setattr(links, "api", nobody)
    where = edge({"parts": {"toxiproxy-edge": "resting"}}, front_0="http://127.0.0.1:1")
    detail = {"link": "client-front", "proxies": ["client-front.front-0"], "toxics": [], "external": False}
    ToxicsKind().rungs(where, detail)[0][1]()
    assert ToxicsKind().undone(where, detail)


@pytest.mark.parametrize(
    ("target", "state", "lack"),
    [
        ("client-front", {"parts": {}}, "this stack has no toxiproxy-edge, and client-front no proxy"),
        ("prometheus-targets", EDGE_STATE, "this stack has no Prometheus of its own"),
        ("prometheus-targets", {"parts": {}}, "this stack has no toxiproxy-edge"),
    ],
)
def test_a_stack_without_the_edge_lacks_it(target: str, state: dict[str, dict[str, str]], lack: str) -> None:
    spec = Toxics.model_validate({"kind": "toxics", "toxics": [LATENCY]})
    assert lack in str(ToxicsKind().lacks(edge(state), spec, target))


@pytest.mark.parametrize(
    ("aim", "known"), [("L9", True), ("L10", False), ("L12", False), ("S18", True), ("S19", False)]
)
def test_a_fault_s_aims_are_those_that_there_are(aim: str, known: bool) -> None:
    if known:
        assert as_file(**(SLOW | {"aims": [aim]})).aims == (aim,)
    else:
        with pytest.raises(ValidationError, match="aims"):
            as_file(**(SLOW | {"aims": [aim]}))
