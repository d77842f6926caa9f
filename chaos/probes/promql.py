"""Probe `promql`: a value of the stack's Prometheus against a bound. No data is never a yes."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field

from chaos.probing import OwnProbe, ProbeReading, words
from harness.watch.prom import PromError, Prometheus
from plans.models.fault import ProbeSpec

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
TIMEOUT_S = 2.0


class PromQL(ProbeSpec):
    """Holds if the one value of `query` compares by `op` with `value`."""

    anywhere: ClassVar[bool] = True
    kind: Literal["promql"]
    query: str = Field(min_length=1)
    op: Literal[">", ">=", "<", "<=", "==", "!="]
    value: float


class PromQLProbe(OwnProbe[PromQL]):
    """An instant query."""

    kind = "promql"
    Spec = PromQL

    def lacks(self) -> str | None:
        return None if self.at.stack.addresses.prometheus_url else "a promql probe, and this stack has no Prometheus"

    def seen(self) -> ProbeReading:
        spec, url = self.spec, self.at.stack.addresses.prometheus_url
        if url is None:
            return ProbeReading(False, words("this stack has no Prometheus", "没有 Prometheus"))
        prometheus = Prometheus(url, TIMEOUT_S)
        try:
            found = prometheus.value(spec.query, time.time())
        except PromError as exc:
            return ProbeReading(False, words(str(exc).splitlines()[0], f"{spec.query}：查询失败"))
        finally:
            prometheus.close()
        if found is None:
            return ProbeReading(False, words(f"{spec.query}: no data", f"{spec.query}：没有数据"))
        text = f"{spec.query} is {found:g}, asked for {spec.op} {spec.value:g}"
        zh = f"{spec.query} 为 {found:g}，要求 {spec.op} {spec.value:g}"
        return ProbeReading(COMPARE[spec.op](found, spec.value), words(text, zh))
