"""The audit's report for people: 80 columns, no colour. Pure."""

from __future__ import annotations

import textwrap

from system.contract.audit import AuditReport, Finding, Valid

WIDTH = 80


def _word(valid: Valid) -> str:
    if valid is None:
        return "not evaluated"
    return "unknown" if valid == "unknown" else "valid" if valid else "BROKEN"


def _lines(finding: Finding) -> list[str]:
    head = f"{finding.code:<4} {_word(finding.valid):<14} {finding.counted:>13,} looked at"
    if finding.violations:
        head += f"  {finding.violations:,} wrong"
    if finding.residue_fen:
        head += f"  {finding.residue_fen:,} fen"
    lines = [head, *_wrapped(finding.says)]
    if finding.figure:
        lines += _wrapped(finding.figure)
    if finding.first:
        lines += _wrapped(f"first: {finding.first}")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="     ", subsequent_indent="     ")


def table(report: AuditReport) -> str:
    """The whole report."""
    lines = [f"Audit of the {report.lane} lane", ""]
    for books in report.rounds:
        lines.append(f"round {books.round} {books.state}: budget {books.budget_fen:,} fen")
        lines += _wrapped(
            f"awarded {books.awarded_fen:,}, credited {books.credited_fen:,}, suspense {books.suspense_fen:,}, "
            f"refunded {books.refunded_fen:,}, residue {books.residue_fen:,} fen; "
            f"wins logged {books.wins_logged:,}, posted {books.wins_posted:,}, suspended {books.wins_suspended:,}"
        )
    lines.append("")
    for finding in report.findings:
        lines += _lines(finding)
    lines += [""] + [f"note: {note}" for note in report.notes]
    broken = [finding.code for finding in report.findings if finding.valid is False]
    open_ = [finding.code for finding in report.findings if finding.valid == "unknown"]
    if broken:
        lines.append(f"BROKEN: {', '.join(broken)}")
    elif open_:
        lines.append(f"UNKNOWN: {', '.join(open_)}")
    else:
        lines.append("The books are closed to the fen.")
    return "\n".join(lines)
