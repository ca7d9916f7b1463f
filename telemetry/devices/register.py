"""Devices: what reports, which machine it speaks for and since when, and by how much its clock was wrong."""

from collections.abc import Mapping
from datetime import datetime

from psycopg import errors
from psycopg.types.json import Jsonb

from coop import audit
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval, aware
from coop.machines import MachineUnknown
from coop.queries import load
from telemetry.decoders import DECODERS
from telemetry.model import Device

SQL = load("telemetry.devices")
LARGEST_OFFSET_SECONDS = 86_400


class DeviceExists(Conflict):
    """A device with this key or this address exists already."""

    code = "telemetry.device_exists"


class DeviceUnknown(NotFound):
    """There is no such device."""

    code = "telemetry.device_unknown"


class DeviceInvalid(Invalid):
    """A key or an address has characters that a topic cannot hold."""

    code = "telemetry.device_invalid"


class DecoderUnknown(Invalid):
    """No decoder has this name."""

    code = "telemetry.decoder_unknown"


class BindingOverlaps(Conflict):
    """The device speaks for a machine from that time on, or later, already."""

    code = "telemetry.binding_overlaps"


class CorrectionOverlaps(Conflict):
    """Some of that time has a clock correction already."""

    code = "telemetry.correction_overlaps"


class CorrectionTooLarge(Invalid):
    """A clock correction is a day at most."""

    code = "telemetry.correction_too_large"


def add_device(conn: Connection, viewer: Viewer, device: Device, now: datetime) -> None:
    """Enter something that reports; raises `DeviceExists`, `DeviceInvalid`, `DecoderUnknown`."""
    viewer.require(Role.OPERATOR, Role.OFFICE)
    if device.decoder not in DECODERS:
        raise DecoderUnknown(decoder=device.decoder, known=", ".join(DECODERS))
    values = {
        "id": device.id,
        "address": device.address,
        "decoder": device.decoder,
        "topic": device.topic,
        "mapping": Jsonb(dict(device.mapping)),
        "now": now,
    }
    try:
        with conn.transaction():
            conn.execute(SQL["add_device"], values)
    except errors.UniqueViolation:
        raise DeviceExists(device=device.id, address=device.address) from None
    except errors.CheckViolation:
        raise DeviceInvalid(device=device.id, address=device.address) from None
    audit.record(conn, "device.added", viewer=viewer, subject=f"device:{device.id}", now=now)


def devices(conn: Connection, viewer: Viewer) -> list[Device]:
    """All devices by id."""
    viewer.require(Role.OPERATOR, Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    return [Device(*row) for row in conn.execute(SQL["devices"])]


def change_device(
    conn: Connection,
    viewer: Viewer,
    device_id: str,
    now: datetime,
    *,
    expected_seconds: int | None = None,
    hears_commands: bool | None = None,
    decoder: str | None = None,
    mapping: Mapping[str, object] | None = None,
) -> None:
    """Say anew how often a device reports, how its messages are read, or whether it is an interlock (its next account
    hears the commands to it). The ingester reads its messages anew within seconds; what was rejected can be replayed.

    Raises `DeviceUnknown`, `DeviceInvalid`, `DecoderUnknown`.
    """
    viewer.require(Role.OPERATOR, Role.OFFICE)
    if decoder is not None and decoder not in DECODERS:
        raise DecoderUnknown(decoder=decoder, known=", ".join(DECODERS))
    detail: dict[str, object] = {
        "expected_seconds": expected_seconds,
        "hears_commands": hears_commands,
        "decoder": decoder,
        "mapping": mapping,
    }
    values = {**detail, "id": device_id, "mapping": None if mapping is None else Jsonb(dict(mapping))}
    try:
        with conn.transaction():
            changed = conn.execute(SQL["change_device"], values).fetchone()
    except errors.CheckViolation:
        raise DeviceInvalid(device=device_id, address="") from None
    if changed is None:
        raise DeviceUnknown(device=device_id)
    audit.record(conn, "device.changed", viewer=viewer, subject=f"device:{device_id}", now=now, detail=detail)


def bind(conn: Connection, viewer: Viewer, device_id: str, machine_id: str, since: datetime, now: datetime) -> None:
    """From `since` on the device speaks for this machine, and no longer for the one it had before.

    Raises `DeviceUnknown`, `MachineUnknown`, `BindingOverlaps`.
    """
    viewer.require(Role.OPERATOR, Role.OFFICE)
    values = {"device_id": device_id, "machine_id": machine_id, "since": aware(since)}
    try:
        with conn.transaction():
            conn.execute(SQL["end_binding"], values)
            conn.execute(SQL["add_binding"], values)
    except errors.ExclusionViolation:
        raise BindingOverlaps(device=device_id) from None
    except errors.ForeignKeyViolation as missing:
        if missing.diag.constraint_name == "binding_machine_exists":
            raise MachineUnknown(machine=machine_id) from None
        raise DeviceUnknown(device=device_id) from None
    detail: dict[str, object] = {"machine": machine_id, "since": aware(since).isoformat()}
    audit.record(conn, "device.bound", viewer=viewer, subject=f"device:{device_id}", now=now, detail=detail)


def confirm_clock_correction(
    conn: Connection, viewer: Viewer, device_id: str, during: Interval, offset_seconds: int, now: datetime
) -> None:
    """A person confirms: for device times in `during`, true time = device time + `offset_seconds`.

    Stored readings stay as the device stated them; derivation applies the offset.
    Raises `DeviceUnknown`, `CorrectionOverlaps`, `CorrectionTooLarge`.
    """
    viewer.require(Role.OPERATOR, Role.OFFICE)
    if abs(offset_seconds) > LARGEST_OFFSET_SECONDS:
        raise CorrectionTooLarge(offset_seconds=offset_seconds)
    values = {
        "device_id": device_id,
        "start": during.start,
        "end": during.end,
        "offset_seconds": offset_seconds,
        "confirmed_by": viewer.person_id,
        "now": now,
    }
    try:
        with conn.transaction():
            conn.execute(SQL["add_clock_correction"], values)
    except errors.ExclusionViolation:
        raise CorrectionOverlaps(device=device_id) from None
    except errors.ForeignKeyViolation:
        raise DeviceUnknown(device=device_id) from None
    detail: dict[str, object] = {
        "start": during.start.isoformat(),
        "end": during.end.isoformat(),
        "offset_seconds": offset_seconds,
    }
    audit.record(conn, "device.clock_corrected", viewer=viewer, subject=f"device:{device_id}", now=now, detail=detail)
