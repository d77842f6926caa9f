"""Panels of the plays beside the draw, for any dashboard with a variable `lane`, and their excuses.

Owns those of cards, wallet, programme, counting; relations and shares have files of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.board import LintExcuse, MayBeEmpty
from dashboards.grafana.machinery import RATE, TAPS, p99
from dashboards.grafana.pieces import NO_UNIT_OF_MONEY, YUAN, Panel, PanelQuery, Tile, lines
from dashboards.grafana.relations import EXCUSES as OF_RELATIONS
from dashboards.grafana.relations import relations
from dashboards.grafana.shares import EXCUSES as OF_SHARES
from dashboards.grafana.shares import shares

_PAID = "Pots paid"
_PAYOUTS = "Money of payouts"
_ROUTES = 'route=~"/v1/(wallet|payouts|shares|seasons|friends|relations|fund|bills|transfers|sponsors|participation).*"'
BALANCE_S = 0.01
"""What 99 of 100 balances may take while a round runs at half the calibrated rate."""
_UNASKED = "a round alone asks nothing of play"


def plays() -> Iterator[Panel]:
    """Relations, shares, cards from ticket to pot, what play is asked, rounds of programmes, what is counted."""
    yield from relations()
    yield from shares()
    yield from _cards()
    yield from _outside()
    yield lines(
        Tile("Plays: requests, by route", "What users and operators ask of play, answered per second.", "reqps"),
        PanelQuery(f"sum by (route) (rate(hongbao_http_requests_total{{{_ROUTES}}}{RATE}))", "{{route}}"),
    )
    yield lines(
        Tile("Plays: p99, by route", "Time to answer. The line is for balances while a round runs.", "s"),
        PanelQuery(p99("hongbao_http_request_duration_seconds", "route, le", _ROUTES), "{{route}}"),
        objective=BALANCE_S,
    )
    yield lines(
        Tile(
            "Taps and shown sponsors, as counted", "Per second, as control writes them down; late by a second.", "cps"
        ),
        PanelQuery(f"sum by (lane) (rate(hongbao_participations_total{{{TAPS}}}{RATE}))", "{{lane}}, taps"),
        PanelQuery(f"sum by (lane) (rate(hongbao_exposures_total{{{TAPS}}}{RATE}))", "{{lane}}, sponsors shown"),
    )
    yield lines(
        Tile("Rounds of programmes, by state", "A missed round could not be made before its end.", "short", 12),
        PanelQuery(f"sum by (state) (hongbao_programme_rounds{{{TAPS}}})", "{{state}}"),
    )
    yield lines(
        Tile("Transfers out of balance", "Currencies whose legs do not add up to 0; always 0.", "short", 12),
        PanelQuery(f"max by (lane) (hongbao_transfers_imbalance{{{TAPS}}})", "{{lane}}"),
    )


def _cards() -> Iterator[Panel]:
    yield lines(
        Tile("Tickets", "Losing taps that carried a right to a card, per second, as the fronts count them.", "cps", 6),
        PanelQuery(f"sum by (lane) (rate(hongbao_tickets_total{{{TAPS}}}{RATE}))", "{{lane}}"),
    )
    yield lines(
        Tile("Cards", "Drawn by a ticket or a new tie, given, five combined; per second.", "cps", 6),
        PanelQuery(f"sum by (what) (rate(hongbao_cards_moved_total{{{TAPS}}}{RATE}))", "{{what}}"),
    )
    yield lines(
        Tile(_PAID, "Per second, to those who combined five; once a season.", YUAN, 6),
        PanelQuery(f"sum by (lane) (rate(hongbao_pot_paid_fen_total{{{TAPS}}}{RATE})) / 100", "{{lane}}"),
    )
    yield lines(
        Tile(
            "Batches of pots that wait",
            "0 once every blessing has its money; PotStuck fires where it stays.",
            "short",
            6,
        ),
        PanelQuery(f"max by (lane) (hongbao_pot_batches_waiting{{{TAPS}}})", "{{lane}}"),
    )


def _outside() -> Iterator[Panel]:
    yield lines(
        Tile("Payouts", "To users' bank accounts, per second: ordered, paid, refused by the bank.", "cps", 6),
        PanelQuery(f"sum by (outcome) (rate(hongbao_payouts_total{{{TAPS}}}{RATE}))", "{{outcome}}"),
    )
    yield lines(
        Tile(_PAYOUTS, "The same in money, per second.", YUAN, 6),
        PanelQuery(f"sum by (outcome) (rate(hongbao_payouts_fen_total{{{TAPS}}}{RATE})) / 100", "{{outcome}}"),
    )
    yield lines(
        Tile(
            "Payouts that wait", "For the bank's word; PayoutsWaiting fires where one has waited for 30 s.", "short", 6
        ),
        PanelQuery(f"max by (lane) (hongbao_payouts_waiting{{{TAPS}}})", "{{lane}}"),
    )
    yield lines(
        Tile(
            "Calls outside",
            "To bank and SMS gateway, and as their doubles met them. Never denied or crossed.",
            "cps",
            6,
        ),
        PanelQuery(
            f"sum by (party, outcome) (rate(hongbao_outside_calls_total{{{TAPS}}}{RATE}))", "{{party}}, {{outcome}}"
        ),
        PanelQuery(
            f"sum by (party, outcome) (rate(drill_double_calls_total{{{TAPS}}}{RATE}))",
            "double: {{party}}, {{outcome}}",
        ),
    )


EXCUSES = (
    *OF_SHARES,
    MayBeEmpty("Plays: requests, by route", _UNASKED),
    MayBeEmpty("Plays: p99, by route", _UNASKED),
    *OF_RELATIONS,
    LintExcuse("panel-units-rule", (_PAID, _PAYOUTS), NO_UNIT_OF_MONEY),
)
