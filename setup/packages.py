"""The virtual environment `.venv` with the locked packages and this project. Standard library alone."""

from __future__ import annotations

import hashlib
import sys

from shell import ROOT, VENV, StepFailed, run, step

STAMP = VENV / "xiu.stamp"
LOCK = ROOT / "requirements.lock"

EARLY = (
    "import os, sys, _signal; "
    "(os.path.basename((sys.orig_argv[1:] or [''])[0]) == 'xiu' or sys.orig_argv[1:3] == ['-m', 'xiu.cli']) "
    "and _signal.getsignal(2) is _signal.default_int_handler "
    "and _signal.signal(2, lambda *_: (os.write(2, b'xiu: interrupted\\n'), os._exit(3)))\n"
)
"""What Python does before it imports anything of a package; `xiu/interrupted.py` takes over."""


def early() -> None:
    """Ctrl-C ends `xiu` quietly also while Python itself begins: that is a third of the time until its first line."""
    release = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    file = VENV / "lib" / release / "site-packages" / "0-xiu-interrupted.pth"  # they are read by name
    if not file.is_file() or file.read_text() != EARLY:
        file.write_text(EARLY)


def wanted() -> str:
    """The content of the stamp file when the environment is up to date."""
    text = f"{sys.version}\n{ROOT}\n".encode() + LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(text).hexdigest()


def ready() -> bool:
    """Is the environment up to date?"""
    return STAMP.is_file() and STAMP.read_text() == wanted() and (VENV / "bin" / "xiu").is_file()


def install() -> None:
    """Makes or renews the environment. Raises StepFailed."""
    python = VENV / "bin" / "python"
    # No cache: pip would keep it outside the checkout. Nor does pip compile: most of its 5,000 files are never
    # imported, and Python compiles the others itself, once.
    pip = (python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-compile", "--disable-pip-version-check")
    with step("Python packages into .venv"):
        STAMP.unlink(missing_ok=True)
        try:
            run((sys.executable, "-m", "venv", "--clear", VENV))
        except StepFailed as error:
            raise StepFailed(f"{error}\n(on Debian and Ubuntu the venv module is the package python3-venv)") from error
        run((*pip, "--requirement", LOCK))
        run((*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT))
    STAMP.write_text(wanted())
