"""Which edition of this project a process runs: one hash of all that decides what a generator sends. Two hosts whose
editions differ would send two plans as one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from functools import cache
from pathlib import Path

from harness.engine import shots

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("harness", "plans", "system")


@cache
def edition() -> str:
    """Sixteen hex digits over every source of the generator, of the plans and of the system with its hot path, over
    shots of one's own, and over the versions of Python and Locust. The same wherever the checkout lies.
    """
    ours = [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]
    named = {str(path.relative_to(ROOT)): path for path in ours}
    named |= {f"shots/{name}": path for name, path in shots.files().items() if ROOT not in path.resolve().parents}
    python = ".".join(platform.python_version_tuple()[:2])
    digest = hashlib.sha256(f"{python} {importlib.metadata.version('locust')}".encode())
    for name, path in sorted(named.items()):
        digest.update(f"\0{name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
