"""What a fault file's `requires` may name, and how a stack is checked for it. One line a need."""

from __future__ import annotations

from collections.abc import Callable

from harness.stack import Stack

NEEDS: dict[str, Callable[[Stack], bool]] = {
    "toxiproxy": lambda stack: stack.addresses.toxiproxy_url is not None,
    "prometheus": lambda stack: stack.addresses.prometheus_url is not None,
}
