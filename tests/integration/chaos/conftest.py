"""One whole stack for the tests of this folder: real parts, no load."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos.facts import Facts, Timed
from chaos.library import load_faults
from chaos.nemesis import FaultNemesis
from harness.stack import Stack, new_folder, tools

FAULTS = load_faults()
Told = list[tuple[str, str]]


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running system without Prometheus."""
    if tools.find("toxiproxy-server") is None:
        pytest.skip("no toxiproxy here")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("VALKEY", "POSTGRES", "TOXIPROXY", "PROMETHEUS", "ALERTMANAGER"):
            patch.delenv(f"XIU_{name}_URL", raising=False)
        with Stack(new_folder(tmp_path_factory.mktemp("chaos") / "var"), with_prometheus=False) as started:
            yield started


def disturb(
    stack: Stack, fault: str, target: str, for_s: float = 0.5, meanwhile: Callable[[], None] | None = None
) -> tuple[FaultNemesis, Facts, Told]:
    """One fault from beginning to end, on a clock of its own; `meanwhile` runs once its effect was seen."""
    began, told = time.monotonic(), list[tuple[str, str]]()
    nemesis = FaultNemesis(stack.folder.path, Timed(FAULTS[fault], target, 0.0, for_s))
    nemesis.begin(lambda kind, text: told.append((kind, text)), lambda: time.monotonic() - began)
    until = time.monotonic() + 20
    while meanwhile is not None and nemesis.facts.effect_s is None and time.monotonic() < until:
        time.sleep(0.01)
    if meanwhile is not None:
        meanwhile()
    nemesis.wait(60)
    nemesis.end()
    return nemesis, nemesis.facts, told


def toxics(stack: Stack) -> list[str]:
    """What is on the stack's proxies."""
    from chaos import links

    return [toxic.name for proxy in links.api(stack).proxies().values() for toxic in proxy.toxics]


def logs(folder: Path) -> str:
    return (folder / "logs" / "watchdog.log").read_text(errors="replace")
