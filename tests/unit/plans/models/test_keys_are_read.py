"""Every key that a plan, forecast, fault or drill may have is read by somebody: none is without an effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from chaos.library import fault
from plans.models.drill import Drill
from plans.models.forecast import Forecast
from plans.models.service import ServicePlan
from plans.models.stress import Probes, StressPlan

ROOT = Path(__file__).parents[4]
SOURCES = [
    path.read_text(encoding="utf-8")
    for package in ("plans", "harness", "chaos", "xiu")
    for path in (ROOT / package).rglob("*.py")
]  # fmt: skip


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def fields(model: type[BaseModel], known: set[type[BaseModel]]) -> Iterator[tuple[str, str]]:
    """(model, field) of the model and of everything in it, each once."""
    if model in known:
        return
    known.add(model)
    for name, field in model.model_fields.items():
        yield model.__name__, name
        for inner in models_in(field.annotation):
            yield from fields(inner, known)


@pytest.mark.parametrize("model", [StressPlan, ServicePlan, Forecast, fault(), Drill])
def test_every_key_has_a_reader(model: type[BaseModel]) -> None:
    found = list(fields(model, set()))
    assert len(found) > 10
    unread = [
        f"{owner}.{name}" for owner, name in found if not any(re.search(rf"\.{name}\b", source) for source in SOURCES)
    ]
    assert unread == []


def test_probes_that_nobody_sends_are_no_key() -> None:
    with pytest.raises(ValidationError, match="replayed"):
        Probes.model_validate({"replayed": 10})
