"""The stack: starts, restarts and stops the real components as child processes.

The only place in the harness that does.

    with Stack(new_folder(Path("var"))) as stack:
        stack.addresses.front_urls
        stack.kill(stack.places.of("front")[0].name)  # restarted at once; stack.events(callback) hears of it

Refuses to leave anything behind, whatever is killed, and to touch what is named by `XIU_*_URL`.
"""

from harness.stack.addresses import LINKS, Addresses
from harness.stack.finding import find_running, find_shared, last_stores, stores_of
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
