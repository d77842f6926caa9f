"""Settings of every process of the system: read from the environment in this one place, frozen,
checked against each other at start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from system.contract.addresses import read_address
from system.contract.errors import SettingsError
from system.contract.ids import INT8_MAX, LANES, ROUND_MAX, Lane
from system.contract.numbers import shown, whole_number
from system.contract.parties import BANK, SMS, Party
from system.contract.places import CELLS_MAX, valkey_variable
from system.contract.routing import Topology


def _need(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def address(env: Mapping[str, str], name: str, kind: str) -> str:
    """The address of a service in the variable of this name. Raises SettingsError, which holds no password."""
    url = _need(env, name).rstrip("/")
    try:
        read_address(kind, url)
    except ValueError as exc:
        raise SettingsError(f"{name}: {exc}") from None
    return url


def host_port(text: str) -> tuple[str, int]:
    """`host:port` as a pair. Raises SettingsError."""
    host, sep, port = text.rpartition(":")
    number = whole_number(port, 65535)
    if not sep or number is None:
        raise SettingsError(f"{shown(text)} is no address; expected host:port")
    return host, number


def topology_of(env: Mapping[str, str]) -> Topology:
    """XIU_TOPOLOGY, JSON {"fronts": [url…], "cells": [int…]}. Raises SettingsError."""
    try:
        data = json.loads(_need(env, "XIU_TOPOLOGY"))
        return Topology(tuple(data["fronts"]), tuple(data["cells"]))
    except (ValueError, KeyError, TypeError) as exc:
        raise SettingsError(f'XIU_TOPOLOGY: {exc}; expected {{"fronts": ["http://…"], "cells": [0]}}') from exc


def valkeys_of(env: Mapping[str, str]) -> Mapping[int, str]:
    """Cell → address of its Valkey: XIU_VALKEY_URL of cell 0 and of every cell without an address of its own,
    XIU_VALKEY_URL_1 of cell 1. Raises SettingsError.
    """
    own = [cell for cell in range(1, CELLS_MAX) if env.get(valkey_variable(cell))]
    return {cell: address(env, valkey_variable(cell), "valkey") for cell in (0, *own)}


@dataclass(frozen=True, slots=True)
class PartyAddress:
    """Where a party outside is called for the live lane, and its double for the stress lane; None: nobody is."""

    live: str | None = None
    double: str | None = None

    def of(self, lane: Lane) -> str | None:
        """The address that a lane's calls go to."""
        return self.live if lane == "live" else self.double

    @classmethod
    def from_env(cls, env: Mapping[str, str], party: Party) -> PartyAddress:
        """Reads the party's two variables, each where it is set. Raises SettingsError."""
        live, double = (
            address(env, name, party.name) if env.get(name) else None
            for name in (party.variable, party.double_variable)
        )
        return cls(live, double)


def lane_of(env: Mapping[str, str]) -> Lane:
    """XIU_LANE, `live` or `stress`. Raises SettingsError."""
    text = _need(env, "XIU_LANE")
    for lane in LANES:
        if text == lane:
            return lane
    raise SettingsError(f"XIU_LANE={text!r}; expected one of {', '.join(LANES)}")


def master_secret(env: Mapping[str, str]) -> bytes:
    """The key material in the file XIU_SECRET_FILE names (hex, at least 32 bytes). Raises SettingsError."""
    path = Path(_need(env, "XIU_SECRET_FILE"))
    try:
        secret = bytes.fromhex(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as exc:
        raise SettingsError(f"{path}: {exc}; expected a file of hex digits") from exc
    if len(secret) < 32:
        raise SettingsError(f"{path}: {len(secret)} bytes of key material; expected at least 32")
    return secret


def admin_token(env: Mapping[str, str]) -> str:
    """The operators' token in the file XIU_ADMIN_TOKEN_FILE names, at least 16 characters. Raises SettingsError."""
    path = Path(_need(env, "XIU_ADMIN_TOKEN_FILE"))
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise SettingsError(f"{path}: {exc}; expected a file with the operators' token") from exc
    if len(token) < 16:
        raise SettingsError(f"{path}: {len(token)} characters; expected at least 16")
    return token


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """Limits of one front. Times in seconds, sizes in bytes."""

    front: int
    cell: int
    listen: tuple[str, int]
    control_url: str
    valkey_url: str
    topology: Topology
    secret: bytes
    tap_deadline_s: float = 0.5
    append_timeout_s: float = 2.0
    append_retry_s: float = 0.2
    sync_interval_s: float = 0.1
    metrics_listen: tuple[str, int] = ("127.0.0.1", 0)
    request_timeout_s: float = 10.0
    first_word_s: float = 60.0
    """How long a client may be connected without a byte; `request_timeout_s` where places are short."""
    idle_s: float = 75.0
    """How long a client may be silent between two requests."""
    recent_s: float = 5.0
    """A client that tapped within this time keeps its place, whatever other client comes."""
    connections_max: int = 65_536
    """Clients connected at once, as far as the limit of open files allows."""
    files_reserved: int = 128
    """Open files that are no client's: stores, control, /metrics, and connections just accepted."""
    head_bytes_max: int = 8192
    body_bytes_max: int = 1024
    limiter_rate_per_s: int = 7
    limiter_burst: int = 7
    limiter_slots: int = 1 << 21

    def __post_init__(self) -> None:
        if not 0 < self.append_retry_s < self.append_timeout_s:
            raise SettingsError("append_retry_s must lie between 0 and append_timeout_s")
        if not 0 < self.tap_deadline_s <= self.append_timeout_s:
            raise SettingsError("tap_deadline_s must lie between 0 and append_timeout_s")
        if not self.tap_deadline_s < self.recent_s <= self.idle_s:
            raise SettingsError("recent_s must lie between tap_deadline_s and idle_s")
        if not 0 < self.request_timeout_s <= self.first_word_s <= self.idle_s:
            raise SettingsError("request_timeout_s, first_word_s, idle_s must grow in this order")
        if self.connections_max < 1 or self.files_reserved < 64:
            raise SettingsError("connections_max must be at least 1, files_reserved at least 64")
        if self.limiter_slots & (self.limiter_slots - 1):
            raise SettingsError("limiter_slots must be a power of two")
        if not 0 <= self.front < len(self.topology.fronts):
            raise SettingsError(f"front {self.front} is not in a topology of {len(self.topology.fronts)} fronts")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> FrontSettings:
        """Reads XIU_FRONT, XIU_LISTEN, XIU_CONTROL_URL, XIU_VALKEY_URL, XIU_TOPOLOGY, XIU_SECRET_FILE, and
        XIU_METRICS_LISTEN if it is set: without it /metrics is on the loopback interface, on any free port, which the
        log names. Raises SettingsError.
        """
        topology = topology_of(env)
        text = _need(env, "XIU_FRONT")
        front = whole_number(text, len(topology.fronts) - 1)
        if front is None:
            raise SettingsError(f"XIU_FRONT={shown(text)}; expected a number below {len(topology.fronts)}")
        return cls(
            front=front,
            cell=topology.cells[front],
            listen=host_port(_need(env, "XIU_LISTEN")),
            metrics_listen=host_port(env.get("XIU_METRICS_LISTEN") or "127.0.0.1:0"),
            control_url=address(env, "XIU_CONTROL_URL", "control"),
            valkey_url=address(env, "XIU_VALKEY_URL", "valkey"),
            topology=topology,
            secret=master_secret(env),
        )


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Limits of the control process."""

    listen: tuple[str, int]
    postgres_url: str
    valkey_url: str
    topology: Topology
    secret: bytes
    admin_token: str
    lease_seconds: float = 2.0
    lease_packets_min: int = 16
    lease_packets_max: int = 5000
    store_timeout_s: float = 5.0
    more_valkeys: Mapping[int, str] = field(default_factory=dict)
    """Cell → address, of the cells that have one of their own"""

    def __post_init__(self) -> None:
        if not 0 < self.lease_packets_min <= self.lease_packets_max:
            raise SettingsError("lease_packets_min must lie between 1 and lease_packets_max")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> ControlSettings:
        """Reads XIU_LISTEN, XIU_POSTGRES_URL, XIU_VALKEY_URL (XIU_VALKEY_URL_1 of cell 1 and so on), XIU_TOPOLOGY,
        XIU_SECRET_FILE, XIU_ADMIN_TOKEN_FILE.
        """
        return cls(
            listen=host_port(_need(env, "XIU_LISTEN")),
            postgres_url=address(env, "XIU_POSTGRES_URL", "postgres"),
            valkey_url=address(env, "XIU_VALKEY_URL", "valkey"),
            topology=topology_of(env),
            secret=master_secret(env),
            admin_token=admin_token(env),
            more_valkeys=valkeys_of(env),
        )

    @property
    def valkey_urls(self) -> Mapping[int, str]:
        """Cell → address."""
        return {0: self.valkey_url, **self.more_valkeys}


@dataclass(frozen=True, slots=True)
class CreditSettings:
    """Limits of one credit worker: one cell, one lane."""

    cell: int
    lane: Lane
    metrics_listen: tuple[str, int]
    postgres_url: str
    valkey_url: str
    control_url: str
    secret: bytes
    poll_interval_s: float = 0.05
    store_timeout_s: float = 5.0
    sms: PartyAddress = PartyAddress()
    sms_timeout_s: float = 2.0
    notice_from_fen: int = 10_000
    """A packet of so much or more is told its user by SMS, once it is credited."""

    def __post_init__(self) -> None:
        if not 0 < self.poll_interval_s < self.store_timeout_s:
            raise SettingsError("poll_interval_s must lie between 0 and store_timeout_s")
        if self.sms_timeout_s <= 0 or self.notice_from_fen < 1:
            raise SettingsError("sms_timeout_s must lie above 0, notice_from_fen at 1 or above")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> CreditSettings:
        """Reads XIU_CELL, XIU_LANE, XIU_METRICS_LISTEN, XIU_POSTGRES_URL, XIU_VALKEY_URL, XIU_CONTROL_URL,
        XIU_SECRET_FILE; where they are set also XIU_SMS_URL, XIU_SMS_DOUBLE_URL, XIU_NOTICE_FROM_FEN. Raises
        SettingsError.
        """
        text = _need(env, "XIU_CELL")
        cell = whole_number(text, ROUND_MAX)
        if cell is None:
            raise SettingsError(f"XIU_CELL={shown(text)}; expected a number")
        return cls(
            cell=cell,
            lane=lane_of(env),
            metrics_listen=host_port(_need(env, "XIU_METRICS_LISTEN")),
            postgres_url=address(env, "XIU_POSTGRES_URL", "postgres"),
            valkey_url=address(env, "XIU_VALKEY_URL", "valkey"),
            control_url=address(env, "XIU_CONTROL_URL", "control"),
            secret=master_secret(env),
            sms=PartyAddress.from_env(env, SMS),
            **_notices(env),
        )


def _notices(env: Mapping[str, str]) -> dict[str, int]:
    text = env.get("XIU_NOTICE_FROM_FEN")
    if not text:
        return {}
    fen = whole_number(text, INT8_MAX)
    if fen is None:
        raise SettingsError(f"XIU_NOTICE_FROM_FEN={shown(text)}; expected an amount in fen")
    return {"notice_from_fen": fen}


def _limit(env: Mapping[str, str], whose: str) -> dict[str, int]:
    name = f"XIU_{whose.upper()}_LIMIT"
    text = env.get(name)
    if not text:
        return {}
    rate, _, burst = text.partition(":")
    numbers = whole_number(rate, ROUND_MAX), whole_number(burst, ROUND_MAX)
    if numbers[0] is None or numbers[1] is None:
        raise SettingsError(f"{name}={shown(text)}; expected requests a second and at once, as 50:200")
    return {f"{whose}_rate_per_s": numbers[0], f"{whose}_burst": numbers[1]}


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """Settings of the users' API: wallet, shares, cards, ties, the event page. Times in seconds."""

    listen: tuple[str, int]
    postgres_url: str
    secret: bytes
    admin_token: str = ""
    """Empty: there are no operators."""
    store_timeout_s: float = 5.0
    topology: Topology | None = None
    """Where the event page's taps go; None: nowhere."""
    sign_in: bool = False
    """The event page gives a token to whoever asks: for development."""
    user_rate_per_s: int = 50
    """Requests of one user, on the average; `user_burst` at once."""
    user_burst: int = 200
    address_rate_per_s: int = 1_000
    """Requests of one address; behind it may be a whole house, or a telephone network."""
    address_burst: int = 10_000
    bank: PartyAddress = PartyAddress()
    bank_timeout_s: float = 2.0
    """How long the bank may take to answer; then nobody knows, and it is asked again."""
    payout_again_s: float = 1.0
    """Until the bank is asked again about an order, doubled each time, `payout_again_max_s` at most."""
    payout_again_max_s: float = 30.0

    def __post_init__(self) -> None:
        for whose in ("user", "address"):
            rate, burst = getattr(self, f"{whose}_rate_per_s"), getattr(self, f"{whose}_burst")
            if not 1 <= rate <= burst:
                raise SettingsError(
                    f"{whose}_burst {burst} must not lie below {whose}_rate_per_s {rate}, nor that below 1"
                )
        if not 0 < self.payout_again_s <= self.payout_again_max_s or self.bank_timeout_s <= 0:
            raise SettingsError("payout_again_s must lie between 0 and payout_again_max_s, bank_timeout_s above 0")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> PlaySettings:
        """Reads XIU_LISTEN, XIU_POSTGRES_URL, XIU_SECRET_FILE; where they are set also XIU_ADMIN_TOKEN_FILE,
        XIU_TOPOLOGY, XIU_SIGN_IN (1: yes), XIU_USER_LIMIT and XIU_ADDRESS_LIMIT (requests a second and at once, as
        50:200), XIU_BANK_URL and XIU_BANK_DOUBLE_URL. Raises SettingsError.
        """
        sign_in = env.get("XIU_SIGN_IN", "0")
        if sign_in not in ("0", "1"):
            raise SettingsError(f"XIU_SIGN_IN={shown(sign_in)}; expected 1 or 0")
        return cls(
            listen=host_port(_need(env, "XIU_LISTEN")),
            postgres_url=address(env, "XIU_POSTGRES_URL", "postgres"),
            secret=master_secret(env),
            admin_token=admin_token(env) if env.get("XIU_ADMIN_TOKEN_FILE") else "",
            topology=topology_of(env) if env.get("XIU_TOPOLOGY") else None,
            sign_in=sign_in == "1",
            bank=PartyAddress.from_env(env, BANK),
            **_limit(env, "user"),
            **_limit(env, "address"),
        )


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Where the audit finds the stores."""

    postgres_url: str
    valkey_urls: Mapping[int, str]
    """Cell → address"""
    secret: bytes

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> AuditSettings:
        """Reads XIU_POSTGRES_URL, XIU_VALKEY_URL (XIU_VALKEY_URL_1 of cell 1 and so on), XIU_SECRET_FILE. Raises
        SettingsError.
        """
        return cls(address(env, "XIU_POSTGRES_URL", "postgres"), valkeys_of(env), master_secret(env))
