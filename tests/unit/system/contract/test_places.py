"""Names of parts and links: one table, read both ways, whatever the size of the system."""

from __future__ import annotations

import pytest

from system.contract import places
from system.contract.links import LINKS, links_of, read_link, size_for
from system.contract.routing import FRONTS_MAX


def names(fronts: int, cells: int) -> list[str]:
    return [place.name for place in places.system(fronts, cells)]


def test_a_system_of_one_cell_keeps_the_plain_names() -> None:
    assert names(1, 1) == [
        "valkey", "postgres", "toxiproxy", "control", "front-0", "credit-live", "credit-stress", "play",
    ]  # fmt: skip
    assert links_of() == tuple(link for link in LINKS if link.always)


def test_a_further_cell_has_its_own_valkey_workers_and_links() -> None:
    more = set(names(3, 2)) - set(names(1, 1))
    assert more == {"valkey-1", "front-1", "front-2", "credit-live-1", "credit-stress-1"}
    assert {link.id for link in links_of(2)} - {link.id for link in links_of()} == {
        "front-valkey-1", "credit-valkey-1", "control-valkey-1", "credit-postgres-1", "front-control-1",
    }  # fmt: skip
    assert {link.id: link.behind for link in links_of(2) if link.upstream == "valkey"} == {
        "front-valkey": "valkey", "credit-valkey": "valkey", "control-valkey": "valkey",
        "front-valkey-1": "valkey-1", "credit-valkey-1": "valkey-1", "control-valkey-1": "valkey-1",
    }  # fmt: skip


def test_fronts_go_round_the_cells() -> None:
    fronts = places.of_role(places.system(5, 2), "front")
    assert [(place.number, place.cell) for place in fronts] == [(0, 0), (1, 1), (2, 0), (3, 1), (4, 0)]


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (12, 11)])
def test_every_name_is_read_back_as_the_part_or_link_it_is_of(size: tuple[int, int]) -> None:
    everything = places.system(*size)
    assert [places.read_place(place.name, size[1]) for place in everything] == list(everything)
    links = links_of(size[1])
    assert [read_link(link.id) for link in links] == list(links)
    assert len({*(place.name for place in everything), *(link.id for link in links)}) == len(everything) + len(links)


@pytest.mark.parametrize(
    "name",
    ["", "front", "front-", "front-x", f"front-{FRONTS_MAX}", "front--1", "valkey-0", "valkey-01", "credit", "credit-1",
     "credit-live-0", "postgres-1", "play-1", "play-postgres-1", "front-valkey-0", "client-front-1", "other"],
)  # fmt: skip
def test_what_no_system_has_is_nothing(name: str) -> None:
    assert places.read_place(name) is None
    assert read_link(name) is None


@pytest.mark.parametrize(
    ("name", "size"),
    [("front-0", (1, 1)), ("front-2", (3, 1)), ("valkey", (1, 1)), ("credit-stress-1", (2, 2)), ("play", (1, 1)),
     ("front-valkey-2", (3, 3)), ("front-valkey", (1, 1)), ("", (1, 1))],
)  # fmt: skip
def test_the_smallest_system_that_has_a_target(name: str, size: tuple[int, int]) -> None:
    assert size_for(name) == size


@pytest.mark.parametrize(
    ("fronts", "cells", "says"),
    [
        (0, 1, "0 fronts; expected 1 to 999"),
        (1000, 1, "1000 fronts; expected 1 to 999"),
        (3, 0, "0 cells; expected 1 to 999"),
        (2, 3, "3 cells but 2 fronts: a cell without a front; expected a front for each cell"),
    ],
)
def test_a_size_that_cannot_be_built_is_refused_in_words(fronts: int, cells: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        places.check_size(fronts, cells)
    places.check_size(3, 3)


def test_a_role_is_asked_for_by_lane_and_cell() -> None:
    def asked(**by: object) -> list[str]:
        return [place.name for place in places.of_role(places.system(2, 2), **by)]  # type: ignore[arg-type]

    assert asked(role="credit", lane="live") == ["credit-live", "credit-live-1"]
    assert asked(role="credit", cell=1) == ["credit-live-1", "credit-stress-1"]
    assert asked(role="control", cell=1) == ["control"], "who serves every cell serves this one"
