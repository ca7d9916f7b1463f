"""Devices over HTTP: entering them, their accounts at the broker, the machines they speak for, and how they do."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged
from telemetry.devices import accounts, listing, register
from telemetry.devices.listing import AlertKind
from telemetry.devices.liveness import Liveness
from telemetry.model import Device

router = APIRouter(tags=["devices"])

Key = Annotated[str, Field(max_length=31, examples=["plug-cmm-1"])]
Seconds = Annotated[int, Field(ge=1, le=86_400, description="At least one message in so many; three missed: offline")]


Name = Annotated[str, Field(min_length=1, max_length=200)]
Mapping = Annotated[dict[Name, Name | bool | Annotated[dict[Name, Name], Field(max_length=100)]], Field(max_length=500)]


class DeviceWanted(Wanted):
    id: Key
    address: str = Field(max_length=63, examples=["cmm-1"], description="The level of its topics after moyai/<coop>/")
    decoder: str = Field(default="json", max_length=31, examples=["shelly"])
    topic: str | None = Field(default=None, max_length=200, description="With what its topics begin, if not with ours")
    mapping: Mapping = Field(default_factory=dict, description="Which channel a name of its own is")
    expected_seconds: Seconds = 60
    hears_commands: bool = Field(default=False, description="It is an interlock: it may hear the commands to it")


class DeviceChange(Wanted):
    expected_seconds: Seconds | None = None
    hears_commands: bool | None = Field(default=None, description="Holds for its next account")
    decoder: str | None = Field(default=None, max_length=31, examples=["shelly"])
    mapping: Mapping | None = Field(default=None, examples=[{"di/1": "contact"}])


class DeviceView(BaseModel):
    id: str
    decoder: str
    address: str = Field(description="The level of its topics after moyai/<cooperative>/")
    topic: str | None
    expected_seconds: int
    hears_commands: bool
    machine_id: str | None = Field(description="For which machine it speaks now")
    last_received_at: datetime | None
    liveness: Liveness
    per_minute: float | None = Field(description="Readings of its busiest channel")
    late_seconds: float | None = Field(description="Receipt minus its own time, median of the latest; null: no clock")
    rejected: int = Field(description="Messages since yesterday (UTC) that could not be taken")
    username: str | None = Field(description="Its newest account at the broker")


class BindingWanted(Wanted):
    machine_id: Key = Field(examples=["cmm-1"])
    since: Moment | None = Field(default=None, description="From when on; now if not said")


class BindingView(BaseModel):
    machine_id: str
    since: datetime
    until: datetime | None


class AccountWanted(Wanted):
    keep_old_minutes: int = Field(
        default=0, ge=0, le=31 * 24 * 60, description="How long an account that it had before still holds"
    )


class AccountView(BaseModel):
    username: str
    password: str = Field(description="Shown once, here")
    publish: list[str] = Field(description="Topic filters under which it may publish")
    subscribe: list[str]
    others_end_at: datetime | None = Field(description="Until when what it had before still holds")


class AlertView(BaseModel):
    id: int
    kind: AlertKind
    device_id: str | None
    machine_id: str | None
    detail: dict[str, Any]
    raised_at: datetime


@router.get("/devices")
def list_devices(door: Entrance, paging: Paged) -> list[DeviceView]:
    """What reports, for which machine, and how it does; by id."""
    part = paging.slice(str)
    found = door.run(lambda conn: listing.heard_devices(conn, door.now, part))
    return [_view(each) for each in paging.page(found, lambda last: (last.id,))]


@router.post("/devices", status_code=201, response_model=DeviceView)
def add_device(body: DeviceWanted, door: Entrance) -> Response:
    """Enter a device. Its messages are rejected until it is entered."""

    def added(conn: Connection) -> DeviceView:
        device = Device(body.id, body.address, body.decoder, body.topic, body.mapping)
        register.add_device(conn, door.viewer, device, door.now)
        wanted = DeviceChange(expected_seconds=body.expected_seconds, hears_commands=body.hears_commands)
        _change(conn, door, body.id, wanted)
        return _one(conn, body.id, door.now)

    return door.once(added, asked=body, status=201)


@router.patch("/devices/{device_id}", response_model=DeviceView)
def change_device(device_id: str, body: DeviceChange, door: Entrance) -> Response:
    """Say how often it reports, how its messages are read, or whether it is an interlock."""

    def changed(conn: Connection) -> DeviceView:
        _change(conn, door, device_id, body)
        return _one(conn, device_id, door.now)

    return door.once(changed, asked=body)


@router.get("/devices/{device_id}/bindings")
def list_bindings(device_id: str, door: Entrance, paging: Paged) -> list[BindingView]:
    """For which machines it spoke, by time."""
    part = paging.slice(datetime)
    found = door.run(lambda conn: listing.bindings(conn, device_id, part))
    return [
        BindingView(machine_id=each.machine_id, since=each.since, until=each.until)
        for each in paging.page(found, lambda last: (last.since,))
    ]


@router.post("/devices/{device_id}/bindings", status_code=201, response_model=BindingView)
def bind(device_id: str, body: BindingWanted, door: Entrance) -> Response:
    """From a moment on it speaks for this machine, and no longer for the one it had: derived anew from then on."""

    def bound(conn: Connection) -> BindingView:
        since = body.since or door.now
        register.bind(conn, door.viewer, device_id, body.machine_id, since, door.now)
        return BindingView(machine_id=body.machine_id, since=since, until=None)

    return door.once(bound, asked=body, status=201)


@router.post("/devices/{device_id}/account", status_code=201)
def issue_account(device_id: str, body: AccountWanted, door: Entrance) -> AccountView:
    """Give it an account at the broker, or a new one instead of the old. An Idempotency-Key does nothing here: the
    answer with the password is not kept. Whoever lost it asks for another."""
    broker = accounts.broker_of(door.request.app.state.settings)
    overlap = timedelta(minutes=body.keep_old_minutes)
    issued = door.run(lambda conn: accounts.issue(conn, door.viewer, device_id, broker, door.now, overlap=overlap))
    return AccountView(
        username=issued.username,
        password=issued.password,
        publish=list(issued.rights.publish),
        subscribe=list(issued.rights.subscribe),
        others_end_at=issued.others_end_at,
    )


@router.delete("/devices/{device_id}/account", status_code=204, response_model=None)
def revoke_account(device_id: str, door: Entrance) -> Response:
    """Take its accounts away; it is put out at once."""
    broker = accounts.broker_of(door.request.app.state.settings)
    return door.once(lambda conn: accounts.revoke(conn, door.viewer, device_id, broker, door.now), status=204)


@router.get("/alerts")
def list_alerts(door: Entrance, paging: Paged) -> list[AlertView]:
    """What somebody should look at about devices and signals, newest first; each closes by itself."""
    part = paging.slice(int)
    found = door.run(lambda conn: listing.open_alerts(conn, part))
    return [
        AlertView(
            id=each.id,
            kind=each.kind,
            device_id=each.device_id,
            machine_id=each.machine_id,
            detail=each.detail,
            raised_at=each.raised_at,
        )
        for each in paging.page(found, lambda last: (last.id,))
    ]


def _change(conn: Connection, door: Entrance, device_id: str, body: DeviceChange) -> None:
    register.change_device(
        conn,
        door.viewer,
        device_id,
        door.now,
        expected_seconds=body.expected_seconds,
        hears_commands=body.hears_commands,
        decoder=body.decoder,
        mapping=body.mapping,
    )


def _one(conn: Connection, device_id: str, now: datetime) -> DeviceView:
    return _view(listing.heard_device(conn, device_id, now))


def _view(device: listing.HeardDevice) -> DeviceView:
    return DeviceView(
        id=device.id,
        decoder=device.decoder,
        address=device.address,
        topic=device.topic,
        expected_seconds=device.expected_seconds,
        hears_commands=device.hears_commands,
        machine_id=device.machine_id,
        last_received_at=device.last_received_at,
        liveness=device.liveness,
        per_minute=device.per_minute,
        late_seconds=device.late_seconds,
        rejected=device.rejected,
        username=device.username,
    )
