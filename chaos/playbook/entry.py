"""A playbook as it was read: the model, its file and lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from plans.models.document import Document
from plans.models.playbook import Playbook


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A playbook, its file, and a checksum of the file: a run goes on only with the text with which it began."""

    playbook: Playbook
    file: Path
    sha256: str
    document: Document = field(compare=False, repr=False)
