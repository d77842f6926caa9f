"""Faults: list, show."""

from __future__ import annotations

import argparse

from harness.errors import BadInput, closest
from plans.models import load_faults
from plans.models.fault import Fault, Toxics
from xiu.cli import add_word
from xiu.commands._text import emit, table

EXAMPLE = "xiu fault show N15"


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-words."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="list|show")
    add_word(words, "list", "the faults there are", "xiu fault list --json")
    show = add_word(words, "show", "what a fault does, how it is seen, how it is healed", EXAMPLE)
    show.add_argument("id", metavar="ID")


def run(args: argparse.Namespace) -> int:
    """Dispatch to the sub-word."""
    faults = load_faults()
    if args.sub == "list":
        return _list(faults, as_json=args.json)
    if args.id not in faults:
        hint = closest(args.id.upper(), faults)
        raise BadInput(f"no fault {args.id}", expected="one of " + ", ".join(faults), did_you_mean=hint)
    return _show(faults[args.id], as_json=args.json)


def _list(faults: dict[str, Fault], *, as_json: bool) -> int:
    if as_json:
        rows = [{"id": f.id, "title": f.title.model_dump(), "targets": f.targets, "aims": f.aims}
                for f in faults.values()]  # fmt: skip
        emit({"faults": rows})
        return 0
    cells = [[f.id, f.title.en, ", ".join(f.targets), " ".join(f.aims)] for f in faults.values()]
    print(table(("fault", "what happens", "on", "aimed at"), cells))
    return 0


def _show(fault: Fault, *, as_json: bool) -> int:
    if as_json:
        emit(fault.model_dump(mode="json"))
        return 0
    print(f"{fault.id}  {fault.title.en}\n{fault.title.zh}\n\n{' '.join(fault.about.split())}\n")
    print(f"targets    {', '.join(fault.targets)}\naimed at   {' '.join(fault.aims)}")
    print(f"inject     {_injection(fault)}")
    probe = fault.effect_probe
    alone = ", alone" if probe.alone else ""
    print(f"effect     {probe.kind}{alone}, within {probe.within:g} s; else FAULT_NOT_EFFECTIVE")
    print(f"heal       {fault.heal.kind}, then the ladder of docs/faults.md")
    print(f"healed     {fault.heal_probe.kind}, within {fault.heal_probe.within:g} s")
    print(f"expires    after {fault.expires:g} s a watchdog heals it, whatever happens")
    return 0


def _injection(fault: Fault) -> str:
    way = fault.inject
    if isinstance(way, Toxics):
        return "; ".join(
            f"{t.type} {t.stream} " + ", ".join(f"{key} {value}" for key, value in t.attributes.items())
            for t in way.toxics
        )
    return " ".join(f"{key} {value}" for key, value in way.model_dump().items() if key != "kind") or way.kind
