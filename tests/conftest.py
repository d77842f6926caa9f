"""Fixtures every test may use: the real stores, one set per test worker, started on first use.

And what holds for all of them: children hear signals, and a test that hangs fails, with the stacks of all threads.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import importlib
import os
import sys
import threading
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from system.contract import compiled
from tests.support.children import hear_signals
from tests.support.first_run import has_none, import_share
from tests.support.order import deal
from tests.support.stores import PostgresServer, ValkeyServer

DEADLINES_S = {"unit": 180.0, "serial": 900.0, "": 420.0}
"""By the folder or the mark of a test, fixtures counted; several times what any takes on a busy machine."""
LAST_RESORT, LAST_RESORT_S = 2, float(os.environ.get("XIU_TEST_LAST_RESORT_S", "6"))
"""After so many deadlines, and so many seconds more at least (stacks are written on a busy machine), the
process ends: the test's own end hung, too, or no signal reached it."""
STDERR = os.dup(sys.__stderr__.fileno()) if sys.__stderr__ is not None else 2
hear_signals()
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Whatever a container's image says: else each worker, and each command that a test starts, compiles everything anew.
What is written stands in `__pycache__`, which is not tracked."""
if "XIU_TEST_GRAFANA_URL" not in os.environ:
    os.environ.setdefault("SSL_CERT_FILE", os.devnull)
"""Nobody speaks TLS here, but whoever imports aiohttp reads the machine's certificates: 40 ms of each process."""


def plain_here() -> None:
    """This process imports the front's plain source, so that patches are seen; its children run what users run.

    With `XIU_COMPILED=1` it imports the compiled one: `acceptance/test_compiled.py` runs tests so.
    """
    before = os.environ.get(compiled.VARIABLE)
    if before == "1":
        return
    os.environ[compiled.VARIABLE] = "0"
    importlib.import_module("system.front")
    os.environ.pop(compiled.VARIABLE)
    if before is not None:
        os.environ[compiled.VARIABLE] = before
    compiled.build.cache_clear()


plain_here()

SLEEPS_MOST_S = 0.05
"""A poll's pause; whoever needs longer waits for a condition (`deadline.py` and `stores.py` of `tests/support`)."""
TESTS = str(Path(__file__).parent) + os.sep
MAY_SLEEP = str(Path(__file__).parent / "support" / "deadline.py")
RUNS = [""]
"""The file of the test that runs."""
SLEPT: list[str] = []
"""Of the test that runs: where its own code slept too long, and how long."""


def counted(seconds: float) -> None:
    """Writes down a sleep that a file of the tests asked for."""
    frame = sys._getframe(2)
    file = frame.f_code.co_filename
    of_tests = file.startswith(TESTS) or file == RUNS[0]
    if seconds > SLEEPS_MOST_S and of_tests and file != MAY_SLEEP:
        SLEPT.append(f"{file.removeprefix(TESTS)}:{frame.f_lineno} sleeps {seconds:g} s")


def watched_sleep(seconds: float) -> None:
    counted(seconds)
    _sleep(seconds)


def watched_asyncio_sleep(delay: float, result: object = None) -> Awaitable[object]:
    counted(delay)
    return _asyncio_sleep(delay, result)


def watched_wait(self: threading.Event, timeout: float | None = None) -> bool:
    """A wait of the test's own thread that ends by its time alone is a sleep by another name."""
    came = _wait(self, timeout)
    if not came and timeout is not None and threading.current_thread() is threading.main_thread():
        counted(timeout)
    return came


_sleep, _asyncio_sleep, _wait = time.sleep, asyncio.sleep, threading.Event.wait
time.sleep, asyncio.sleep = watched_sleep, watched_asyncio_sleep  # type: ignore[assignment]
threading.Event.wait = watched_wait  # type: ignore[method-assign]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return (collection_path.suffix == ".py" and has_none(config.option.markexpr, collection_path)) or None


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[object]:
    """What nobody has compiled yet, workers compile together. What is collected lives to the end: the garbage collector
    need not look through it again and again, which costs a tenth of the tests' time.
    """
    import_share(session.config)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What its fixtures sleep counts, too."""
    RUNS[0] = str(item.path)
    SLEPT.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """No test sleeps: what ran decides, not what a number looks like in the source."""
    result = yield
    awake()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Nor does a fixture at its end."""
    SLEPT.clear()  # what came before was told
    result = yield
    awake()
    return result


def awake() -> None:
    """Fails the test that slept."""
    if SLEPT:
        pytest.fail(f"wait for a condition with a deadline: {'; '.join(sorted({*SLEPT}))}", pytrace=False)


def deadline_s(item: pytest.Item) -> float:
    """Seconds a test may take."""
    serial = item.get_closest_marker("serial") is not None
    return DEADLINES_S["serial" if serial else "unit" if "unit" in item.path.parts else ""]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[object]:
    """A signal interrupts a test that hangs: it fails, the process goes on with the next. What is left once marks have
    chosen, workers begin with what takes long.
    """
    if config.pluginmanager.hasplugin("timeout"):
        for item in items:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(deadline_s(item), method="signal"))
    result = yield
    deal(config, items)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Where the signal did not help: the stacks of all threads, and the end of this process."""
    marked = item.get_closest_marker("timeout")
    limit_s = float(marked.args[0]) if marked is not None and marked.args else deadline_s(item)
    faulthandler.dump_traceback_later(max(LAST_RESORT * limit_s, limit_s + LAST_RESORT_S), exit=True, file=STDERR)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what a test has to show, `record_property("shown", text)`, also when it ran in another process."""
    reports = [report for several in terminalreporter.stats.values() for report in several]
    for report in reports:
        for name, text in getattr(report, "user_properties", ()):
            if name == "shown" and report.when == "call":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A running Valkey (append-only file, fsync always). Tests own their keys; a test that restarts it leaves it up."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")).running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL; take a database of your own with `create_database(name)`."""
    with PostgresServer(tmp_path_factory.mktemp("postgres")).running() as server:
        yield server
