"""Where the project's own plans stand. Reads none of them."""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
"""The folder `plans/`: an id is looked up in its sub-folders."""
