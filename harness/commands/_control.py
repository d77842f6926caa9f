"""Plain synchronous HTTP to control, for the words that ask it. Refuses to repeat anything."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from harness.errors import BadInput, EnvironmentNotReady, HarnessError
from harness.stack import Stack

TIMEOUT_S = 15.0


class ControlRefused(HarnessError):
    """Control said no, or could not do it now; the message is its own."""

    exit_code = 5


class Control:
    """Control of one stack, as an operator."""

    def __init__(self, url: str, admin_token: str) -> None:
        self._url, self._token = url.rstrip("/"), admin_token

    @classmethod
    def of(cls, stack: Stack) -> Control:
        """Raises EnvironmentNotReady when the stack has none."""
        url = stack.addresses.control_url
        if url is None:
            raise EnvironmentNotReady("this stack has no control: only its stores run")
        return cls(url, (stack.folder.secret / "admin").read_text(encoding="utf-8").strip())

    def text(self, method: str, path: str, body: object = None) -> str:
        """The answer's body. Raises BadInput for a 4xx, ControlRefused, EnvironmentNotReady."""
        request = Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:
                return str(answer.read().decode())
        except HTTPError as exc:
            with exc:
                message = _message(exc)
            if exc.code < 500:
                raise BadInput(message) from exc
            raise ControlRefused(f"control: {message}") from exc
        except (OSError, HTTPException) as exc:
            raise EnvironmentNotReady(f"control at {self._url} does not answer: {exc}") from exc

    def json(self, method: str, path: str, body: object = None) -> Any:
        """The answer as data."""
        return json.loads(self.text(method, path, body))


def _message(error: HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
