"""Grafana's provisioning files, the other way to install the dashboards: needs no token, writes nothing into Grafana's
store.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from dashboards.grafana.check import SCRAPE_S
from dashboards.grafana.render import RENDERED

DATASOURCE_UID, DATASOURCE_NAME = "xiu-prometheus", "xiu Prometheus"
FOLDER_UID, FOLDER_TITLE = "xiu", "咻 xiu"
SCRAPE = f"{SCRAPE_S}s"
FOLDER = RENDERED / "provisioning"


def datasources(prometheus_url: str = "$XIU_PROMETHEUS_URL") -> str:
    """`datasources/xiu.yaml`; Grafana itself fills in a `$VARIABLE` of its environment."""
    source = {
        "name": DATASOURCE_NAME,
        "uid": DATASOURCE_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": prometheus_url,
        "editable": False,
        "jsonData": {"timeInterval": SCRAPE, "httpMethod": "POST"},
    }
    return _yaml({"apiVersion": 1, "datasources": [source]})


def providers(path: str = "$XIU_DASHBOARDS") -> str:
    """`dashboards/xiu.yaml`: Grafana reads the JSON files of a folder."""
    provider = {
        "name": "xiu",
        "type": "file",
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "allowUiUpdates": False,
        "options": {"path": path},
    }
    return _yaml({"apiVersion": 1, "providers": [provider]})


def files(folder: Path = FOLDER) -> dict[Path, str]:
    """Every file with its content."""
    return {folder / "datasources" / "xiu.yaml": datasources(), folder / "dashboards" / "xiu.yaml": providers()}


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes them; returns those that changed."""
    changed = []
    for path, text in files(folder).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def stale(folder: Path = FOLDER) -> list[str]:
    """Files that are not what the code builds now."""
    return [str(p) for p, text in files(folder).items() if not p.exists() or p.read_text(encoding="utf-8") != text]


def _yaml(document: object) -> str:
    head = "# Written by `xiu dash build`; see docs/grafana.md.\n"
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
