"""The environment of children: what they need, and nothing that makes the same run another one in another shell."""

from __future__ import annotations

import pytest

from harness.children import NO_FILES, PYTHON, for_children, settle

HOSTILE = {
    "PGSSLMODE": "require",
    "PGSERVICE": "else",
    "PGOPTIONS": "-c x=1",
    "PGPASSFILE": "/elsewhere/.pgpass",
    "LOCUST_USERS": "10",
    "LOCUST_RUN_TIME": "2s",
    "PYTHONPATH": "/tmp/odd",
    "PYTHONHASHSEED": "1",
    "PYTHONSTARTUP": "x.py",
    "PYTHONWARNINGS": "error",
    "PYTHONHOME": "/nowhere",
    "PYTHONIOENCODING": "ascii",
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "x",
    "ALL_PROXY": "x",
    "no_proxy": "x",
    "NETRC": "/x",
    "GOMAXPROCS": "1",
    "GODEBUG": "x",
    "VALKEYCLI_AUTH": "x",
    "REDISCLI_AUTH": "x",
    "LOG_LEVEL": "debug",
    "XIU_POSTGRES_URL": "postgresql://theirs",
    "XIU_VALKEY_URL_1": "valkey://theirs",
    "XIU_GRAFANA_TOKEN": "s",
    "XIU_ALERT_SMTP_PASSWORD": "s",
    "GIT_DIR": "/else",
    "AWS_SECRET": "s",
}
NEEDED = {"PATH": "/bin", "HOME": "/h", "TMPDIR": "/t", "TZ": "Asia/Shanghai", "LC_ALL": "C", "XIU_STACK": "s"}


def test_a_child_inherits_what_is_named_and_nothing_else() -> None:
    assert for_children(of=HOSTILE | NEEDED) == {**NEEDED, **NO_FILES, **PYTHON}


def test_what_a_child_is_told_stands_above_all() -> None:
    told = {"XIU_POSTGRES_URL": "postgresql://ours", "PATH": "/sbin", "PYTHONUNBUFFERED": "1"}
    env = for_children(told, of=HOSTILE | NEEDED)
    assert {name: env[name] for name in told} == told


def test_a_child_gets_this_process_s_own_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Urumqi")
    monkeypatch.setenv("PGSSLMODE", "require")
    env = for_children()
    assert env["TZ"] == "Asia/Urumqi"
    assert "PGSSLMODE" not in env


def test_this_process_forgets_what_libpq_would_read_and_keeps_the_rest() -> None:
    mine = dict(HOSTILE)
    settle(mine)
    assert not {name for name in mine if name.startswith("PG")} - NO_FILES.keys()
    assert mine["PGPASSFILE"] == NO_FILES["PGPASSFILE"]
    assert mine["http_proxy"] == HOSTILE["http_proxy"], "a push to a Grafana outside may need it"
