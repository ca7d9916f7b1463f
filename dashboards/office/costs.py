"""What machines cost and who bears it: a month's entries first, everything that lasts folded below."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from billing import store
from billing.costs import edit, entries, listing
from billing.costs.api import HostingWanted, PoolWanted, RuleWanted, WeightWanted
from billing.costs.api_entries import ActualWanted, AssetWanted, CostWanted, EndWanted, RecurringWanted
from billing.costs.model import Allocation, Asset, Hosting, LegalForm, Measure, Method, Recurring, Weight
from billing.model import Cost, Pool, PoolKind, Status
from booking.tables.api import MEDIA_TYPES, FileForm
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError
from coop.interval import parse_month
from coop.messages import catalogue
from coop.paging import Slice
from coop.problems import STATUS, locale_of
from dashboards.office.bodies import FieldsInvalid, Kept, body, kept
from dashboards.office.entries import Form
from dashboards.office.registers import Sort, Words
from dashboards.office.table import Asked, Column, Line, Table, as_file, table
from dashboards.say import Say
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

Said = Mapping[str, str]
MonthAsked = Annotated[str, Query(max_length=7, pattern=r"^(\d{4}-\d{2})?$")]
KINDS = ("maintenance", "calibration", "insurance", "rent", "power", "lease", "consumables", "reserve")
LISTED = Slice(limit=50)


@router.get("/office/costs")
def list_costs(
    door: Entrance, month: MonthAsked = "", words: Words = "", sort: Sort = "", *, done: bool = False
) -> HTMLResponse:
    """What a month cost, and what lasts."""
    return _page(door, month, Asked(words, sort), done=done)


@router.get("/office/costs.{form}")
def file(form: FileForm, door: Entrance, month: MonthAsked = "", words: Words = "", sort: Sort = "") -> Response:
    """The month's table as it is shown."""
    say, found = door.run(lambda conn: _table(conn, door, _month(conn, door, month), Asked(words, sort)))
    headers = {"Content-Disposition": f'attachment; filename="moyai-costs-{month or "now"}.{form}"'}
    return Response(as_file(found, say("place.costs"), form), media_type=MEDIA_TYPES[form], headers=headers)


@router.post("/office/costs")
def enter(door: Entrance, typed: Form) -> Response:
    """Enter what the form `about` says, as the API does; a refusal keeps it."""
    about, shown = typed.cells.get("about", ""), typed.cells.get("shown", "")
    said = {name: each for name, each in typed.cells.items() if name not in {"about", "shown"}}

    def use_case(conn: Connection) -> None:
        if about not in _ENTER:
            raise FieldsInvalid({"about"})
        _ENTER[about](conn, door, said)

    try:
        door.run(use_case)
    except MoyaiError as refused:
        return _page(door, shown, Asked(), kept(about, said, refused, locale_of(door.request)), refused)
    return RedirectResponse(f"/office/costs?month={shown}&done=true", 303)


def _cost(conn: Connection, door: Door, said: Said) -> None:
    wanted = body(CostWanted, said)
    entries.add_cost(conn, door.viewer, wanted.month, Cost(uuid4(), **_of(wanted, "month")), door.now)


def _actual(conn: Connection, door: Door, said: Said) -> None:
    wanted = body(ActualWanted, said)
    entries.add_actual(conn, door.viewer, wanted.month, _id(said, "cost_id"), wanted.amount_yen, door.now)


def _recurring(conn: Connection, door: Door, said: Said) -> None:
    wanted = body(RecurringWanted, said)
    entries.add_recurring(conn, door.viewer, wanted.month, Recurring(uuid4(), **_of(wanted, "month")), door.now)


def _asset(conn: Connection, door: Door, said: Said) -> None:
    wanted = body(AssetWanted, said)
    entries.add_asset(conn, door.viewer, wanted.month, Asset(uuid4(), **_of(wanted, "month")), door.now)


def _end(what: str) -> Callable[[Connection, Door, Said], None]:
    def ended(conn: Connection, door: Door, said: Said) -> None:
        entries.end(conn, door.viewer, what, _id(said, "id"), body(EndWanted, said).month, door.now)

    return ended


def _pool(conn: Connection, door: Door, said: Said) -> None:
    machine_ids = [each.strip() for each in said.get("machine_ids", "").split(",") if each.strip()]
    fields = {name: each for name, each in said.items() if name != "machine_ids"}
    wanted = body(PoolWanted, fields, machine_ids=machine_ids)
    pool = Pool(wanted.id, wanted.kind, wanted.name_ja, wanted.name_en, tuple(machine_ids), **wanted.said())
    edit.add_pool(conn, door.viewer, pool, door.now)


def _rule(conn: Connection, door: Door, said: Said) -> None:
    wanted = body(RuleWanted, said)
    pool = Pool(said.get("pool_id", ""), PoolKind.SHARE, "", "", **wanted.said())
    edit.add_rule(conn, door.viewer, wanted.month, pool, door.now)


def _weight(conn: Connection, door: Door, said: Said) -> None:
    wanted = body(WeightWanted, said)
    weight = Weight(wanted.member_id, wanted.measure, wanted.value, wanted.pool_id)
    edit.add_weight(conn, door.viewer, wanted.month, weight, wanted.resolution, door.now)


def _hosting(conn: Connection, door: Door, said: Said) -> None:
    wanted = body(HostingWanted, said, member_id=said.get("member_id") or None)
    hosting = Hosting(
        uuid4(), wanted.machine_id, wanted.member_id or "", wanted.commission_percent, wanted.tax, wanted.resolution
    )
    edit.add_hosting(conn, door.viewer, wanted.month, hosting, door.now, ends=wanted.member_id is None)


_ENTER: Mapping[str, Callable[[Connection, Door, Said], None]] = {
    "cost": _cost,
    "actual": _actual,
    "recurring": _recurring,
    "end_recurring": _end("recurring"),
    "asset": _asset,
    "end_asset": _end("asset"),
    "pool": _pool,
    "rule": _rule,
    "weight": _weight,
    "hosting": _hosting,
}


def _of(wanted: Any, *but_for: str) -> dict[str, Any]:
    """The fields of a body, as its noun takes them."""
    return {name: getattr(wanted, name) for name in type(wanted).model_fields if name not in but_for}


def _id(said: Said, name: str) -> UUID:
    try:
        return UUID(said.get(name, ""))
    except ValueError:
        raise FieldsInvalid({name}) from None


def _table(conn: Connection, door: Door, month: str, asked: Asked) -> tuple[Say, Table]:
    locale = locale_of(door.request)
    say = Say(locale, register.cooperative(conn).time_zone)
    names = {each.id: each.name(locale) for each in machines.machines(conn)}
    pools = {each.id: each.name_en if locale == "en" else each.name_ja for each, _ in listing.pools(conn)}
    turned_out = [each.actual for each in listing.actuals(conn)]  # the latest first
    actual = {each.cost_id: each.amount_yen for each in reversed(turned_out)}
    entered = {each.cost_id: each.before_yen for each in turned_out}
    columns = (
        Column("pool", say("cost.pool")),
        Column("kind", say("cost.kind")),
        Column("machine", say("tariff.name")),
        Column("estimated", say("cost.stands")),
        Column("entered_yen", say("cost.entered"), "yen"),
        Column("actual_yen", say("cost.actual"), "yen"),
        Column("amount_yen", say("cost.of_month"), "yen", summed=True),
        Column("note", say("cost.note")),
    )
    lines = [
        Line(
            (
                pools.get(each.pool_id, each.pool_id),
                kind_said(each.kind, say),
                names.get(each.machine_id or "", ""),
                say("cost.estimated" if each.estimated and each.id not in actual else "cost.final"),
                entered.get(each.id, each.amount_yen),
                actual.get(each.id),
                each.amount_yen,
                each.note,
            )
        )
        for each in entries.costs(conn, door.viewer, month)
    ]
    return say, table("costs", columns, lines, asked)


def kind_said(kind: str, say: Say) -> str:
    """A kind of cost in words; one of the office's own as it is."""
    key = f"cost.kind.{kind}"
    return say(key) if key in catalogue(say.locale) else kind


def _page(
    door: Door,
    month: str,
    asked: Asked,
    said: Kept | None = None,
    refused: MoyaiError | None = None,
    *,
    done: bool = False,
) -> HTMLResponse:
    def ask(conn: Connection) -> dict[str, Any]:
        shown = _month(conn, door, month)
        say, found = _table(conn, door, shown, asked)
        return {
            "zone": say.zone,
            "month": shown,
            "first": date(*parse_month(shown), 1),
            "table": found,
            "costs": entries.costs(conn, door.viewer, shown),
            "closed": any(each.status is Status.CLOSED for each in store.periods(conn, shown)),
            "pools": listing.pools(conn),
            "rules": {pool.id: listing.rules(conn, pool.id) for pool, _ in listing.pools(conn)},
            "recurring": listing.recurring(conn),
            "assets": listing.assets(conn),
            "weights": listing.weights(conn, part=LISTED),
            "hostings": listing.hostings(conn),
            "actuals": listing.actuals(conn, LISTED),
            "machines": machines.machines(conn),
            "members": register.members(conn, door.viewer),
            "kind_said": lambda kind: kind_said(kind, say),
        }

    return page(
        door,
        "office/costs.html",
        here="costs",
        status=STATUS[refused.kind].value if refused else 200,
        kept=said or Kept(),
        done=done,
        kinds=KINDS,
        pool_kinds=list(PoolKind),
        allocations=[each for each in Allocation if each is not Allocation.SERIAL],
        legal_forms=list(LegalForm),
        measures=list(Measure),
        methods=list(Method),
        **door.run(ask),
    )


def _month(conn: Connection, door: Door, month: str) -> str:
    """The month that was asked for; the present one."""
    return month or f"{_today(door.now, register.cooperative(conn).time_zone):%Y-%m}"


def _today(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()
