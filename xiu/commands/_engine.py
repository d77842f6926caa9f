"""What the playbook engine of a stack says of itself, for the words that tell of a stack. Refuses to wait for long."""

from __future__ import annotations

import requests

from harness import loopback
from harness.stack import Stack

TIMEOUT_S = 2.0


def refused(stack: Stack) -> list[str]:
    """Playbook files its engine cannot use, `file:line: what is wrong`; empty too where no engine answers: its part's
    own state tells that.
    """
    url = stack.addresses.more.get("playbook")
    if url is None:
        return []
    try:
        told = loopback.get(f"{url}/v1/playbooks", TIMEOUT_S).json()
        return [str(one["text"]) for one in told["refused"]]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return []
