"""The configuration generated for the parts: settings as data, files as text. Writes nothing to the disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from harness.stack import people
from system.contract.places import Place

VALKEY: dict[str, str] = {
    "appendonly": "yes",
    "appendfsync": "always",
    # Also while the file is rewritten: an answer means it is on the disk.
    "no-appendfsync-on-rewrite": "no",
    "save": "",
    "daemonize": "no",
    "protected-mode": "yes",
    "maxmemory-policy": "noeviction",
    "tcp-keepalive": "30",
}

POSTGRES: dict[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "logging_collector": "off",
    # Kept in the data folder, so that a killed server leaves nothing elsewhere.
    "dynamic_shared_memory_type": "mmap",
}

SCRAPE_INTERVAL = "1s"


def toxiproxy(proxies: Mapping[str, tuple[int, str]]) -> str:
    """Proxies by link: (port it listens on, host:port behind it)."""
    rows = [
        {"name": link, "listen": f"127.0.0.1:{port}", "upstream": upstream, "enabled": True}
        for link, (port, upstream) in proxies.items()
    ]
    return json.dumps(rows, indent=1)


def prometheus(
    parts: Iterable[Place],
    *,
    rules: Sequence[Path],
    more_targets: Path,
    alertmanager: str | None,
    through: Mapping[str, str] | None = None,
    run: str | None = None,
) -> str:
    """Scrapes every part of ours that has /metrics, and evaluates, every second.

    `run`: where a run, while it lasts, tells of itself; known beforehand, so that no run waits until Prometheus takes a
    new target over. `more_targets`: folder others drop file_sd JSON into. `through`: part → address it is scraped by
    way of; its series keep their `instance`.
    """
    ways = {part: urlsplit(url).netloc for part, url in (through or {}).items()}
    jobs: dict[str, list[dict[str, object]]] = {}
    for place in parts:
        if place.owned and place.metrics_url:
            # All parts of a role are one job.
            job = place.name if place.role == "other" else place.role
            at = urlsplit(place.metrics_url).netloc
            labels = {"part": place.name} | ({"instance": at} if place.name in ways else {})
            row: dict[str, object] = {"targets": [ways.get(place.name, at)], "labels": labels}
            jobs.setdefault(job, []).append(row)
    own = [{"job_name": job, "static_configs": rows} for job, rows in jobs.items()]
    runs = [] if run is None else [{"targets": [run], "labels": {"part": "run"}}]
    harness = {
        "job_name": "harness",
        "static_configs": runs,
        "file_sd_configs": [{"files": [f"{more_targets}/*.json"], "refresh_interval": "1s"}],
    }
    document: dict[str, object] = {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": SCRAPE_INTERVAL,
            "evaluation_interval": SCRAPE_INTERVAL,
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [*own, harness],
    }
    if alertmanager:
        document["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return _yaml(document)


def alertmanager(
    webhooks: Sequence[str] = (), token_file: Path | None = None, to_people: Mapping[str, str] | None = None
) -> str:
    """Every alert goes out at once, each on its own, to the webhooks with the token; others may read the API.

    `to_people`: the ways to people, see `harness.stack.people`; they get alerts as well.
    """
    route: dict[str, object] = {
        "receiver": "api",
        "group_by": ["..."],
        "group_wait": "0s",
        "group_interval": "1s",
        # Sent again and again to webhooks, because what could not be done at first may be possible later.
        "repeat_interval": "15s" if webhooks else "1h",
    }
    receiver: dict[str, object] = {"name": "api"}
    if webhooks:
        http = {} if token_file is None else {"authorization": {"credentials_file": str(token_file)}}
        # The end of an alert is not sent, because an alert also ends without data; the engine looks at figures itself.
        common = {"send_resolved": False, "http_config": http}
        receiver["webhook_configs"] = [{"url": url, **common} for url in webhooks]
    receivers = [receiver]
    if to_people:
        route["routes"] = [{"receiver": "api", "continue": True}, people.route()]
        receivers.append(people.receiver(to_people))
    return _yaml({"route": route, "receivers": receivers})


def _yaml(document: Mapping[str, object]) -> str:
    return str(yaml.safe_dump(document, sort_keys=False))
