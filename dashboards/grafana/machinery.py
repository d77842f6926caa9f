"""The lower part of the SRE's dashboard: what every process uses of the machine, and what it was built from.

Owns its panels alone; `live.py` places them.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.pieces import Ask, Panel, Tile, lines, states

RATE = "[$__rate_interval]"


def processes() -> Iterator[Panel]:
    """CPU, memory, files and build of every process that tells of itself."""
    yield lines(
        Tile("CPU of each process", "Of one core; user and system together.", "percentunit", 6),
        Ask(f"sum by (part) (rate(process_cpu_seconds_total{RATE}))", "{{part}}"),
    )
    yield lines(
        Tile("Memory of each process", "Resident; one that only ever grows is a leak.", "bytes", 6),
        Ask("max by (part) (process_resident_memory_bytes)", "{{part}}"),
    )
    yield lines(
        Tile(
            "Open files of each process",
            "Share of its own limit; at the line it soon accepts nobody.",
            "percentunit",
            6,
        ),
        Ask("max by (part) (process_open_fds) / (max by (part) (process_max_fds) > 0)", "{{part}}"),
        objective=0.9,
    )
    yield states(
        Tile("Builds", "Processes of each version and commit: more than one row is a mixture.", "none", 6, 8),
        Ask("count by (version, commit, python) (hongbao_build_info)", "system {{version}} {{commit}} {{python}}"),
        Ask("count by (version, commit, python) (drill_build_info)", "harness {{version}} {{commit}} {{python}}"),
    )
