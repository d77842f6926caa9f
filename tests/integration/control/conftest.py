"""Settings of a control on the real stores, for one front and for two."""

from __future__ import annotations

import pytest

from system.settings import ControlSettings
from tests.support.control import settings_of
from tests.support.stores import ValkeyServer


@pytest.fixture
def settings(postgres_dsn: str, fresh_valkey: ValkeyServer) -> ControlSettings:
    return settings_of(postgres_dsn, fresh_valkey.url)


@pytest.fixture
def two_fronts(postgres_dsn: str, fresh_valkey: ValkeyServer) -> ControlSettings:
    return settings_of(postgres_dsn, fresh_valkey.url, fronts=2)
