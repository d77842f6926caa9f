"""Who runs this: a name for records, and the accounts of this machine. A missing name is never an error."""

from __future__ import annotations

import os
import pwd

LONGEST = 64


def me() -> str:
    """The name under which an operator's act is recorded; a uid without a name is recorded as a number."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if name := _plain(os.environ.get(variable, "")):
            return name
    return name_of(os.getuid()) or f"uid-{os.getuid()}"


def name_of(uid: int) -> str:
    """The account's name; empty where the machine knows none."""
    try:
        return _plain(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return ""


def accounts() -> list[int]:
    """The ordinary users' numbers that have a name, an everyday one first, `nobody` last."""
    found = {account.pw_uid for account in pwd.getpwall() if account.pw_uid > 0}
    return sorted(found, key=lambda uid: (uid != 1000, uid >= 65_534, uid))


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).encode("utf-8", "ignore").decode()[:LONGEST].strip()
