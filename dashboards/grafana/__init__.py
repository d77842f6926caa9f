"""Grafana dashboards as code: built with the foundation SDK, linted, rendered, checked against Prometheus, pushed.

Classic JSON (good for Grafana 10 to 13) lies under `dashboards/rendered/`. Refuses a fixed data source and numeric ids.
"""

from __future__ import annotations
