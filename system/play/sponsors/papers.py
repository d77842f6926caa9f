"""A sponsor's statement as CSV, for a spreadsheet, and as a page to read or print: one file, nothing fetched. Pure."""

from __future__ import annotations

import csv
import html
import io
from datetime import UTC, datetime

from system.play.sponsors.models import SponsorLine, SponsorStatement

COLUMNS = ("time", "kind", "batch", "transfer", "round", "account", "fen", "balance_fen", "credits")
TOTALS = {
    "paid_in_fen": ("投入 Paid in", "into rounds"),
    "credited_fen": ("已入账 Credited", "won, and in users' accounts"),
    "suspense_fen": ("挂账 Suspense", "a person decides"),
    "refunded_fen": ("已退回 Refunded", "not won"),
    "open_fen": ("场次中 Open", "still in rounds"),
    "residue_fen": ("差额 Residue", "0: the statement closes to the fen"),
    "plays_fen": ("玩法 Plays", "paid into plays besides"),
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
table { border-collapse: collapse; margin: 1rem 0; width: 100% }
td, th { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #ccc }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.wide { overflow-x: auto }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } }
"""


def yuan(fen: int) -> str:
    """`-1,234.05`, exact."""
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_csv(statement: SponsorStatement) -> str:
    """Every line, the oldest first; the totals below, one a line, in the column `fen`; at last the
    exposures, as a count. Lines end as RFC 4180 says."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for line in reversed(statement.lines):
        writer.writerow(
            (_time(line.committed_us), line.kind, _or_none(line.batch), _or_none(line.transfer), _or_none(line.round),
             line.account, line.fen, line.balance_fen, line.credits)
        )  # fmt: skip
    for name, fen in statement.totals.model_dump().items():
        writer.writerow(("", "total", "", "", "", name, fen, "", ""))
    writer.writerow(("", "exposures", "", "", "", "", "", "", statement.exposures))
    return out.getvalue()


def _or_none(number: int | None) -> str:
    return "" if number is None else str(number)


def as_page(statement: SponsorStatement) -> str:
    """Totals, accounts, lines, in yuan."""
    who = html.escape(f"{statement.sponsor} {statement.name}".strip())
    parts = [
        "<!doctype html><html lang=zh><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{who}</title><style>{_STYLE}</style><h1>对账单 Statement: {who}</h1>",
        f"<p>lane {statement.lane} · 单位：元 amounts in yuan · 曝光 shown {statement.exposures:,} times</p><table>",
    ]
    for name, fen in statement.totals.model_dump().items():
        title, says = TOTALS[name]
        parts.append(f"<tr><th scope=row>{title}<td>{says}<td class=n>{yuan(fen)}")
    parts.append("</table><h2>账户 Accounts</h2><table>")
    parts += [
        f"<tr><th scope=row>{html.escape(account)}<td class=n>{yuan(fen)}"
        for account, fen in statement.balances.items()
    ]
    parts.append("</table><h2>明细 Lines</h2><div class=wide><table><tr>")
    parts += [f"<th scope=col>{name}" for name in ("time", "kind", "round", "account", "amount", "balance", "credits")]
    parts += [_row(line) for line in statement.lines]
    parts.append("</table></div>")
    return "".join(parts)


def _row(line: SponsorLine) -> str:
    cells = (_time(line.committed_us), line.kind, _or_none(line.round), line.account)
    figures = (yuan(line.fen), yuan(line.balance_fen), f"{line.credits:,}")
    return (
        "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in cells)
        + "".join(f"<td class=n>{figure}" for figure in figures)
    )  # fmt: skip
