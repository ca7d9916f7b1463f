"""A device's account at the broker: made with a password that is shown once, changed, and taken away.

The broker is asked last, inside the caller's transaction: when it refuses, nothing happened here either. An account
that the broker has and we do not know of (we fell between its yes and our commit) has a password that nobody saw.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import bcrypt

from coop import audit, register
from coop.database import Connection
from coop.errors import Invalid, NotFound
from coop.identity import Role, Viewer
from coop.mqtt import Tls
from coop.queries import load
from coop.settings import Settings
from telemetry.devices.dynsec import DynamicSecurity
from telemetry.devices.register import DeviceUnknown
from telemetry.devices.rights import Rights, rights_of

SQL = load("telemetry.devices")
PASSWORD_BYTES = 24
ROUNDS = 6  # the password has 192 random bits: the hash need not be slow
LONGEST_OVERLAP = timedelta(days=31)
EMBEDDED = "embedded:"


class AccountsUnmanaged(Invalid):
    """Nobody told us how to make accounts at this broker."""

    code = "telemetry.accounts_unmanaged"


class AccountUnknown(NotFound):
    """The device has no account."""

    code = "telemetry.account_unknown"


class OverlapTooLong(Invalid):
    """The old password may stay valid for a month at most."""

    code = "telemetry.overlap_too_long"


class Broker(Protocol):
    """Where accounts are kept. Both raise when the broker does not do it."""

    def admit(self, username: str, password: str, role: str, rights: Rights) -> None: ...
    def forget(self, username: str) -> None: ...


class Embedded:
    """The embedded broker: its owner `moyai up` reads the accounts from the table and has nothing to be told."""

    def admit(self, username: str, password: str, role: str, rights: Rights) -> None:
        """Nothing to do."""

    def forget(self, username: str) -> None:
        """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new account. The password is nowhere else; `publish` and `subscribe` say what the account may do."""

    username: str
    password: str = field(repr=False)
    rights: Rights
    others_end_at: datetime | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """An account that holds now, as the embedded broker needs it."""

    username: str
    password_hash: str = field(repr=False)
    rights: Rights


def broker_of(settings: Settings) -> Broker:
    """Where this installation keeps accounts; raises `AccountsUnmanaged`."""
    if not settings.mqtt_admin_url:
        raise AccountsUnmanaged()
    if settings.mqtt_admin_url == EMBEDDED:
        return Embedded()
    return DynamicSecurity(settings.mqtt_admin_url, Tls.of(settings))


def issue(
    conn: Connection,
    viewer: Viewer,
    device_id: str,
    broker: Broker,
    now: datetime,
    *,
    overlap: timedelta = timedelta(),
) -> Issued:
    """Give the device an account; one that it had before ends after `overlap`, at once by default.

    Raises `DeviceUnknown`, `OverlapTooLong`, `BrokerAway`, `BrokerRefused`.
    """
    viewer.require(Role.OPERATOR, Role.OFFICE)
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise OverlapTooLong(days=LONGEST_OVERLAP.days)
    address, rights = _device(conn, device_id)
    ended = _end(conn, device_id, now + overlap, now)
    number = _one(conn, "count_accounts", {"device_id": device_id})[0] + 1
    username, password = f"{address}.{number}", secrets.token_urlsafe(PASSWORD_BYTES)
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()
    account = {"username": username, "device_id": device_id, "password_hash": hashed, "now": now}
    conn.execute(SQL["add_account"], account)
    audit.record(
        conn,
        "device.account_issued",
        viewer=viewer,
        subject=f"device:{device_id}",
        now=now,
        detail={"username": username, "others_end_at": (now + overlap).isoformat() if ended else None},
    )
    broker.admit(username, password, f"device {address}", rights)
    _forget(conn, broker, now)
    return Issued(username, password, rights, now + overlap if ended else None)


def revoke(conn: Connection, viewer: Viewer, device_id: str, broker: Broker, now: datetime) -> None:
    """The device's accounts end now; who is connected under one is put out.

    Raises `DeviceUnknown`, `AccountUnknown`, `BrokerAway`, `BrokerRefused`.
    """
    viewer.require(Role.OPERATOR, Role.OFFICE)
    _device(conn, device_id)
    ended = _end(conn, device_id, now, now)
    if not ended:
        raise AccountUnknown(device=device_id)
    detail: dict[str, object] = {"usernames": ended}
    audit.record(conn, "device.account_revoked", viewer=viewer, subject=f"device:{device_id}", now=now, detail=detail)
    _forget(conn, broker, now)


def forget_ended(conn: Connection, broker: Broker, now: datetime) -> None:
    """Have the broker forget the accounts whose time is over by `now`."""
    _forget(conn, broker, now)


def admitted(conn: Connection, now: datetime) -> list[Admitted]:
    """The accounts that hold at `now`, by user name; none before the cooperative is founded."""
    rows = conn.execute(SQL["admitted"], {"now": now}).fetchall()
    slug = register.cooperative(conn).slug if rows else ""
    return [
        Admitted(username, hashed, rights_of(slug, address, topic, hears_commands=hears))
        for username, hashed, address, topic, hears in rows
    ]


def _device(conn: Connection, device_id: str) -> tuple[str, Rights]:
    """Address and rights of a device, locked: two who change its account wait for each other."""
    row = conn.execute(SQL["lock_device"], {"id": device_id}).fetchone()
    if row is None:
        raise DeviceUnknown(device=device_id)
    address, topic, hears = row
    return address, rights_of(register.cooperative(conn).slug, address, topic, hears_commands=hears)


def _end(conn: Connection, device_id: str, at: datetime, now: datetime) -> list[str]:
    values = {"device_id": device_id, "at": at, "now": now}
    return [row[0] for row in conn.execute(SQL["end_accounts"], values)]


def _forget(conn: Connection, broker: Broker, now: datetime) -> None:
    for (username,) in conn.execute(SQL["accounts_to_forget"], {"now": now}).fetchall():
        broker.forget(username)
        conn.execute(SQL["account_forgotten"], {"username": username, "now": now})


def _one(conn: Connection, name: str, values: dict[str, Any]) -> tuple[Any, ...]:
    row = conn.execute(SQL[name], values).fetchone()
    assert row is not None
    return row
