"""The kinds of request there are: one file each, found by its name. The file holds `SHOT`, a Shot.

A shot of one's own stands in a folder that `XIU_SHOTS` names (several: with `:` between).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import get_args

from harness.engine.answers import OUTCOMES_MAX
from harness.engine.shot import Shot, Target
from harness.errors import BadInput, closest
from system.contract.found import blamed

VARIABLE = "XIU_SHOTS"
HERE = Path(__file__).resolve().parent
TAP = "tap"
"""The shot whose requests are the taps, on which the books are based."""


def folders() -> tuple[Path, ...]:
    """Where shots are looked for: this folder, then those of XIU_SHOTS."""
    return (HERE, *(Path(one).resolve() for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one))


def files() -> dict[str, Path]:
    """Name → file of every shot.

    Raises BadInput for a folder that is none, for a name that stands twice, and for a file of one's own that holds no
    shot of its name, whether it is asked for or not.
    """
    found: dict[str, Path] = {}
    for folder in folders():
        if not folder.is_dir():
            raise BadInput(f"{VARIABLE}: {folder} is no folder", expected="folders with shots")
        for path in sorted(folder.glob("[!_]*.py")):
            if path.stem in found:
                says = f"a shot named {path.stem!r} stands in {found[path.stem]} already"
                raise BadInput(says, expected="another name", file=path, line=1)
            if folder != HERE:
                _load(path)
            found[path.stem] = path
    return found


def exported() -> dict[str, str]:
    """The environment of a child with another working folder, so that it finds the same shots."""
    own = folders()[1:]
    return {VARIABLE: os.pathsep.join(map(str, own))} if own else {}


def find(name: str) -> Shot:
    """The shot of that name. Raises BadInput with the names there are, and for a file that holds none."""
    known = files()
    if name not in known:
        raise BadInput(
            f"no shot {name[:80]!r}", expected=f"one of {', '.join(sorted(known))}", did_you_mean=closest(name, known)
        )
    return _load(known[name])


@cache
def _load(path: Path) -> Shot:
    try:
        shot: Shot = _module(path).SHOT
        _check(path, shot)
    except BadInput:
        raise
    except Exception as exc:
        file, line, what = blamed(exc, path)
        raise BadInput(f"no shot: {what}", expected="SHOT, a harness.engine.shot.Shot", file=file, line=line) from exc
    return shot


def _module(path: Path) -> ModuleType:
    if path.parent == HERE:
        return importlib.import_module(f"{__name__}.{path.stem}")
    spec = importlib.util.spec_from_file_location(f"xiu_shot_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("it cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _check(path: Path, shot: Shot) -> None:
    outcomes, wrong = shot.outcomes, None
    if isinstance(shot, type):
        wrong = f"SHOT is the class {shot.__name__}", "an object of it"
    elif shot.name != path.stem:
        wrong = f"a shot named {shot.name!r}", f"{path.stem!r}, as its file is"
    elif shot.at not in get_args(Target):
        wrong = f"at {shot.at!r}", " or ".join(get_args(Target))
    elif not outcomes or outcomes[0] != "unknown" or len(set(outcomes)) != len(outcomes):
        wrong = f"outcomes {outcomes!r}", "'unknown' first, and each once"
    elif len(outcomes) > OUTCOMES_MAX:
        wrong = f"{len(outcomes)} outcomes", f"at most {OUTCOMES_MAX}"
    elif not shot.good <= set(outcomes[1:]):
        wrong = f"good {sorted(shot.good)}", "some of its outcomes, 'unknown' aside"
    elif not all(isinstance(text, str) for text in (shot.method, shot.route)):
        wrong = f"method {shot.method!r}, route {shot.route!r}", "two texts"
    elif not (callable(shot.requests) and callable(shot.understand)):
        wrong = "requests or understand that cannot be called", "two functions"
    if wrong is not None:
        raise BadInput(wrong[0], expected=wrong[1], file=path, line=1)
