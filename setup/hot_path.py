"""The front's hot path, compiled by mypyc from the same source into `.tools/compiled/`; plain without a C compiler.

`hot_path.build()` is the step of the set-up; as a program, run by the checkout's Python, this file builds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from shell import ROOT, VENV, StepFailed, run, say, step

PYTHON = VENV / "bin" / "python"
ASK = (
    "import json; from system.contract import compiled as c;"
    " print(json.dumps([str(c.folder()), c.folder().is_dir(), *c.MODULES]))"
)


def compiler() -> str | None:
    """The C compiler that extensions of this Python are built with, if it is on this machine."""
    named = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    return shutil.which(named) or shutil.which("cc")


def build() -> None:
    """Builds what is missing. Never raises: without it everything runs as plain Python."""
    done = subprocess.run(
        [PYTHON, "-c", ASK], cwd=ROOT, env={**os.environ, "PYTHONSAFEPATH": "1"}, capture_output=True,
        encoding="utf-8", errors="replace", timeout=60, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        say(f"setup: the hot path stays plain Python: {done.stderr.strip().splitlines()[-1:]}")
        return
    folder, there, *modules = json.loads(done.stdout)
    if there:
        return
    if compiler() is None:
        say("setup: no C compiler here: the front's hot path stays plain Python (slower, otherwise the same)")
        return
    try:
        with step("the front's hot path, compiled with mypyc"):
            run((PYTHON, Path(__file__), folder, *modules), cwd=ROOT)
    except StepFailed as error:
        say(f"setup: {error}\nsetup: goes on with plain Python for the front's hot path")


def compile_into(folder: Path, modules: list[str]) -> None:
    """Builds the extensions beside their final place, then moves them there in one step; removes older builds."""
    from mypyc.build import mypycify
    from setuptools import Distribution  # type: ignore[import-untyped]
    from setuptools.command.build_ext import build_ext  # type: ignore[import-untyped]

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=folder.parent) as name:
        place = Path(name)
        os.environ["MYPY_CACHE_DIR"] = str(place / "cache")
        sources = [module.replace(".", "/") + ".py" for module in modules]
        extensions = mypycify(sources, opt_level="3", debug_level="1", target_dir=str(place / "c"))
        command = build_ext(Distribution({"name": "hot_path", "ext_modules": extensions}))
        command.build_lib, command.build_temp = str(place / "lib"), str(place / "objects")
        command.ensure_finalized()
        command.run()
        for old in folder.parent.iterdir():
            if old != place:
                shutil.rmtree(old, ignore_errors=True)
        (place / "lib").rename(folder)


if __name__ == "__main__":
    compile_into(Path(sys.argv[1]), sys.argv[2:])
