"""Locust's page stays until who looks has seen the last figures, and no longer where nobody does."""

from __future__ import annotations

import os
import time
from pathlib import Path

import flask
import pytest

from harness.journeys import shown


@pytest.fixture
def page(tmp_path: Path) -> tuple[flask.testing.FlaskClient, list[bool]]:
    """A page, and whether all is over."""
    app, over = flask.Flask("page"), [False]
    app.add_url_rule(shown.FIGURES, view_func=lambda: "figures")
    shown.marks(app, tmp_path, lambda: over[0])
    return app.test_client(), over


def test_nobody_looks(tmp_path: Path) -> None:
    assert shown.seen(tmp_path, time.time())


def test_who_looks_has_seen_the_last_figures(
    page: tuple[flask.testing.FlaskClient, list[bool]], tmp_path: Path
) -> None:
    client, over = page
    now = time.time()
    for _ in range(shown.TIMES + 1):
        client.get(shown.FIGURES)
    assert not shown.seen(tmp_path, now), "these were not the last"
    over[0] = True
    client.get("/another")
    for _ in range(shown.TIMES):
        assert not shown.seen(tmp_path, now)
        client.get(shown.FIGURES)
    assert shown.seen(tmp_path, now)
    shown.forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_who_has_gone_is_not_waited_for(page: tuple[flask.testing.FlaskClient, list[bool]], tmp_path: Path) -> None:
    page[0].get(shown.FIGURES)
    now = time.time()
    assert not shown.seen(tmp_path, now)
    assert shown.seen(tmp_path, now - shown.LONGEST_S - 1)
    (mark,) = tmp_path.iterdir()
    os.utime(mark, (now - shown.LOOKS_S - 1,) * 2)
    assert shown.seen(tmp_path, now)
