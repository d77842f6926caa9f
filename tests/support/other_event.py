"""A second event, another in everything: nothing may be fitted to the gala."""

from __future__ import annotations

from pathlib import Path

FORECAST = """\
kind: forecast
id: office-party
title: {zh: 年会, en: Office party}
scale: 1/2
scale_source: half of the staff in one hall
round: {full: 20s, short: 10s, source: the host's script}
limits: {taps_per_client: 5/s, burst: 3, source: made up for a test}
inputs:
  audience: {low: 700, mid: 800, high: 900, source: the guest list}
  tapping_at_once: {low: 40%, mid: 50%, high: 60%, source: a guess}
  taps_per_client: {low: 3/s, mid: 4/s, high: 5/s, source: a guess}
  peak_factor: {low: 1, mid: 1.1, high: 1.2, source: a guess}
  too_fast_clients: {low: 0%, mid: 5%, high: 10%, source: a guess}
  too_fast_taps: {low: 8/s, mid: 12/s, high: 12/s, source: a guess}
  packets: {low: 200, mid: 200, high: 200, source: the host}
  pool_share: {low: 50%, mid: 80%, high: 100%, source: the host}
  unsold: {low: 0%, mid: 0%, high: 5%, source: a guess}
  response_p99: {low: 0ms, mid: 20ms, high: 500ms, source: a guess}
  error_share: {low: 0%, mid: 0%, high: 0%, source: none is allowed}
  credit_delay_p99: {low: 0s, mid: 2s, high: 10s, source: a guess}
  credit_drain: {low: 0%, mid: 10%, high: 50%, source: a guess}
sponsors:
  - {id: 9, name: {zh: 甲, en: First}, weight: 70%, budget: 333.33元}
  - {id: 4, name: {zh: 乙, en: Second}, weight: 30%, classes: [{amount: 7分, share: 50%}, {amount: 1.01元, share: 50%}]}
"""
PLAN = """\
kind: stress
id: office-party
title: {zh: 年会, en: Office party}
forecast: office-party.yaml
lane: live
seed: 7
warm_up: {duration: 1s, share: 50%}
round: {opens: 0s, duration: 10s, release: 80%}
steps:
  - {kind: ramp, from: 10%, to: 100%, duration: 2s}
  - {kind: constant, share: 100%, duration: 4s, arrivals: poisson}
  - {kind: spike, base: 20%, peak: 80%, countdown: 1s, hold: 1s, fade: 500ms}
probes: {forged: 1_000, expired: 1_000, foreign: 1_000}
stop: [{signal: backlog_entries, above: 10_000}]
drain: {answers: 2s, credits: 10s, close: 10s}
objectives: {response_p99: 500ms, credit_delay_p99: 10s}
"""


def write(folder: Path) -> Path:
    """Writes both files beside each other; gives the plan's."""
    (folder / "office-party.yaml").write_text(FORECAST, encoding="utf-8")
    plan = folder / "office-party-plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    return plan
