"""`moyai year`: use by non-members against members', and the refund in proportion to use."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from billing.year import refunds
from billing.year.gauge import gauge
from billing.year.model import Gauge, Measure, RefundShare
from coop import database, people
from coop.database import Connection
from coop.identity import SYSTEM, Viewer
from coop.messages import translate
from coop.settings import Settings

app = typer.Typer(name="year", no_args_is_help=True, help="A fiscal year: use by non-members, and refunds by use.")

Language = Annotated[str, typer.Option("--lang", help="Language: ja or en.")]
Year = Annotated[int, typer.Argument(help="The fiscal year, by the calendar year it begins in.", min=2000, max=2999)]
AmountYen = Annotated[int, typer.Argument(help="Yen with the tax that is in them.", min=1, max=10**10)]
Person = Annotated[
    str | None, typer.Option("--as", help="E-mail address of who does this, for the audit trail.", metavar="EMAIL")
]
Result = TypeVar("Result")


@app.command("gauge")
def show_gauge(
    year: Annotated[int | None, typer.Argument(help="The fiscal year; the one under way if none.")] = None,
    lang: Language = "ja",
) -> None:
    """How near use by non-members (員外利用) is to its limit.

    **Example**

        moyai year gauge
    """
    found = _run(None, lambda conn, _: gauge(conn, datetime.now(UTC), year))
    table = Table(title=translate("billing.gauge.title", lang, year=found.fiscal_year), show_header=False)
    for name in ("members", "nonmembers", "left"):
        table.add_row(translate(f"billing.gauge.{name}", lang), _quantity(getattr(found, name), found, lang))
    percent = "–" if found.percent is None else f"{found.percent} %"
    table.add_row(translate("billing.gauge.percent", lang), percent)
    table.add_row(translate("billing.gauge.limit", lang), f"{found.rule.limit_percent:f} %")
    Console().print(table)
    Console().print(translate(f"billing.gauge.{found.standing}", lang))


@app.command()
def propose(year: Year, amount_yen: AmountYen, lang: Language = "ja") -> None:
    """What each member would get of an amount (利用分量配当); nothing is written.

    **Example**

        moyai year propose 2026 300000
    """
    Console().print(_shares(_run(None, lambda conn, by: refunds.propose(conn, by, year, amount_yen)), lang))


@app.command()
def resolve(
    year: Year,
    amount_yen: AmountYen,
    resolution: Annotated[str, typer.Option(help="By which resolution of the general meeting.")],
    person: Person = None,
    lang: Language = "ja",
) -> None:
    """Keep the refund that the general meeting resolved, for good.

    **Example**

        moyai year resolve 2026 300000 --resolution 第12回通常総会 --as office@example.jp
    """
    now = datetime.now(UTC)
    kept = _run(person, lambda conn, by: refunds.resolve(conn, by, year, amount_yen, resolution, now))
    Console().print(_shares(kept.shares, lang))


@app.command()
def book(
    year: Year,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="From which day members are owed it.")],
    person: Person = None,
    lang: Language = "ja",
) -> None:
    """Book a resolved refund in the ledger; `moyai work` then issues and mails its return invoices.

    **Example**

        moyai year book 2026 --day 2027-05-28 --as office@example.jp
    """
    now = datetime.now(UTC)
    booked = _run(person, lambda conn, by: refunds.book(conn, by, year, day.date(), now))
    Console().print(_shares(booked.shares, lang))


def _run(email: str | None, use_case: Callable[[Connection, Viewer], Result]) -> Result:
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        return database.run(pool, lambda conn: use_case(conn, people.viewer_by_email(conn, email) if email else SYSTEM))


def _quantity(amount: int, of: Gauge, lang: str) -> str:
    if of.rule.measure is Measure.HOURS:
        return translate("billing.gauge.hours", lang, hours=f"{amount / 3600:,.1f}")
    return f"¥{amount:,}"


def _shares(shares: tuple[RefundShare, ...], lang: str) -> Table:
    table = Table(show_footer=True)
    sums = [sum(getattr(each, name) for each in shares) for name in ("used_yen", "amount_yen", "tax_yen")]
    table.add_column(translate("billing.cli.member", lang))
    table.add_column(translate("billing.cli.tax", lang), justify="right")
    for name, yen in zip(("used", "part", "tax_inside"), sums, strict=True):
        table.add_column(translate(f"billing.refund.{name}", lang), f"{yen:,}", justify="right")
    for each in shares:
        rate = "–" if each.tax_rate is None else f"{each.tax_rate:.0%}"
        table.add_row(each.member_id, rate, *(f"{yen:,}" for yen in (each.used_yen, each.amount_yen, each.tax_yen)))
    return table
