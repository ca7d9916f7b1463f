"""A machine's page for the office: specification, weekly hours, rules and presence in words, and what was changed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from booking.presence import edit as presence
from booking.presence import store as store_presence
from booking.presence.api import RuleWanted
from booking.presence.rules import PresenceRule
from booking.rules import edit as rules
from booking.rules.api import PolicyWanted
from booking.services import define
from booking.services.model import ServiceKind
from booking.tables import rows
from booking.tables.api_rows import HoursWanted
from coop import machines, register, weekly
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError
from coop.problems import STATUS, locale_of
from dashboards.office import entries
from dashboards.office.bodies import Kept, body, kept
from dashboards.office.history import history
from dashboards.office.registers import Register
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/office/machines/{machine_id}")
def show_machine(machine_id: str, door: Entrance, *, done: bool = False) -> Response:
    """A machine, as forms, with the history beside them."""
    return _page(door, machine_id, done=done)


@router.post("/office/machines/{machine_id}")
def change_machine(machine_id: str, door: Entrance, typed: entries.Form) -> Response:
    """Change what the form `about` says: its specification, hours, rules or presence. A refusal keeps it."""
    about = typed.cells.get("about", "")
    said = {name: value for name, value in typed.cells.items() if name != "about"}

    def use_case(conn: Connection) -> None:
        machines.machine(conn, machine_id)
        if about in _CHANGES:
            _CHANGES[about](conn, door, machine_id, said)
        else:
            entries.save(conn, door, Register.MACHINES, machine_id, entries.Typed(said, typed.seen))

    try:
        door.run(use_case)
    except MoyaiError as refused:
        return _page(door, machine_id, typed=typed, refused=refused)
    return RedirectResponse(f"/office/machines/{machine_id}?done=true", 303)


def _hours(conn: Connection, door: Door, machine_id: str, said: Mapping[str, str]) -> None:
    wanted = body(HoursWanted, said, **({} if said.get("opening_hours") else {"opening_hours": ""}))
    week = weekly.read(wanted.opening_hours)
    rows.open_weekly(conn, door.viewer, machine_id, week, wanted.valid_from, door.now)


def _policy(conn: Connection, door: Door, machine_id: str, said: Mapping[str, str]) -> None:
    wanted = body(PolicyWanted, said)
    changes = wanted.model_dump(include=wanted.model_fields_set - {"valid_from"})
    rules.change_policy(conn, door.viewer, machine_id, wanted.valid_from, changes, door.now)


def _presence(conn: Connection, door: Door, machine_id: str, said: Mapping[str, str]) -> None:
    wanted = body(RuleWanted, said)
    rule = PresenceRule(
        timedelta(minutes=wanted.early_minutes),
        timedelta(minutes=wanted.asks_after_minutes),
        timedelta(minutes=wanted.releases_after_minutes),
        wanted.releases,
    )
    presence.change_rule(conn, door.viewer, machine_id, rule, door.now)


_CHANGES = {"hours": _hours, "policy": _policy, "presence": _presence}


def _page(
    door: Door,
    machine_id: str,
    *,
    typed: entries.Typed | None = None,
    refused: MoyaiError | None = None,
    done: bool = False,
) -> Response:
    locale = locale_of(door.request)
    about = typed.cells.get("about", "") if typed else ""
    told, wrong, form = "", {}, Kept()  # type: str, dict[str, str], Kept
    if typed and refused and about in _CHANGES:
        form = kept(about, typed.cells, refused, locale)
    elif refused:
        told, wrong = entries.refusal(refused, locale)

    def ask(conn: Connection) -> dict[str, Any]:
        machine = machines.machine(conn, machine_id)
        said = entries.values(conn, door, Register.MACHINES, machine_id)
        said |= typed.cells if typed and not form.form else {}
        first, folded = entries.fields(conn, door, Register.MACHINES, said, wrong, new=False)
        zone = register.cooperative(conn).time_zone
        today = door.now.astimezone(zone).date()
        versions = rules.policies(conn, machine_id)
        return {
            "zone": zone,
            "machine": machine,
            "first": first,
            "folded": folded,
            "seen": typed.seen if typed and typed.seen else entries.version(conn, door, Register.MACHINES, machine_id),
            "today": today,
            "hours": rows.weekly_hours(conn, machine_id),
            "policies": list(reversed(versions)),
            "policy": [each for each in versions if each.valid_from <= today][-1],
            "presence": store_presence.rule(conn, machine_id)[0],
            "services": [(each, _needs(conn, each, locale)) for each in define.services(conn, machine_id)],
            "self_use": ServiceKind.SELF_USE,
            "history": history(conn, door.viewer, f"machine:{machine_id}", locale),
        }

    status = STATUS[refused.kind].value if refused else 200
    return page(
        door,
        "office/machine.html",
        here=Register.MACHINES.place,
        status=status,
        refused=told,
        kept=form,
        done=done,
        **door.run(ask),
    )


def _needs(conn: Connection, offered: define.Offered, locale: str) -> list[str]:
    """What a service takes besides the machine, by name."""
    names = {each.id: each.name(locale) for each in define.resources(conn)}
    names |= {each.id: each.name_en if locale == "en" else each.name_ja for each in define.pools(conn)}
    return [names.get(each.unit_id or each.pool_id or "", each.name) for each in offered.needs]
