"""What a person wants to see of the settled month, in the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from coop.messages import translate
from moyai.demo.founding import PASSWORD
from moyai.demo.model import Example
from moyai.demo.month import Api


def control_totals(console: Console, period: Mapping[str, Any], locale: str) -> bool:
    """The differences that must be zero; returns whether they all are."""
    table = Table(title=translate("moyai.demo.control_title", locale, month=period["month"]), title_justify="left")
    table.add_column(translate("moyai.demo.control_total", locale))
    table.add_column(translate("moyai.demo.difference", locale), justify="right")
    for name, difference in period["control"].items():
        colour = "red" if difference else "green"
        table.add_row(translate(f"billing.control.{name}", locale), f"[{colour}]{difference:,}[/{colour}]")
    console.print(table)
    return not any(period["control"].values())


def pools(console: Console, period: Mapping[str, Any], locale: str) -> None:
    """What each pool cost, what fees brought in, what was shared out and what is carried over."""
    columns = ("cost", "income", "charged", "carried")
    table = Table(title=translate("moyai.demo.pools_title", locale), title_justify="left")
    table.add_column(translate("moyai.demo.pool", locale))
    for name in columns:
        table.add_column(translate(f"moyai.demo.pool_{name}", locale), justify="right")
    for pool in period["pools"]:
        table.add_row(pool["pool_id"], *(f"¥{pool[f'{name}_yen']:,}" for name in columns))
    console.print(table)


def statement(console: Console, api: Api, statement_id: str, member: str, locale: str) -> None:
    """One member's statement; under each line how its yen came about."""
    told = api.call("GET", f"/statements/{statement_id}")
    console.print(
        f"\n[bold]{translate('moyai.demo.statement_title', locale, member=member, month=told['month'])}[/bold]"
    )
    for line in told["lines"]:
        explained = api.call("GET", f"/statements/{statement_id}/lines/{line['n']}/explain")
        console.print(f"{line['n']:>3}  {line['description']}  [bold]¥{line['amount_yen']:,}[/bold]")
        for sentence in explained["sentences"]:
            console.print(f"       {sentence}", style="dim", highlight=False)
        readings = sum(len(usage["readings"]) for usage in explained["usages"])
        if readings:
            said = translate("moyai.demo.readings", locale, usages=len(explained["usages"]), readings=f"{readings:,}")
            console.print(f"       {said}", style="dim", highlight=False)
    for tax in told["taxes"]:
        console.print(
            translate(
                "moyai.demo.tax",
                locale,
                net=f"{tax['net_yen']:,}",
                tax=f"{tax['tax_yen']:,}",
                rate="-" if tax["rate"] is None else f"{float(tax['rate']):.0%}",
            )
        )
    console.print(translate("moyai.demo.total", locale, total=f"{told['total_yen']:,}"), style="bold")


def smallest_with_both(statements: Sequence[Mapping[str, Any]], api: Api) -> Mapping[str, Any]:
    """The shortest statement that has fees and a share: one that can be checked by hand."""
    detailed = [api.call("GET", f"/statements/{each['id']}") for each in statements]
    both = [each for each in detailed if {"fee", "share"} <= {line["kind"] for line in each["lines"]}]
    return min(both or detailed, key=lambda each: (len(each["lines"]), each["member_id"]))


def logins(console: Console, example: Example, url: str, locale: str) -> None:
    """Where to look, and as whom."""
    console.print("\n" + translate("moyai.demo.logins_title", locale, url=url, password=PASSWORD), style="bold")
    table = Table()
    table.add_column(translate("moyai.demo.role", locale))
    table.add_column(translate("moyai.demo.email", locale))
    table.add_column(translate("moyai.demo.name", locale))
    factory = example.factories[0]
    for person in (*example.staff, *factory.people[:2]):
        table.add_row(translate(f"moyai.role.{person.role.value}", locale), person.email, person.name)
    console.print(table)
