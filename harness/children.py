"""The environment of child processes, and what this process removes from its own.

Every variable that a child may inherit is listed here. Variables that tune some library or program (`PG…`, `LOCUST_…`,
`PYTHON…`, proxies, `VALKEYCLI_…`, `GO…`, `MALLOC_…`) would make the same run another one in another shell, so they are
left out; so are files that a library would look up in the home folder. The code that starts a child passes in `extra`
what the child needs beyond this.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import MappingProxyType

from system.contract.found import own_folders

ROOT = Path(__file__).resolve().parents[1]

INHERITED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "TZ", "TERM", "COLUMNS", "NO_COLOR"),
        *("LANG", "LANGUAGE"),
        # How this machine finds its libraries, and which certificates it trusts.
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "NIX_LD", "NIX_LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "VIRTUAL_ENV"),
    }
)
PREFIXES = ("LC_", "XIU_")
ADDRESSES = re.compile(r"XIU_.*_(URL|TOKEN|PASSWORD)(_\d+)?")
"""Variables that name somebody's service (of a further cell with its number) or hold a secret: passed in `extra`, only
to the child that needs them.
"""
FOLDERS = frozenset({"XIU_SHOTS", "XIU_FAULT_KINDS", "XIU_PROBES", "XIU_ACTIONS"})
"""Variables that name folders with pieces of one's own."""
NOWHERE = "/dev/null/none"
NO_FILES: Mapping[str, str] = MappingProxyType(
    {"PGPASSFILE": NOWHERE, "PGSERVICEFILE": NOWHERE, "PGSYSCONFDIR": NOWHERE, "NETRC": NOWHERE}
)
"""Looked up in the home folder otherwise. libpq warns of a password file that is no file, but not of a missing one."""
PYTHON: Mapping[str, str] = MappingProxyType(
    {
        "PYTHONPATH": str(ROOT),
        # `-m` would put the current folder first, and a stray json.py there would be imported.
        "PYTHONSAFEPATH": "1",
        # Logs and messages are UTF-8 whatever the locale is.
        "PYTHONUTF8": "1",
    }
)
_NONE: Mapping[str, str] = MappingProxyType({})


def for_children(extra: Mapping[str, str] = _NONE, *, of: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child of this process; `extra` on top. `of`: made from that instead of this process's
    own.
    """
    given = os.environ if of is None else of
    return {**{name: value for name, value in given.items() if _inherited(name)}, **NO_FILES, **PYTHON, **extra}


def _inherited(name: str) -> bool:
    if name in INHERITED:
        return True
    return name.startswith(PREFIXES) and ADDRESSES.fullmatch(name) is None


def settle(environment: MutableMapping[str, str] | None = None) -> None:
    """Removes from this process's own environment what libpq would read, because an address holds everything needed.
    Folders with pieces of one's own are named from the root, because a child may work in another folder.
    """
    mine = os.environ if environment is None else environment
    for name in [name for name in mine if name.startswith("PG")]:
        del mine[name]
    mine.update({name: value for name, value in NO_FILES.items() if name.startswith("PG")})
    for name in FOLDERS & mine.keys():
        mine[name] = os.pathsep.join(own_folders(mine[name]))
