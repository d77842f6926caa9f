"""The one place where the PostgreSQL driver's errors become the system's own. Does not decide what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from system.contract.errors import StoreRefused, StoreUnknown

# Classes of SQLSTATE after which it is not known what the server did: broken connection, shutdown, unknown completion.
_UNKNOWN_CLASSES = ("08", "57P")
_UNKNOWN_STATES = ("40003",)


def is_unknown(exc: psycopg.Error) -> bool:
    """Whether the server may have carried the statement out: no answer, or an answer that says it does not know."""
    state = exc.sqlstate
    if state is None:
        return isinstance(exc, psycopg.OperationalError | psycopg.InternalError | psycopg.InterfaceError)
    return state.startswith(_UNKNOWN_CLASSES) or state in _UNKNOWN_STATES


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Driver errors and time-outs inside become StoreUnknown or StoreRefused, `from` the original.

    A statement of a transaction that did not reach its COMMIT is undone by the server, whatever the class says;
    only a COMMIT, or a statement outside of a transaction, is really in doubt after StoreUnknown.
    """
    try:
        yield
    except TimeoutError as exc:
        raise StoreUnknown(f"{what}: no answer from PostgreSQL in time") from exc
    except psycopg.Error as exc:
        text = " ".join(str(exc).split()) or type(exc).__name__
        if is_unknown(exc):
            raise StoreUnknown(f"{what}: {text}") from exc
        raise StoreRefused(f"{what}: {text}") from exc
    except OSError as exc:
        raise StoreUnknown(f"{what}: {exc}") from exc
