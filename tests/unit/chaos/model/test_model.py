"""The model itself: the sound protocol holds, every crash point is hit, and histories told by hand end as they must."""

from __future__ import annotations

import pytest

from chaos.model.__main__ import main, walks
from chaos.model.explore import replay
from chaos.model.front import steps
from chaos.model.invariants import broken, hangs
from chaos.model.rules import Rules
from chaos.model.scenario import READY, Scenario
from chaos.model.scenarios import EXHAUSTED
from chaos.model.state import BLOCKED, CLOSED, Front, State, config

AWARD = ("front 1 awards packet 0 to user 0", "front 1's append 1-1: OK")
CREDIT = ("credit reads the ledger", "credit reads the stream", "credit commits up to 1-1")
SECOND = (
    "front 2 is started",
    "control takes epoch 2 for front 2",
    "fence 2 is raised",
    "epoch 2 is granted",
    "front 2 is given epoch 2",
    "front 2 reads its stream",
    "front 2 reads the ledger, rebuilds",
)
TWO = config(2, 2, Rules())


@pytest.mark.parametrize("scenario", [pytest.param(s, id=s.name) for s in EXHAUSTED[:3]])
def test_walks_of_a_scenario_repeat_with_their_seed(scenario: Scenario) -> None:
    assert walks(3, seed=5, show=False).taken == walks(3, seed=5, show=False).taken
    assert scenario.machine().start == scenario.machine().start


def test_a_good_day() -> None:
    end = replay(
        Scenario("good").machine(),
        (*AWARD, *CREDIT, "the round ends: closing", "front 1 hears that the round is closing",
         "front 1 confirms 1-1", "the close reads: all confirmed, credit is there", "the close commits"),
    )  # fmt: skip
    assert (end.round, end.posted, end.shown, end.offset) == (CLOSED, 1, 1, (1, 1))
    assert broken(end, TWO) == hangs(end) == frozenset()


def test_the_declared_limit_is_not_held_against_the_protocol() -> None:
    lost = replay(
        Scenario("limit", crashes=1, deaths=1).machine(),
        (*AWARD, "front 1 dies, ready", "Valkey dies at rest, loses its last 1 writes", *SECOND),
    )
    assert (lost.shown, lost.vanished) == (0, 1)
    assert broken(lost, TWO) == frozenset()


def test_one_copy_left_is_enough() -> None:
    machine = Scenario("memory", crashes=1).machine()
    kept = replay(machine, (*AWARD, "Valkey dies at rest, loses its last 1 writes"))
    assert (kept.shown, kept.vanished) == (1, 1)
    again = replay(
        machine,
        (*AWARD, "Valkey dies at rest, loses its last 1 writes", "front 1 looks at its stream's end: FENCED",
         *(step.replace("front 2", "front 1") for step in SECOND[1:]), "front 1's append 2-1: OK"),
    )  # fmt: skip
    assert (again.shown, again.vanished, again.ops[-1]) == (1, 0, (2, 1, 1))


def test_an_append_in_doubt_whose_money_is_held_is_won() -> None:
    """As a rebuild says: else a user is told *not awarded* while money stands in his name."""
    end = replay(
        Scenario("in doubt", poison=1, starts=1).machine(),
        ("front 1 awards packet 0 to user 0", "front 1 works wrongly: a wrong amount, twice",
         "front 1's append 1-1 is stored, its answer is lost", *CREDIT, "front 2 is started beside the old one",
         *SECOND[1:], "the round ends: closing", "front 2 hears that the round is closing", "front 2 confirms 2-0",
         "the close reads: all confirmed, credit is there", "the close commits"),
    )  # fmt: skip
    assert (end.suspended, end.held, end.shown, end.fronts[1].settled) == (1, 1, 1, 1)
    for rules, wrong in ((Rules(), set()), (Rules(("closed_ledger",)), {"S9"})):
        c = config(2, 2, rules)
        (told,) = [s for label, s in steps(end, c) if label == "front 1 hears that the round is closed, settles"]
        assert broken(told, c) == wrong


def test_data_that_comes_back_asks_for_a_person() -> None:
    end = replay(
        Scenario("back", users=1, deaths=1, flushes=1, undos=1).machine(),
        (*AWARD, "front 1 dies, ready", "Valkey is flushed at rest", *SECOND, "front 2 awards packet 1 to user 0",
         "front 2's append 2-1: OK", "the flush is undone at rest: an older file",
         "front 2 looks at its stream's end: FENCED", "control takes epoch 3 for front 2", "fence 3 is raised",
         "epoch 3 is granted", "front 2 is given epoch 3", "front 2 reads its stream",
         "front 2 reads the ledger, rebuilds"),
    )  # fmt: skip
    assert end.fronts[0].phase == BLOCKED
    assert broken(end, config(1, 2, Rules())) == hangs(end) == frozenset()


@pytest.mark.parametrize(
    ("state", "name"),
    [
        pytest.param(State(posted=1, suspended=1, awarded=1), "S1", id="one win posted and held"),
        pytest.param(State(posted=1, held=1, awarded=1), "S1", id="one packet's money posted and held"),
        pytest.param(State(posted=0b1001, awarded=1), "S2", id="more credited than awarded"),
        pytest.param(State(posted=0b1000, awarded=1), "S6", id="posted, never awarded"),
        pytest.param(State(ops=((1, 1, 0b11),), awarded=3), "S3", id="a user with two packets"),
        pytest.param(State(ops=((1, 1, 0b0001),), posted=0b0100, awarded=5), "S3", id="a packet with two users"),
        pytest.param(State(round=CLOSED, shown=1, awarded=1), "S4", id="shown, not in the closed ledger"),
        pytest.param(
            State(suspended=1, shown=1, awarded=1, round=CLOSED), "S4", id="shown, in suspense without its money"
        ),
        pytest.param(State(round=CLOSED, ops=((1, 1, 1),), awarded=1), "S5", id="logged, not in the closed ledger"),
        pytest.param(State(shown=1, posted=2, awarded=3), "S10", id="shown one packet, paid another"),
        pytest.param(
            State(shown=1, newest=1, fronts=(Front(1, known=True),), awarded=1), "S10", id="shown, then a loss"
        ),
    ],
)
def test_a_broken_state_is_called_by_its_name(state: State, name: str) -> None:
    assert name in broken(state, TWO)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(State(), id="nothing yet"),
        pytest.param(State(posted=1, ops=((1, 1, 1),), shown=1, awarded=1, round=CLOSED), id="won, paid, closed"),
        pytest.param(State(suspended=1, held=1, shown=1, awarded=1, round=CLOSED), id="held, by name"),
        pytest.param(State(shown=1, awarded=1), id="shown, not credited yet"),
        pytest.param(State(shown=1, newest=2, fronts=(Front(1, known=True),), awarded=1), id="an older one forgot"),
    ],
)
def test_a_sound_state_breaks_nothing(state: State) -> None:
    assert broken(state, TWO) == frozenset()


def test_every_history_begins_ready() -> None:
    start = Scenario("ready").machine().start
    assert (start.granted, start.fronts[0].known, len(READY)) == (1, True, 7)


def test_the_command_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--states", "5000", "--walks", "2", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "6,316 states  depth  26  to the end" in out
    assert "seed of the walks 3" in out
    assert "Result: nothing is broken" in out


def test_the_command_takes_a_rule_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--remove", "offset"]) == 0
    assert "Without *offset compared in the transaction* (offset): S5 breaks." in capsys.readouterr().out
    assert main(["--remove", "offset", "--states", "5"]) == 99
    assert "nothing breaks" in capsys.readouterr().out
    assert main(["--remove", "bitmap", "--states", "5000", "--walks", "1"]) == 0
    assert "nothing is broken" in capsys.readouterr().out


def test_the_command_refuses_an_unknown_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--remove", "luck"]) == 2
    assert capsys.readouterr().err.startswith("no rule 'luck'; there are fence, superseded,")
