"""What machines and pieces cost: the price of today in words, every version, and a new one tried out beforehand."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from billing.costs.compare import Compared, OtherRules, compare
from billing.model import Basis, Tariff
from billing.tariffs import consumables, edit
from billing.tariffs.api import TariffWanted, tariff_view
from billing.tariffs.api_consumables import ConsumableWanted, PriceWanted, price_of
from booking.services.model import ServiceKind
from booking.tables.api import MEDIA_TYPES, FileForm
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError
from coop.interval import parse_month
from coop.problems import STATUS, locale_of
from dashboards.office.bodies import Kept, body, kept
from dashboards.office.entries import Form
from dashboards.office.prices import in_words
from dashboards.office.registers import Sort, Words
from dashboards.office.table import Asked, Column, Line, Table, as_file, table
from dashboards.say import Say
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

BASES = tuple(Basis)


@dataclass(frozen=True, slots=True)
class Tried:
    """A month by a new price: what it cost, what it would have cost, and whom it moves most."""

    month: str
    as_is_yen: int
    what_if_yen: int
    members: tuple[Compared, ...]


@router.get("/office/tariffs")
def list_tariffs(door: Entrance, words: Words = "", sort: Sort = "", *, done: bool = False) -> HTMLResponse:
    """What each machine costs today and from when on it costs something else."""
    return _list(door, Asked(words, sort), done=done)


@router.get("/office/tariffs.{form}")
def file(form: FileForm, door: Entrance, words: Words = "", sort: Sort = "") -> Response:
    """The table as it is shown."""
    say, found = door.run(lambda conn: _table(conn, door, Asked(words, sort)))
    headers = {"Content-Disposition": f'attachment; filename="moyai-tariffs.{form}"'}
    return Response(as_file(found, say("place.tariffs"), form), media_type=MEDIA_TYPES[form], headers=headers)


@router.post("/office/tariffs")
def price_pieces(door: Entrance, typed: Form) -> Response:
    """Enter something that is used up, or its price from a day on."""
    about = typed.cells.get("about", "")

    def use_case(conn: Connection) -> None:
        if about == "piece":
            wanted = body(ConsumableWanted, typed.cells)
            consumables.add_consumable(conn, door.viewer, wanted.id, wanted.name_ja, wanted.name_en, door.now)
        key = typed.cells.get("id" if about == "piece" else "consumable_id", "")
        consumables.add_price(conn, door.viewer, price_of(key, body(PriceWanted, typed.cells)), door.now)

    try:
        door.run(use_case)
    except MoyaiError as refused:
        return _list(door, Asked(), kept(about, typed.cells, refused, locale_of(door.request)), refused)
    return RedirectResponse("/office/tariffs?done=true", 303)


@router.get("/office/tariffs/{machine_id}")
def show_tariff(
    machine_id: str, door: Entrance, *, done: bool = False, of: Annotated[ServiceKind | None, Query()] = None
) -> HTMLResponse:
    """A machine's price in words, its versions, and the form of the next one."""
    return _page(door, machine_id, of, done=done)


@router.post("/office/tariffs/{machine_id}")
def change_tariff(machine_id: str, door: Entrance, typed: Form) -> Response:
    """Enter a version; with `does=try` say what the last month would have cost by it, and enter nothing."""
    said = {name: each for name, each in typed.cells.items() if name not in {"does", "machine_id"}}
    service = ServiceKind(said["service"]) if said.get("service") in set(ServiceKind) else None

    def wanted(conn: Connection) -> Tariff:
        before = _current(edit.tariffs(conn, machine_id), service, _today(conn, door.now))
        windows = tariff_view(before).windows if before and said.get("windows") == "keep" else []
        return body(TariffWanted, said, machine_id=machine_id, windows=windows).tariff()

    try:
        if typed.cells.get("does") == "try":
            tried = door.run(lambda conn: _tried(conn, door, wanted(conn)))
            return _page(door, machine_id, service, kept_form=Kept("tariff", said), tried=tried)
        door.run(lambda conn: edit.add_tariff(conn, door.viewer, wanted(conn), door.now))
    except MoyaiError as refused:
        said_no = kept("tariff", said, refused, locale_of(door.request))
        return _page(door, machine_id, service, kept_form=said_no, status=STATUS[refused.kind].value)
    return RedirectResponse(f"/office/tariffs/{machine_id}?done=true{f'&of={service}' if service else ''}", 303)


def _table(conn: Connection, door: Door, asked: Asked) -> tuple[Say, Table]:
    zone = register.cooperative(conn).time_zone
    say, today = Say(locale_of(door.request), zone), _today(conn, door.now)
    found = edit.tariffs(conn)
    columns = (
        Column("machine_id", say("tariff.machine")),
        Column("name", say("tariff.name")),
        Column("service", say("tariff.service")),
        Column("yen_per_hour", say("tariff.yen_per_hour"), "yen"),
        Column("words", say("tariff.words")),
        Column("valid_from", say("tariff.since"), "day"),
        Column("next", say("tariff.next"), "day"),
    )
    lines = []
    for machine in machines.machines(conn):
        mine = [each for each in found if each.machine_id == machine.id]
        for service in sorted({each.service for each in mine}, key=str) or [None]:
            now = _current(mine, service, today)
            begin = (each.valid_from for each in mine if each.service == service)
            later = min((day for day in begin if day > today), default=None)
            what = say(f"service.{service}") if service else say("tariff.every_service")
            price: tuple[Any, ...] = (None, say("tariff.none"), None)
            if now:
                price = (now.yen_per_hour, " ".join(in_words(now, say)), now.valid_from)
            href = f"/office/tariffs/{machine.id}{f'?of={service}' if service else ''}"
            lines.append(Line((machine.id, machine.name(say.locale), what, *price, later), href))
    return say, table("tariffs", columns, lines, asked)


def _list(
    door: Door, asked: Asked, said: Kept | None = None, refused: MoyaiError | None = None, *, done: bool = False
) -> HTMLResponse:
    def ask(conn: Connection) -> dict[str, Any]:
        say, found = _table(conn, door, asked)
        return {"zone": say.zone, "table": found, "today": _today(conn, door.now), "pieces": consumables.prices(conn)}

    status = STATUS[refused.kind].value if refused else 200
    return page(
        door, "office/tariffs.html", here="tariffs", status=status, kept=said or Kept(), done=done, **door.run(ask)
    )


def _page(
    door: Door,
    machine_id: str,
    service: ServiceKind | None,
    *,
    kept_form: Kept | None = None,
    tried: Tried | None = None,
    status: int = 200,
    done: bool = False,
) -> HTMLResponse:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        machine = machines.machine(conn, machine_id)
        zone, today = register.cooperative(conn).time_zone, _today(conn, door.now)
        say, versions = Say(locale, zone), edit.tariffs(conn, machine_id)
        now = _current(versions, service, today)
        return {
            "zone": zone,
            "machine": machine,
            "now": now,
            "words": list(in_words(now, say)) if now else [],
            "versions": [(each, list(in_words(each, say))) for each in reversed(versions)],
            "begins": _next_month(today),
            "last_month": date(*parse_month(_last_month(door.now, zone)), 1),
            "names": {each.id: each.name for each in register.members(conn, door.viewer)},
        }

    return page(
        door,
        "office/tariff.html",
        here="tariffs",
        status=status,
        service=service,
        services=[kind for kind in ServiceKind if kind is not ServiceKind.ADVICE],
        bases=BASES,
        kept=kept_form or Kept(),
        tried=tried,
        done=done,
        **door.run(ask),
    )


def _tried(conn: Connection, door: Door, wanted: Tariff) -> Tried:
    """The last month with the new price per hour in the place of the old one; the rest of the version as it was."""
    month = _last_month(door.now, register.cooperative(conn).time_zone)
    found = compare(conn, door.viewer, month, OtherRules({}, {wanted.machine_id: wanted.yen_per_hour})).members
    moved = sorted((each for each in found if each.difference_yen), key=lambda each: -abs(each.difference_yen))
    return Tried(
        month, sum(each.as_is_yen for each in found), sum(each.what_if_yen for each in found), tuple(moved[:10])
    )


def _current(versions: list[Tariff], service: ServiceKind | None, today: date) -> Tariff | None:
    """The version of a service that holds on a day."""
    mine = [each for each in versions if each.service == service]
    begun = [each for each in mine if each.valid_from <= today and (not each.valid_until or today < each.valid_until)]
    return begun[-1] if begun else None


def _today(conn: Connection, now: datetime) -> date:
    return now.astimezone(register.cooperative(conn).time_zone).date()


def _next_month(today: date) -> date:
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


def _last_month(now: datetime, zone: ZoneInfo) -> str:
    first = now.astimezone(zone).date().replace(day=1)
    before = date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)
    return f"{before:%Y-%m}"
