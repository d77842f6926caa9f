"""The thin pipe: a toxic each way, on links that its probe can measure."""

from __future__ import annotations

from chaos.faults.bandwidth import Bandwidth, BandwidthKind


def test_a_toxic_each_way() -> None:
    toxics = list(BandwidthKind().toxics(Bandwidth(kind="bandwidth", rate=100)))
    assert [(one.type, one.stream, one.attributes) for one in toxics] == [
        ("bandwidth", "upstream", {"rate": 100}), ("bandwidth", "downstream", {"rate": 100}),
    ]  # fmt: skip


def test_a_link_that_its_probe_cannot_measure_is_misplaced() -> None:
    spec = Bandwidth(kind="bandwidth", rate=100)
    assert list(spec.misplaced(("front-valkey", "credit-valkey", "client-front"))) == []
    assert [found.what for found in spec.misplaced(("credit-postgres",))] == ["bandwidth on credit-postgres"]
