"""The plays there are: each a folder of `system/play/` whose package holds `PLAY = Play(…)`, found by being there.

A play brings its routes; its statements stand in `system/ledger/queries/play/NAME/`, its own figures
in its own collectors, its sweeps and payments in its tasks.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from prometheus_client.registry import Collector

from system import play as room
from system.contract.errors import SettingsError
from system.contract.found import imported, line_of
from system.contract.web import Handler
from system.play.route import Route

BESIDE = ("/metrics", "/healthz", "/readyz", "/openapi.json", "/docs")
"""Paths of play itself."""
PlayTask = Callable[[web.Application], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Play:
    """One play. `name`: its folder's. `collectors`: its Prometheus metrics beside the counts of every request.
    `tasks`: work without a request (a sweep, a payer), each an endless coroutine that play starts again if it ends.
    `setup`: puts what its routes and tasks share into the application, before it starts.
    `pages`: (path, handler) of what is for people and no operation, as `/`.
    """

    name: str
    about: str
    routes: tuple[Route, ...]
    collectors: tuple[Collector, ...] = ()
    tasks: tuple[PlayTask, ...] = ()
    setup: Callable[[web.Application], None] | None = None
    pages: tuple[tuple[str, Handler], ...] = ()


@cache
def plays() -> tuple[Play, ...]:
    """Every play, by name. Raises SettingsError: a folder without one that can be used, a route twice."""
    names = sorted(found.name for found in pkgutil.iter_modules(room.__path__) if found.ispkg)
    return checked((f"{room.__name__}.{name}", _load(f"{room.__name__}.{name}")) for name in names)


def _load(module: str) -> object:
    return getattr(imported(module, room.__path__).module, "PLAY", None)


def checked(found: Iterable[tuple[str, object]]) -> tuple[Play, ...]:
    """The plays of these modules. Raises SettingsError, one sentence."""
    good: list[Play] = []
    for module, play in found:
        file = f"{module.replace('.', '/')}/__init__.py:1"
        if not isinstance(play, Play):
            raise SettingsError(f"{file}: no PLAY; expected PLAY = Play(name, about, routes)")
        if play.name != module.rpartition(".")[2]:
            raise SettingsError(f"{file}: a play named {play.name!r}; expected its folder's name")
        if wrong := _wrong(play):
            raise SettingsError(f"{file}: {wrong}")
        good.append(play)
    taken: dict[tuple[str, str], str] = {}
    for owner, route in ((each, route) for each in good for route in each.routes):
        what, place = (route.method, route.path), _place(owner, route)
        if wrong := route.wrong():
            raise SettingsError(f"{place}: {wrong}")
        if route.path in BESIDE:
            raise SettingsError(f"{place}: play itself serves {route.path}; expected another path")
        if what in taken:
            both = f"{place}: {' '.join(what)} stands twice, also in {taken[what]}"
            raise SettingsError(f"{both}; expected each route once")
        taken[what] = place
    return tuple(good)


def _wrong(play: Play) -> str:
    """What of its shape a play lacks, in words; empty: nothing."""
    routes_, pages = _row(play.routes), _row(play.pages)
    shape = {
        "its `routes` are no tuple of Route; expected (Route(…), …)": all(isinstance(one, Route) for one in routes_),
        "its `collectors` are no tuple of Prometheus collectors": all(
            hasattr(one, "collect") for one in _row(play.collectors)
        ),
        "its `tasks` are no tuple of coroutine functions": all(callable(one) for one in _row(play.tasks)),
        "its `setup` cannot be called": play.setup is None or callable(play.setup),
        "its `pages` are no tuple of (path, handler)": all(isinstance(one, tuple) and len(one) == 2 for one in pages),
    }
    return next((what for what, is_so in shape.items() if not is_so), "")


def _row(value: object) -> tuple[object, ...]:
    """Its items; of what is no tuple something that is none of what is expected."""
    return tuple(value) if isinstance(value, tuple | list) else (None,)


def _place(play: Play, route: Route) -> str:
    """`file:line` of the route's path, in the file of who answers it."""
    if not inspect.isfunction(route.handler):
        return f"system/play/{play.name}/__init__.py:1"
    file = Path(inspect.getsourcefile(route.handler) or "")
    return f"{file}:{line_of(file, route.path)}"


def routes() -> tuple[Route, ...]:
    """The routes of all plays."""
    return tuple(route for play in plays() for route in play.routes)
