"""Open files for a crowd that is a test's own."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def room_for(crowd: int) -> Iterator[None]:
    """This process, and what it starts, may open so many files and a thousand more; skips where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = crowd + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{hard} open files are no crowd of {crowd}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
