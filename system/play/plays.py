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
        good.append(play)
    taken: dict[tuple[str, str], Route] = {}
    for route in (route for play in good for route in play.routes):
        what = route.method, route.path
        if wrong := route.wrong():
            raise SettingsError(f"{_place(route)}: {wrong}")
        if what in taken:
            both = f"{_place(route)}: {' '.join(what)} stands twice, also in {_place(taken[what])}"
            raise SettingsError(f"{both}; expected each route once")
        taken[what] = route
    return tuple(good)


def _place(route: Route) -> str:
    """`file:line` of the route's path, in the file of who answers it."""
    file = Path(inspect.getsourcefile(route.handler) or "")
    return f"{file}:{line_of(file, route.path)}"


def routes() -> tuple[Route, ...]:
    """The routes of all plays."""
    return tuple(route for play in plays() for route in play.routes)
