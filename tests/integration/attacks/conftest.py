"""A Valkey without streams, fences or functions of another test, as control's tests have it."""

from tests.integration.control.conftest import fresh_valkey

__all__ = ["fresh_valkey"]
