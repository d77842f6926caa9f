"""Where a secret belongs, places stand alone: whatever else stands there is taken for the secret."""

from __future__ import annotations

import pytest

from plans.models.secret_places import is_hidden, of_body, of_json, of_query, says_secret


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *((name, True) for name in ("Authorization", "proxy-authorization", "Cookie", "X-Api-Key", "apikey", "token")),
        *((name, True) for name in ("X-Auth-Token", "accessToken", "client_secret", "userPassword", "db.pwd")),
        *((name, False) for name in ("Accept", "tokens", "Cookie-Policy", "key", "secretary", "X-Token-Type", "user")),
    ],
)
def test_names(name: str, secret: bool) -> None:
    assert says_secret(name) is secret


@pytest.mark.parametrize(
    ("name", "text", "hidden"),
    [
        pytest.param("Authorization", "Bearer ${T}", True, id="a scheme and a place"),
        pytest.param("Authorization", "${WHOLE}", True, id="a place alone"),
        pytest.param("Authorization", "Token token=${T}", True, id="a scheme's parameter"),
        pytest.param("Authorization", "Basic ${USER}:${PASS}", True, id="two places"),
        pytest.param("Authorization", "Bearer abc $x", False, id="a secret, and a place behind it"),
        pytest.param("Authorization", "Bearer $x abc", False, id="a secret behind a place"),
        pytest.param("Authorization", "abc ${T}", False, id="a word that is no scheme"),
        pytest.param("Authorization", "abc$$def", False, id="a dollar is no place"),
        pytest.param("Authorization", "Bearer ${", False, id="a place that is none"),
        pytest.param("Authorization", "", False, id="nothing"),
        pytest.param("Cookie", "sid=${SID}; user=$user", True, id="cookies by name"),
        pytest.param("Cookie", "sid=abc; user=$user", False, id="one of two cookies"),
        pytest.param("Cookie", "sid=a${SID}", False, id="a part of a cookie"),
        pytest.param("X-Api-Key", "${K}", True, id="a key"),
        pytest.param("X-Api-Key", "k-${K}", False, id="a key with a beginning"),
        pytest.param("X-Api-Key", "Bearer ${K}", False, id="a scheme where none belongs"),
    ],
)
def test_texts(name: str, text: str, hidden: bool) -> None:
    assert is_hidden(name, text) is hidden


def test_queries_forms_and_json_are_read_alike() -> None:
    assert list(of_query("/a?token=abc&q=1&api_key=${K}&pass%77ord=x")) == ["token", "password"]
    assert list(of_query("/a?token=$$x&secret=$row&token=")) == ["token"]
    assert list(of_body("user=ann&password=abc")) == list(of_body('{"user": 1, "password": "abc"}')) == ["password"]
    assert list(of_body("password=${P}")) == list(of_body('{"password": "$p"}')) == list(of_body("a text")) == []
    deep = {"a": [{"clientSecret": "x"}, {"token": "${T}", "password": 1234}], "secret": {"name": "x"}, "token": None}
    assert list(of_json(deep)) == ["clientSecret", "password"]
