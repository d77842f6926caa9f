"""Which workers may join: a worker that joins a Locust master proves the run's secret before it gets a token, and obeys
only orders that carry the same proof. Pure but for reading the secret; sends nothing.

The secret is of one run: `XIU_LOCUST_SECRET_FILE` names a file with it, or `XIU_LOCUST_SECRET` is it, the same at the
master and at every worker. Without either it is random, and known only to the processes that one Locust forks
(`--processes`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import BadInput

FILE_VARIABLE, VARIABLE = "XIU_LOCUST_SECRET_FILE", "XIU_LOCUST_SECRET"
SHORTEST = 16
HOW = f"the same secret at the master and at every worker: {FILE_VARIABLE}, a file of mode 600, or {VARIABLE}"


def new_nonce() -> str:
    """A new random question."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """The run's secret; never printed."""

    key: bytes

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> Secret:
        """Takes it out of the environment, so that no child inherits it. Raises BadInput for a value that is no
        secret.
        """
        text = environment.pop(VARIABLE, "").strip()
        file = environment.get(FILE_VARIABLE, "")
        if file:
            try:
                text = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as exc:
                raise BadInput(f"{FILE_VARIABLE}: {file} cannot be read", expected="a file with the secret") from exc
            if os.stat(file).st_mode & 0o077:
                raise BadInput(f"{FILE_VARIABLE}: {file} may be read by others", expected=f"chmod 600 {file}")
        if not text and not file:
            return cls(secrets.token_bytes(32))
        if len(text) < SHORTEST:
            raise BadInput("the run's Locust secret is too short", expected=f"at least {SHORTEST} characters")
        return cls(text.encode())

    def proof(self, nonce: str, client: str) -> str:
        """What a worker answers to the master's question."""
        return self._mac("worker", nonce, client)

    def proves(self, proof: object, nonce: str, client: str) -> bool:
        return isinstance(proof, str) and hmac.compare_digest(proof, self.proof(nonce, client))

    def seal(self, nonce: str, order: dict[str, Any]) -> dict[str, Any]:
        """An order for the worker that was asked with this nonce."""
        body = json.dumps(order)
        return {"body": body, "mac": self._mac("order", nonce, body)}

    def opened(self, nonce: str, sealed: object) -> dict[str, Any] | None:
        """The order; None where it is not of this run's master, or not for this worker."""
        if not isinstance(sealed, dict) or not isinstance(body := sealed.get("body"), str) or not nonce:
            return None
        mac = sealed.get("mac")
        if not isinstance(mac, str) or not hmac.compare_digest(mac, self._mac("order", nonce, body)):
            return None
        order: dict[str, Any] = json.loads(body)
        return order

    def signed(self, nonce: str, *parts: str) -> str:
        """The proof of a piece of what a worker measured."""
        return self._mac("piece", nonce, *parts)

    def _mac(self, *parts: str) -> str:
        return hmac.new(self.key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()
