"""What other packages may know of the system: ids, records, routing, links, switches, metrics, errors,
API and audit models.

Nothing here does I/O. `harness`, `chaos`, `plans` and `dashboards` import `system.contract` and `system.lottery` alone.
"""
