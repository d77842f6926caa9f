"""Bench ``fission``: claims/s of play's claim desk ÷ the same statements from bare psycopg, one transaction a claim.

Two pairs, both in ``python -m system.benching.bare_fission`` on a fresh PostgreSQL with the stack's settings: claims
spread over many links (`ratio`), and one hot link that everybody asks for at once (`hot_link`). As many connections on
either side. Every part must be out afterwards, each once.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from harness.bench.common import Report, Say, alternate
from harness.bench.credit import played
from harness.stack import Stack, new_folder

LINKS, PARTS, HOT = 120, 10, 1000


def run(say: Say, *, links: int = LINKS, parts: int = PARTS, hot: int = HOT) -> Report:
    """Raises EnvironmentNotReady if PostgreSQL does not come up, or a sample's claims are not what they should be."""
    with (
        tempfile.TemporaryDirectory(prefix="xiu-fission-") as folder,
        Stack(new_folder(Path(folder)), parts="stores", environment={}) as stack,
    ):
        argv = ["system.benching.bare_fission", "--postgres", stack.addresses.postgres_url]
        argv += ["--links", str(links), "--parts", str(parts), "--hot", str(hot)]
        with played(argv, Path(folder) / "bare.log") as child:
            child.measure("spread")  # the first meets empty tables and cold files
            samples = alternate(lambda: child.measure("spread"), lambda: child.measure("spread_bare"), say)
            say("one hot link")
            on_hot = alternate(lambda: child.measure("hot"), lambda: child.measure("hot_bare"), say)
    value, anchor = (statistics.median(pair[side] for pair in on_hot) for side in (0, 1))
    extra = {
        "links": links,
        "parts": parts,
        "hot_link": {
            "ratio": round(value / anchor, 4),
            "value": value,
            "anchor_value": anchor,
            "parts": hot,
            "samples": [list(pair) for pair in on_hot],
        },
    }
    return Report("fission", "claims/s", "the same statements from bare psycopg, a transaction a claim", samples, extra)
