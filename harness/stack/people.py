"""Which people get alerts beside the playbook engine: read from the environment, turned into a receiver of
Alertmanager.

An address that cannot be one is refused before anything starts; no secret of one is shown. Owns what stands before a
runbook's page, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import BadInput

WEBHOOK, SLACK, CHANNEL = "XIU_ALERT_WEBHOOK_URL", "XIU_ALERT_SLACK_URL", "XIU_ALERT_SLACK_CHANNEL"
MAIL_TO, MAIL_FROM, SMTP = "XIU_ALERT_EMAIL_TO", "XIU_ALERT_EMAIL_FROM", "XIU_ALERT_SMTP"
SMTP_USER, SMTP_PASSWORD = "XIU_ALERT_SMTP_USER", "XIU_ALERT_SMTP_PASSWORD"
VARIABLES = (WEBHOOK, SLACK, CHANNEL, MAIL_TO, MAIL_FROM, SMTP, SMTP_USER, SMTP_PASSWORD)
RUNBOOKS = "XIU_RUNBOOK_URL"

GROUP_WAIT, GROUP_INTERVAL, REPEAT = "2s", "5s", "1h"
"""Related alerts are sent together; an end is sent this much later at most; an alert that goes on is sent again."""
RECEIVER = "people"
_PAGE = re.compile(r"(runbook_url: *[\"']?)docs/")
_HERE = frozenset(("localhost", "127.0.0.1", "::1"))


def people(environment: Mapping[str, str]) -> dict[str, str]:
    """Every variable that is set, each one checked; empty: no people get alerts. Raises BadInput."""
    found = {name: environment[name].strip() for name in VARIABLES if environment.get(name, "").strip()}
    for name in (WEBHOOK, SLACK):
        if name in found:
            _url(name, found[name])
    if CHANNEL in found and SLACK not in found:
        raise BadInput(f"{CHANNEL} is set, and {SLACK} is not", expected="both, or neither")
    mail = [name for name in (MAIL_TO, MAIL_FROM, SMTP) if name in found]
    if mail or SMTP_USER in found or SMTP_PASSWORD in found:
        missing = [name for name in (MAIL_TO, MAIL_FROM, SMTP) if name not in found]
        if missing:
            raise BadInput(f"{', '.join(missing)} is not set", expected=f"{MAIL_TO}, {MAIL_FROM} and {SMTP} together")
        if (SMTP_USER in found) != (SMTP_PASSWORD in found):
            raise BadInput(f"one of {SMTP_USER}, {SMTP_PASSWORD} is not set", expected="both, or neither")
        for name in (MAIL_TO, MAIL_FROM):
            for one in found[name].split(","):
                if not re.fullmatch(r"[^\s@,<>]+@[^\s@,<>]+", one.strip()):
                    raise BadInput(f"{name}: {one.strip()[:80]!r} is no e-mail address", expected="name@host")
        _host_and_port(SMTP, found[SMTP])
    return found


def runbooks(environment: Mapping[str, str], docs: Path) -> str:
    """What stands before `alerts.md#…`: the variable's address, else this checkout's. Raises BadInput."""
    base = environment.get(RUNBOOKS, "").strip()
    if not base:
        return f"{docs.resolve().as_uri()}/"
    _url(RUNBOOKS, base, ("http", "https", "file"))
    return base if base.endswith("/") else f"{base}/"


def with_runbooks(rules: str, base: str) -> str:
    """A rules file's text with whole addresses of its runbooks; without a base as it is."""
    if not base:
        return rules
    # Prometheus would take a brace for a template, YAML a quote for the end of its text.
    safe = base.replace("{", "%7B").replace("}", "%7D").replace('"', "%22").replace("'", "%27")
    return _PAGE.sub(lambda found: f"{found[1]}{safe}", rules)


def receiver(found: Mapping[str, str]) -> dict[str, object]:
    """Alertmanager's receiver: every way that is set; ends are sent as well."""
    ways: dict[str, object] = {"name": RECEIVER}
    if WEBHOOK in found:
        ways["webhook_configs"] = [{"url": found[WEBHOOK], "send_resolved": True}]
    if SLACK in found:
        slack: dict[str, object] = {"api_url": found[SLACK], "send_resolved": True, "title": _TITLE, "text": _TEXT}
        ways["slack_configs"] = [slack | ({"channel": found[CHANNEL]} if CHANNEL in found else {})]
    if MAIL_TO in found:
        host, _ = _host_and_port(SMTP, found[SMTP])
        mail: dict[str, object] = {
            "to": found[MAIL_TO],
            "from": found[MAIL_FROM],
            "smarthost": found[SMTP],
            # A relay on this host has no certificate; anywhere else the mail goes over TLS or not at all.
            "require_tls": host not in _HERE,
            "send_resolved": True,
            "headers": {"Subject": _TITLE},
        }
        if SMTP_USER in found:
            mail |= {"auth_username": found[SMTP_USER], "auth_password": found[SMTP_PASSWORD]}
        ways["email_configs"] = [mail]
    return ways


def route() -> dict[str, object]:
    """The alerts that people get: all but the sign of life of the alerting itself."""
    return {
        "receiver": RECEIVER,
        "matchers": ['severity!="none"'],
        "group_by": ["alertname", "lane"],
        "group_wait": GROUP_WAIT,
        "group_interval": GROUP_INTERVAL,
        "repeat_interval": REPEAT,
    }


_TITLE = "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }} {{ .CommonLabels.lane }}"
_TEXT = "{{ range .Alerts }}{{ .Annotations.summary }} {{ .Annotations.runbook_url }}\n{{ end }}"


def _url(name: str, text: str, schemes: tuple[str, ...] = ("http", "https")) -> None:
    """Raises BadInput where it can be no address. Its text is not repeated: what it carries may be a secret."""
    expected = f"an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    try:
        parts = urlsplit(text)
        whole = parts.scheme in schemes and (bool(parts.hostname) or parts.scheme == "file")
        whole = whole and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole or any(not char.isprintable() or char.isspace() for char in text):
        raise BadInput(f"{name} is no address", expected=expected)


def _host_and_port(name: str, text: str) -> tuple[str, int]:
    host, mark, port = text.rpartition(":")
    if not mark or not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 1 << 16 or " " in host:
        raise BadInput(f"{name}: {text[:80]!r}", expected="host:port")
    return host.strip("[]"), int(port)
