"""What a stack's playbook engine reports about itself, for commands that show a stack. Waits a short time only."""

from __future__ import annotations

import requests

from harness import loopback
from harness.stack import Stack

TIMEOUT_S = 2.0


def refused(stack: Stack) -> list[str]:
    """Playbook files that the engine cannot use, as `file:line: what is wrong`. Also empty where no engine answers: the
    state of the engine's part shows that.
    """
    url = stack.addresses.more.get("playbook")
    if url is None:
        return []
    try:
        body = loopback.get(f"{url}/v1/playbooks", TIMEOUT_S).json()
        return [str(one["text"]) for one in body["refused"]]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return []
