"""The threshold wizard: operate the machine, say what it does, look, save. Made for a phone beside the machine."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from coop import machines, register
from coop.api import Moment
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.messages import translate
from coop.problems import STATUS, locale_of
from dashboards.shell import page
from telemetry.thresholds import look
from telemetry.thresholds.look import Live, NoPower
from telemetry.thresholds.save import ThresholdsCrossed, save

router = APIRouter(include_in_schema=False)


@router.get("/machines/{machine_id}/threshold")
def wizard(
    machine_id: str,
    door: Entrance,
    idle: Moment | None = None,
    measuring: Moment | None = None,
    day: date | None = None,
    saved: bool = False,
) -> HTMLResponse:
    """The wizard at the step that the address says: nothing shown yet, idle shown, both shown, or a recorded day."""
    return _wizard(door, machine_id, idle=idle, measuring=measuring, day=day, saved=saved)


@router.get("/machines/{machine_id}/threshold/live")
def live(machine_id: str, door: Entrance) -> HTMLResponse:
    """The power now, asked for each second."""
    return page(
        door, "machine/threshold_live.html", zone=door.run(register.cooperative).time_zone, **_live(door, machine_id)
    )


@router.get("/machines/{machine_id}/threshold/found")
def found(machine_id: str, door: Entrance, idle: Moment, measuring: Moment) -> HTMLResponse:
    """What was seen around both moments, asked for until it is complete."""
    zone = door.run(register.cooperative).time_zone
    return page(door, "machine/threshold_found.html", zone=zone, **_found(door, machine_id, idle, measuring))


@router.post("/machines/{machine_id}/threshold")
def step(
    machine_id: str,
    door: Entrance,
    says: Annotated[str, Form()] = "",
    idle: Annotated[str, Form()] = "",
    channel: Annotated[str, Form(max_length=63)] = "power",
    on_watts: Annotated[str, Form(max_length=12)] = "",
    off_watts: Annotated[str, Form(max_length=12)] = "",
    standby_watts: Annotated[str, Form(max_length=12)] = "",
) -> Response:
    """ "Now it is idle", "now it measures", or save what was found."""
    here = f"/machines/{machine_id}/threshold"
    if says == "idle":
        return RedirectResponse(f"{here}?{urlencode({'idle': door.now.isoformat()})}", 303)
    if says == "measuring":
        return RedirectResponse(f"{here}?{urlencode({'idle': idle, 'measuring': door.now.isoformat()})}", 303)

    def use_case(conn: Connection) -> None:
        on, off, standby = _watts(on_watts), _watts(off_watts), _watts(standby_watts) if standby_watts else None
        save(
            conn, door.viewer, machine_id, door.now, channel=channel, on_watts=on, off_watts=off, standby_watts=standby
        )

    try:
        door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT}:
            raise
        typed = {"on_watts": on_watts, "off_watts": off_watts, "standby_watts": standby_watts}
        return _wizard(door, machine_id, refused=refused, typed=typed)
    return RedirectResponse(f"{here}?saved=true", 303)


def _wizard(
    door: Door,
    machine_id: str,
    *,
    idle: datetime | None = None,
    measuring: datetime | None = None,
    day: date | None = None,
    saved: bool = False,
    refused: MoyaiError | None = None,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    locale = locale_of(door.request)
    zone = door.run(register.cooperative).time_zone
    values: dict[str, Any] = {
        "machine": door.run(lambda conn: machines.machine(conn, machine_id)).name(locale),
        "idle": idle,
        "measuring": measuring,
        "day": day,
        "yesterday": door.now.astimezone(zone).date() - timedelta(days=1),
        "saved": saved,
        "typed": typed,
        "refused": translate(refused.code, locale, **refused.params) if refused else None,
        "recorded": None,
    }
    values |= _live(door, machine_id)
    if day is not None and values["live"] is not None:
        values["recorded"] = door.run(lambda conn: look.recorded_day(conn, machine_id, day, door.now))
    if idle is not None and measuring is not None and values["live"] is not None:
        values |= _found(door, machine_id, idle, measuring)
    status = STATUS[refused.kind] if refused else 200
    return page(door, "machine/threshold.html", zone=zone, status=status, **values)


def _live(door: Door, machine_id: str) -> dict[str, Any]:
    def ask(conn: Connection) -> Live | None:
        try:
            return look.live(conn, machine_id, door.now)
        except NoPower:
            return None

    return {"machine_id": machine_id, "live": door.run(ask), "now": door.now}


def _found(door: Door, machine_id: str, idle: datetime, measuring: datetime) -> dict[str, Any]:
    shown = door.run(lambda conn: look.shown(conn, machine_id, idle, measuring, door.now))
    asked = urlencode({"idle": idle.isoformat(), "measuring": measuring.isoformat()})
    channel = door.run(lambda conn: look.live(conn, machine_id, door.now)).channel
    return {"machine_id": machine_id, "shown": shown, "asked": asked, "channel": channel}


def _watts(text: str) -> float:
    """What was typed as watts; raises `ThresholdsCrossed` for what is no number."""
    try:
        watts = float(text)
    except ValueError:
        raise ThresholdsCrossed() from None
    if not 0 <= watts <= 1_000_000:
        raise ThresholdsCrossed()
    return watts
