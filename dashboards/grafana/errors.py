"""Error types of the dashboards: each knows the exit code it ends the command with. One sentence each."""

from __future__ import annotations


class DashboardError(Exception):
    """Base of all. Exit code 1."""

    exit_code = 1


class QueryFailed(DashboardError):
    """Prometheus answered a query, with an error. Exit code 5 where a command cannot go on without the answer."""

    exit_code = 5


class GrafanaError(DashboardError):
    """Grafana was not reached, or did not do what it was asked. Exit code 5: the environment is not ready."""

    exit_code = 5


class GrafanaInputError(GrafanaError):
    """The address or the token cannot be meant. Exit code 2; nothing was asked of anybody."""

    exit_code = 2


class BoardError(DashboardError):
    """A file of `boards/` that is no dashboard, or one that cannot be told from another. Exit code 2."""

    exit_code = 2
