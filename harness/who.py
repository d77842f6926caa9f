"""Who runs this: a name for what is signed, and the accounts this machine knows. Never fails for want of a name."""

from __future__ import annotations

import os
import pwd

LONGEST = 64


def me() -> str:
    """The name that an operator's act is signed with; a uid without a name signs as such."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if told := _plain(os.environ.get(variable, "")):
            return told
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
