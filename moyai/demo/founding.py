"""The example cooperative is founded through the same use cases as a real one."""

from datetime import date, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from billing.costs.edit import add_pool
from billing.costs.entries import add_asset, add_cost
from billing.costs.model import Asset, Method
from billing.model import Basis, Cost, Pool, PoolKind, Tariff
from billing.subsidies.edit import put_subsidy
from billing.subsidies.model import Subsidy
from billing.tariffs.edit import add_tariff
from coop import people, register
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.machines import add_machine
from coop.password_hash import hash_password
from moyai.demo.model import Example, MonthlyCost, SharedMachine
from telemetry.devices import add_device, bind, confirm_clock_correction
from telemetry.model import Device
from telemetry.states.model import StateRule
from telemetry.states.rules import set_rule

PASSWORD = "moyai-demo"  # noqa: S105  # the example's people are invented, and their password is printed
SHARED_POOL = "shared"
SILENCE_SECONDS = 180
BRIDGE_SECONDS = 900


def found(conn: Connection, example: Example, months: list[Interval], now: datetime, locale: str) -> dict[str, UUID]:
    """Enter the example with the costs of `months`; return everybody's id by e-mail address.

    Everybody reads in `locale`.
    """
    register.found(conn, example.cooperative, now)
    for factory in example.factories:
        register.add_member(conn, factory.member)
    ids = _people(conn, example, locale)
    office = Viewer(ids[staff(example, Role.OFFICE)], None, frozenset({Role.OFFICE}))
    for shared in example.machines:
        add_machine(conn, shared.machine, shared.hours)
        _plug(conn, office, shared, months, now)
        _tariff(conn, office, shared, months[0], example, now)
    _grant(conn, office, example.machines[0], now)
    add_pool(conn, office, Pool(SHARED_POOL, PoolKind.SHARE, "共通費", "Shared costs"), now)
    for each in months:
        local = each.start.astimezone(example.cooperative.time_zone)
        for cost in example.shared_pool:
            _cost(conn, office, f"{local:%Y-%m}", SHARED_POOL, cost, now)
        for shared in example.machines:
            for cost in shared.fee_pool:
                _cost(conn, office, f"{local:%Y-%m}", shared.id, cost, now)
    return ids


def _grant(conn: Connection, office: Viewer, shared: SharedMachine, now: datetime) -> None:
    """The ward paid for two thirds of a machine; what is left of it is written down from this month on."""
    bought = date(now.year - 3, 6, 1)
    asset = Asset(
        id=uuid5(NAMESPACE_URL, f"moyai-demo:asset:{shared.id}"),
        pool_id=shared.id,
        name_ja=shared.machine.name_ja,
        name_en=shared.machine.name_en,
        acquired_on=bought,
        cost_yen=18_000_000,
        subsidy_yen=12_000_000,
        method=Method.STRAIGHT_LINE,
        useful_life_years=10,
        machine_id=shared.id,
    )
    add_asset(conn, office, f"{now:%Y-%m}", asset, now)
    until = date(bought.year + 10, 5, 31)
    put_subsidy(conn, office, Subsidy(asset.id, "墨産振第123号", "墨田区", 12_000_000, until), now)


def staff(example: Example, role: Role) -> str:
    """The e-mail address of who has `role`."""
    return next(person.email for person in example.staff if person.role is role)


def _people(conn: Connection, example: Example, locale: str) -> dict[str, UUID]:
    password_hash = hash_password(PASSWORD)
    return {
        person.email: people.add_person(
            conn,
            name=person.name,
            email=person.email,
            roles=[person.role],
            member_id=person.member_id,
            password_hash=password_hash,
            locale=locale,
        )
        for person in example.people
    }


def _plug(conn: Connection, office: Viewer, shared: SharedMachine, months: list[Interval], now: datetime) -> None:
    """The plug in front of the machine, what its power means, and its clock's confirmed error."""
    plug = f"plug-{shared.id}"
    since = months[0].start
    add_device(conn, office, Device(plug, shared.id), now)
    bind(conn, office, plug, shared.id, since, now)
    rule = StateRule(
        kind="power",
        channel="power",
        on_watts=shared.thresholds.on_watts,
        off_watts=shared.thresholds.off_watts,
        on_seconds=shared.thresholds.min_on_seconds,
        off_seconds=shared.thresholds.min_off_seconds,
        gap_seconds=SILENCE_SECONDS,
        bridge_seconds=BRIDGE_SECONDS,
    )
    set_rule(conn, office, shared.id, rule, since, now)
    if shared.clock_ahead_seconds:
        ahead = Interval(since, months[-1].end)
        confirm_clock_correction(conn, office, plug, ahead, -shared.clock_ahead_seconds, now)


def _tariff(
    conn: Connection, office: Viewer, shared: SharedMachine, first: Interval, example: Example, now: datetime
) -> None:
    """A fee per hour, and the pool of the machine's own costs that it covers."""
    add_tariff(
        conn,
        office,
        Tariff(
            id=uuid5(NAMESPACE_URL, f"moyai-demo:tariff:{shared.id}"),
            machine_id=shared.id,
            valid_from=first.start.astimezone(example.cooperative.time_zone).date(),
            basis=Basis(shared.basis),
            yen_per_hour=shared.tariff_yen_per_hour,
            increment_seconds=900,
            resolution="第12期 第3回理事会",
        ),
        now,
    )
    machine = shared.machine
    pool = Pool(shared.id, PoolKind.FEE, f"{machine.name_ja}の維持費", f"Upkeep of {machine.name_en}", (shared.id,))
    add_pool(conn, office, pool, now)


def _cost(conn: Connection, office: Viewer, month: str, pool_id: str, cost: MonthlyCost, now: datetime) -> None:
    identifier = uuid5(NAMESPACE_URL, f"moyai-demo:cost:{month}:{pool_id}:{cost.kind}")
    add_cost(conn, office, month, Cost(identifier, pool_id, cost.kind, cost.amount_yen, cost.name_ja), now)
