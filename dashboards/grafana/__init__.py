"""Grafana dashboards as code: built with the foundation SDK, linted, rendered, checked against Prometheus, pushed.

Classic JSON (for Grafana 10 to 13) lies under `dashboards/rendered/`. No fixed data source and no numeric ids.
"""

from __future__ import annotations
