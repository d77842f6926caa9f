"""The stack: starts, restarts and stops the real components as child processes. No other code of the harness does so.

    with Stack(new_folder(Path("var"))) as stack:
        stack.addresses.front_urls
        stack.kill(stack.places.of("front")[0].name)  # restarted at once; calls back `stack.events(callback)`

Leaves no process behind, whatever is killed, and does not touch what `XIU_*_URL` names.
"""

from harness.stack.addresses import LINKS, Addresses
from harness.stack.discovery import find_running, find_shared, last_stores, stores_of
from harness.stack.folder import last_folder, new_folder
from harness.stack.keeper import PartEvent, PartFailed
from harness.stack.owner import owner_of
from harness.stack.places import Directory, ready_url
from harness.stack.spawn import die_with_parent, raise_open_files, schedule
from harness.stack.stack import Stack
from harness.stack.table import Part

__all__ = [
    "LINKS",
    "Addresses",
    "Directory",
    "Part",
    "PartEvent",
    "PartFailed",
    "Stack",
    "die_with_parent",
    "find_running",
    "find_shared",
    "last_folder",
    "last_stores",
    "new_folder",
    "owner_of",
    "raise_open_files",
    "ready_url",
    "schedule",
    "stores_of",
]
