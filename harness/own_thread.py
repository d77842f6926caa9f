"""A thread that works beside what it belongs to, until that has ended. What it does is its subclass's own."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from harness.waits import joined


class OwnThread(ABC):
    """Works from `start()` to `stop()`. One that was never started may be stopped, too."""

    def __init__(self, name: str) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends when what is under way is done; see `harness.waits.joined`."""
        self._over.set()
        joined(self._thread)

    @abstractmethod
    def _run(self) -> None:
        """The work: waits by `self._over` alone, and returns once that is set."""
