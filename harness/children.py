"""The environment that children get, and what this process does without. Refuses to know any child.

Everything is named that a child may inherit. What tunes some library or program (`PG…`, `LOCUST_…`, `PYTHON…`, proxies,
`VALKEYCLI_…`, `GO…`, `MALLOC_…`) would make the same run another one in another shell, and stays out; so do files that
a library would look up in the home folder. Whoever starts a child says in `extra` what it needs beyond this.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]

INHERITED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "TZ", "TERM", "COLUMNS", "NO_COLOR"),
        *("LANG", "LANGUAGE"),
        # How this machine finds its libraries, and whom it trusts.
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "NIX_LD", "NIX_LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "VIRTUAL_ENV"),
    }
)
PREFIXES = ("LC_", "XIU_")
ADDRESSES = re.compile(r"XIU_.*_(URL|TOKEN|PASSWORD)(_\d+)?")
"""What names somebody's service (of a cell: with its number) or holds a secret: told to the one child that needs it, in
`extra`.
"""
NOWHERE = "/dev/null/none"
NO_FILES: Mapping[str, str] = MappingProxyType(
    {"PGPASSFILE": NOWHERE, "PGSERVICEFILE": NOWHERE, "PGSYSCONFDIR": NOWHERE, "NETRC": NOWHERE}
)
"""Looked up in the home folder otherwise. libpq warns of a password file that is none, not of one that is missing."""
PYTHON: Mapping[str, str] = MappingProxyType(
    {
        "PYTHONPATH": str(ROOT),
        # `-m` would put the folder one stands in first: a stray json.py there is not ours.
        "PYTHONSAFEPATH": "1",
        # Logs and messages are UTF-8 whatever the locale is.
        "PYTHONUTF8": "1",
    }
)
_NONE: Mapping[str, str] = MappingProxyType({})


def for_children(extra: Mapping[str, str] = _NONE, *, of: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child of this process gets; `extra` on top. `of`: taken from that, not from this process's own."""
    given = os.environ if of is None else of
    return {**{name: value for name, value in given.items() if _inherited(name)}, **NO_FILES, **PYTHON, **extra}


def _inherited(name: str) -> bool:
    if name in INHERITED:
        return True
    return name.startswith(PREFIXES) and ADDRESSES.fullmatch(name) is None


def settle(environment: MutableMapping[str, str] | None = None) -> None:
    """Take out of this process's own environment what libpq would read: an address says all there is to say."""
    mine = os.environ if environment is None else environment
    for name in [name for name in mine if name.startswith("PG")]:
        del mine[name]
    mine.update({name: value for name, value in NO_FILES.items() if name.startswith("PG")})
