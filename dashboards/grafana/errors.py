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
    """The address or the token is malformed. Exit code 2; nothing was sent to anybody."""

    exit_code = 2


class BoardError(DashboardError):
    """A file of `boards/` that is no dashboard, or whose uid or title another one has. Exit code 2."""

    exit_code = 2
