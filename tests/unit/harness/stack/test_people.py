"""Who hears of an alert: what the environment may say, what is refused, what Alertmanager and Prometheus are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.errors import BadInput
from harness.stack import config, people
from plans.models.alerts import RULES

MAIL = {people.MAIL_TO: "a@b.cn, c@d.cn", people.MAIL_FROM: "xiu@b.cn", people.SMTP: "127.0.0.1:2525"}


def test_without_a_variable_only_the_engine_is_told() -> None:
    assert people.people({}) == {}
    assert people.people({people.WEBHOOK: "  "}) == {}
    told = yaml.safe_load(config.alertmanager(["http://127.0.0.1:1/alerts"], Path("/t")))
    assert [one["name"] for one in told["receivers"]] == ["api"]
    assert "routes" not in told["route"]


def test_every_way_is_a_receiver_that_tells_the_end_too() -> None:
    said = {people.WEBHOOK: "https://hook/x", people.SLACK: "https://slack/y", people.CHANNEL: "#sre", **MAIL}
    told = yaml.safe_load(config.alertmanager(["http://127.0.0.1:1/alerts"], Path("/t"), people.people(said)))
    engine, ours = told["receivers"]
    assert engine["webhook_configs"][0]["send_resolved"] is False
    ways = {key: value[0] for key, value in ours.items() if key.endswith("_configs")}
    assert sorted(ways) == ["email_configs", "slack_configs", "webhook_configs"]
    assert all(way["send_resolved"] for way in ways.values())
    assert ways["webhook_configs"]["url"] == "https://hook/x"
    assert (ways["slack_configs"]["api_url"], ways["slack_configs"]["channel"]) == ("https://slack/y", "#sre")
    assert ways["email_configs"]["require_tls"] is False, "a relay on this host"
    first, second = told["route"]["routes"]
    assert (first["receiver"], first["continue"], second["receiver"]) == ("api", True, "people")
    assert second["matchers"] == ['severity!="none"']


def test_a_password_goes_with_its_user_and_over_tls() -> None:
    said = people.people(MAIL | {people.SMTP: "mail.b.cn:587", people.SMTP_USER: "u", people.SMTP_PASSWORD: "p"})
    (mail,) = people.receiver(said)["email_configs"]  # type: ignore[misc]
    assert (mail["auth_username"], mail["auth_password"], mail["require_tls"]) == ("u", "p", True)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param({people.WEBHOOK: "hook.example.com/secret"}, people.WEBHOOK, id="no scheme"),
        pytest.param({people.WEBHOOK: "ftp://hook/secret"}, "http:// or https://", id="another scheme"),
        pytest.param({people.WEBHOOK: "http:///secret"}, people.WEBHOOK, id="no host"),
        pytest.param({people.WEBHOOK: "http://hook:secret/"}, people.WEBHOOK, id="a port that is a word"),
        pytest.param({people.WEBHOOK: "http://hook:99999/secret"}, people.WEBHOOK, id="a port that is none"),
        pytest.param({people.WEBHOOK: "http://[::1/secret"}, people.WEBHOOK, id="half a bracket"),
        pytest.param({people.WEBHOOK: "http://hook/secret x"}, people.WEBHOOK, id="a space"),
        pytest.param({people.SLACK: "secret"}, people.SLACK, id="no address for Slack"),
        pytest.param({people.CHANNEL: "#a"}, people.SLACK, id="a channel without Slack"),
        pytest.param({people.MAIL_TO: "a@b"}, f"{people.MAIL_FROM}, {people.SMTP}", id="half of the mail"),
        pytest.param({people.SMTP_PASSWORD: "secret"}, people.MAIL_TO, id="a password alone"),
        pytest.param(MAIL | {people.SMTP_PASSWORD: "secret"}, people.SMTP_USER, id="a password without its user"),
        pytest.param(MAIL | {people.MAIL_TO: "a@b.cn, nobody"}, "nobody", id="no e-mail address"),
        pytest.param(MAIL | {people.SMTP: "relay"}, "host:port", id="no port"),
        pytest.param(MAIL | {people.SMTP: "relay:9" + "9" * 5000}, "host:port", id="a port without end"),
    ],
)
def test_what_cannot_be_is_refused_in_words_without_its_secret(said: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput) as told:
        people.people(said)
    assert words in str(told.value)
    assert "secret" not in str(told.value)
    assert len(str(told.value)) < 300


def test_runbooks_have_whole_addresses_in_a_stack(tmp_path: Path) -> None:
    text = (RULES / "alerts.yml").read_text(encoding="utf-8")
    for base, first in (
        (people.runbooks({}, tmp_path), f"{tmp_path.as_uri()}/alerts.md#"),
        (
            people.runbooks({people.RUNBOOKS: "https://git/x's{docs}"}, tmp_path),
            "https://git/x%27s%7Bdocs%7D/alerts.md#",
        ),
    ):
        groups = yaml.safe_load(people.with_runbooks(text, base))["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert rules
        assert all(rule["annotations"]["runbook_url"] == f"{first}{rule['alert'].lower()}" for rule in rules)
    with pytest.raises(BadInput, match=people.RUNBOOKS):
        people.runbooks({people.RUNBOOKS: "git/docs"}, tmp_path)
