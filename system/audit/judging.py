"""One invariant being judged: counts, and keeps the first offender by name. Without a count it is never valid."""

from __future__ import annotations

from dataclasses import dataclass, field

from system.contract.audit import INVARIANTS, OF_PLAYS, Finding, Valid


@dataclass
class Judge:
    """Collects over all rounds; `finding` gives the verdict."""

    code: str
    counted: int = 0
    violations: int = 0
    undecided: int = 0
    residue_fen: int = 0
    first: str = ""
    figures: dict[str, int] = field(default_factory=dict)
    evaluated: bool = True

    def look(self, count: int) -> None:
        """`count` more things were looked at."""
        self.counted += int(count)

    def figure(self, **values: int) -> None:
        """Adds to the figures shown, summed over rounds."""
        for name, value in values.items():
            self.figures[name] = self.figures.get(name, 0) + int(value)

    def broken(self, what: str, count: int = 1, residue_fen: int = 0) -> None:
        """`count` violations, the first of them called `what`."""
        if count and not self.first:
            self.first = what
        self.violations += int(count)
        self.residue_fen += abs(int(residue_fen))

    def doubt(self, what: str, count: int = 1) -> None:
        """Could not be decided: unknown, unless a violation is found as well."""
        if count and not self.first:
            self.first = what
        self.undecided += int(count)

    def finding(self) -> Finding:
        valid: Valid = True
        if not self.evaluated:
            valid = None
        elif self.violations:
            valid = False
        elif self.undecided:
            valid = "unknown"
        elif not self.counted:
            valid = None if self.code in OF_PLAYS else "unknown"
        return Finding(
            code=self.code,
            says=INVARIANTS[self.code],
            valid=valid,
            counted=self.counted,
            violations=self.violations,
            residue_fen=self.residue_fen,
            figure=", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in self.figures.items()),
            first=self.first,
        )
