"""The pot, killed anywhere: three blessings share seven fen, paid in batches by two payers. Source: docs/season.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chaos.model.explore import Machine
from chaos.model.season.rules import RulesInForce

POT = 7
BATCHES = ((0, 1), (2,))
IDLE, READ, HALF = "idle", "read", "half"


class Payer(NamedTuple):
    """A process. `batch`, `each`: what it read and is about to pay; HALF: the money is there, the blessings too."""

    phase: str = IDLE
    batch: int = 0
    each: int = 0


class PotState(NamedTuple):
    """`floor`: frozen, None before; `paid`, `blessing`: of each user; `keys`: batches whose transfer is there."""

    payers: tuple[Payer, ...]
    deaths: int
    floor: int | None = None
    paid: tuple[int, ...] = (0, 0, 0)
    times: tuple[int, ...] = (0, 0, 0)
    blessing: tuple[int, ...] = (1, 1, 1)
    keys: tuple[int, ...] = ()
    rounding: int = 0
    over: bool = False


Steps = Iterator[tuple[str, PotState]]


def machine(payers: int, deaths: int, held: RulesInForce) -> Machine[PotState]:
    """So many payers at once, so many deaths anywhere."""
    return Machine(PotState((Payer(),) * payers, deaths), lambda s: acts(s, held), faults, broken, lambda s: hangs(s))


def acts(s: PotState, held: RulesInForce) -> Steps:
    """Everything that may happen next, deaths left out."""
    if s.floor is None:
        yield "list and floor are frozen, committed", s._replace(floor=POT // len(s.paid))
        return
    for at, one in enumerate(s.payers):
        if one.phase == IDLE:
            for number in range(len(BATCHES)):
                if _open(s, number, held):
                    each = s.floor if held.frozen else _share(s)
                    yield f"payer {at} reads batch {number}", _put(s, at, Payer(READ, number, each))
                    break
            else:
                if not s.over and sum(s.paid) <= POT:
                    yield "the remainder is booked", s._replace(rounding=POT - sum(s.paid), over=True)
        elif one.phase == READ:
            if held.batch_key and one.batch in s.keys:
                yield f"payer {at} finds batch {one.batch} paid", _put(s, at, Payer())
            elif held.one_transfer:
                yield f"payer {at} pays batch {one.batch}", _put(_taken(_money(s, one), one), at, Payer())
            else:
                yield (
                    f"payer {at} pays the money of batch {one.batch}",
                    _put(_money(s, one, keyed=False), at, one._replace(phase=HALF)),
                )
        else:
            yield f"payer {at} takes the blessings of batch {one.batch}", _put(_taken(s, one), at, Payer())


def faults(s: PotState) -> Steps:
    """A payer dies wherever it is; another life begins idle."""
    for at, one in enumerate(s.payers):
        if s.deaths and one.phase != IDLE:
            yield f"payer {at} dies, {one.phase}", _put(s, at, Payer())._replace(deaths=s.deaths - 1)


def _open(s: PotState, number: int, held: RulesInForce) -> bool:
    if held.batch_key and held.one_transfer:
        return number not in s.keys
    return any(s.blessing[user] > 0 for user in BATCHES[number])


def _share(s: PotState) -> int:
    """What an unfrozen pot would give each who is left."""
    return (POT - sum(s.paid)) // max(1, sum(count > 0 for count in s.blessing))


def _money(s: PotState, one: Payer, *, keyed: bool = True) -> PotState:
    mine = BATCHES[one.batch]
    paid = tuple(fen + one.each * (user in mine) for user, fen in enumerate(s.paid))
    times = tuple(count + (user in mine) for user, count in enumerate(s.times))
    return s._replace(paid=paid, times=times, keys=_keys(s, one) if keyed else s.keys)


def _taken(s: PotState, one: Payer) -> PotState:
    mine = BATCHES[one.batch]
    return s._replace(
        blessing=tuple(count - (user in mine) for user, count in enumerate(s.blessing)), keys=_keys(s, one)
    )


def _keys(s: PotState, one: Payer) -> tuple[int, ...]:
    return tuple(sorted({*s.keys, one.batch}))


def _put(s: PotState, at: int, one: Payer) -> PotState:
    return s._replace(payers=tuple(sorted((*s.payers[:at], one, *s.payers[at + 1 :]))))


def broken(s: PotState) -> frozenset[str]:
    """S15: each blessing paid once, all the same, the pot = paid + rounding."""
    amounts = {fen for fen in s.paid if fen}
    bad = max(s.times) > 1 or len(amounts) > 1 or sum(s.paid) > POT or min(s.blessing) < 0
    bad = bad or (s.over and sum(s.paid) + s.rounding != POT)
    return frozenset({"S15"}) if bad else frozenset()


def hangs(s: PotState) -> frozenset[str]:
    """In the end everybody is paid."""
    return frozenset() if s.over and s.times == (1, 1, 1) else frozenset({"S15"})
