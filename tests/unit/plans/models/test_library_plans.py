"""The library of stress plans: each says what it is for, is good, and can be shown whole and in short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engine import shots
from harness.engine.schedule import pieces_of, schedule
from harness.runs.order import order_of, short_form
from plans.models import load_plan, stress_files
from plans.models.service import is_service, load_service

FILES = [file for file in stress_files() if not is_service(file)]
ALL = stress_files()


def test_there_are_sixteen() -> None:
    assert len(FILES) >= 16


def test_no_two_say_the_same() -> None:
    purposes = [(load_service(file) if is_service(file) else load_plan(file)).plan.purpose for file in ALL]
    assert all(purposes)
    for part in ("when", "cannot_tell", "looks_for"):
        said = [getattr(purpose, part) for purpose in purposes]
        assert len(set(said)) == len(said)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_is_good_and_its_short_form_is_short(file: Path) -> None:
    loaded = load_plan(file, shots.files())
    whole = order_of(loaded, Path("runs"))
    scale, duration_s = short_form(loaded)
    short = order_of(loaded, Path("runs"), scale=scale, duration_s=duration_s)
    for order in (whole, short):
        share = order.share()
        assert share.peak_rps > 0
        # A packet that is released after the last tap is nobody's, and would be missed in the forecast's wins.
        assert share.release_s <= loaded.plan.last_tap_s(share.duration_s)
        for journey in loaded.plan.beside:
            segments = loaded.plan.segments_of(journey, share.peak_rps, float(share.scale), share.duration_s)
            assert len(schedule(pieces_of(segments), order.seed)) > 0, journey.name
    assert short.share().duration_s <= (16.5 if loaded.plan.climb is None else loaded.plan.round.duration)
    assert short.share().packets >= 10


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_its_page_in_the_docs_names_it(file: Path) -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "plans.md").read_text(encoding="utf-8")
    assert f"`{file.stem}`" in page
