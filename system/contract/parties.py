"""Those outside whom the system calls: a bank, an SMS gateway. None yet; each comes with its double.

A double stands in for its party while stress traffic runs, and says so: `GET /v1/double` answers `{"double": NAME}`,
which no party does. It is a part of the stack named `double-NAME`.
"""

from __future__ import annotations

from dataclasses import dataclass

PATH = "/v1/double"


@dataclass(frozen=True, slots=True)
class Party:
    """One of them. `name` in small letters; `variable`: where the system reads the address that it calls."""

    name: str
    variable: str

    @property
    def part(self) -> str:
        """The name of its double among the parts."""
        return f"double-{self.name}"


PARTIES: tuple[Party, ...] = ()
