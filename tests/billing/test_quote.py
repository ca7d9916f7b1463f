"""What a slot can cost, told before it is used: by the rules that settle, in letters and over HTTP."""

from datetime import date

import pytest

from billing.model import Basis, Tariff, Tax
from billing.tariffs import quote
from coop import database
from coop.identity import Role
from coop.interval import Interval
from coop.machines import Machine, add_machine
from tests.billing import ground
from tests.billing.ground import TOKYO, at, name
from tests.callers import Callers

JANUARY = date(2026, 1, 1)


def tariff(basis: Basis, yen: int, increment: int = 1, since: date = JANUARY, until: date | None = None) -> Tariff:
    return Tariff(name("quote", since, basis), "cmm-1", since, basis, yen, increment, until)


def ask(versions: list[Tariff], when: str, **more: object) -> quote.Price | None:
    asked = quote.Asked("cmm-1", ground.span(when), **more)  # type: ignore[arg-type]  # the fields are named by the tests
    return quote.priced(versions, asked, TOKYO)


@pytest.mark.parametrize(
    ("when", "basis", "yen", "increment", "net", "tax"),
    [
        ("10-03 09:00 11:00", Basis.BOOKED, 3_000, 1, 6_000, 600),
        ("10-03 09:00 11:00", Basis.OCCUPIED, 3_000, 1, 6_000, 600),
        ("10-03 09:00 11:00", Basis.RUNNING, 9_000, 1, 18_000, 1_800),
        ("10-03 09:00 09:20", Basis.OCCUPIED, 3_000, 900, 1_500, 150),  # two quarters of an hour
        ("10-03 09:00 09:01", Basis.OCCUPIED, 1_230, 1, 21, 3),  # 20.5 yen, 2.1 of tax
    ],
)
def test_the_most_is_the_whole_slot(when: str, basis: Basis, yen: int, increment: int, net: int, tax: int) -> None:
    assert ask([tariff(basis, yen, increment)], when) == quote.Price(basis is Basis.BOOKED, net, tax, net + tax)


def test_a_slot_over_new_year_costs_what_each_tariff_says() -> None:
    old = tariff(Basis.OCCUPIED, 3_000, until=date(2027, 1, 1))
    new = tariff(Basis.OCCUPIED, 6_000, since=date(2027, 1, 1))
    over = quote.Asked("cmm-1", Interval(at("12-31 23:00"), at("01-01 01:00", 2027)))
    assert quote.priced([old, new], over, TOKYO) == quote.Price(False, 9_000, 900, 9_900)
    assert quote.priced([old], over, TOKYO) is None, "half of it has no price"


def test_what_is_out_of_scope_bears_no_tax() -> None:
    free = Tariff(name("quote"), "cmm-1", JANUARY, Basis.BOOKED, 3_000, tax=Tax.OUT_OF_SCOPE)
    assert ask([free], "10-03 09:00 10:00") == quote.Price(True, 3_000, 0, 3_000)


def test_everybody_may_ask_for_a_price(api: Callers) -> None:
    api.member("m01")
    with database.transaction(api.pool) as conn:
        for machine_id in ("cmm-1", "ct-1", "cmm-9"):
            add_machine(conn, Machine(machine_id, "cmm", "測定機", "CMM"))
        ground.rules(conn)
    engineer = api.person(Role.ENGINEER, "m01")

    def ask(machine_id: str, since: str = "2026-10-03T09:00:00+09:00", to: str = "2026-10-03T11:00:00+09:00"):  # type: ignore[no-untyped-def]  # an answer of the test client
        return engineer.get(f"/api/v1/machines/{machine_id}/quote", params={"from": since, "to": to})

    told = ask("cmm-1").json()
    assert (told["fixed"], told["net_yen"], told["tax_yen"], told["total_yen"]) == (False, 6_000, 600, 6_600)
    assert ask("cmm-9").json()["total_yen"] is None
    assert ask("cmm-8").status_code == 404
    assert ask("cmm-1", to="2026-10-03T09:00:00+09:00").status_code == 422
    assert ask("cmm-1", to="2028-10-03T09:00:00+09:00").json()["code"] == "billing.quote_too_long"
