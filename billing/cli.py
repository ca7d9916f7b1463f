"""`moyai settle` and `moyai verify`: a month on the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from billing import store
from billing.costs.cli import comparison_table, read_what_if
from billing.costs.compare import compare
from billing.model import ControlTotals, Period
from billing.periods.approve import approve
from billing.periods.settle import CloseBlocked, close, draft
from billing.periods.verify import Verified, verify, verify_all
from billing.store import Issued
from coop import database, people
from coop.database import Connection
from coop.identity import SYSTEM, Viewer
from coop.messages import translate
from coop.settings import Settings

Language = Annotated[str, typer.Option("--lang", help="Language of the tables: ja or en.")]
Person = Annotated[
    str | None, typer.Option("--as", help="E-mail address of who does this, for the audit trail.", metavar="EMAIL")
]


def settle(
    month: Annotated[str, typer.Argument(help="The month, YYYY-MM.", metavar="YYYY-MM")],
    close_it: Annotated[bool, typer.Option("--close", help="Close the month for good.")] = False,
    what_if: Annotated[
        Path | None, typer.Option("--what-if", help="Only show what other rules, of a YAML file, would mean.")
    ] = None,
    person: Person = None,
    lang: Language = "ja",
) -> None:
    """Compute a month: its statements, what stands in the way of closing it, and the control totals.

    Without `--close` the result is a draft that may be computed again. Closing a closed month shows it and changes
    nothing. With `--what-if` nothing is written. Exit code 1 when something blocks the close.

    **Examples**

        moyai settle 2026-10
        moyai settle 2026-10 --close --as office@example.jp
        moyai settle 2026-10 --what-if rule.yaml
    """
    console = Console()
    if what_if is not None:
        other = read_what_if(what_if)
        with database.open_pool(Settings.from_environment(), size=1) as pool:
            compared = database.run(pool, lambda conn: compare(conn, _viewer(conn, person), month, other.rules()))
        console.print(comparison_table(month, other.name, compared, lang))
        return
    with database.open_pool(Settings.from_environment(), size=1) as pool:

        def run(conn: Connection) -> tuple[Period, list[Issued]]:
            viewer = _viewer(conn, person)
            period = (close if close_it else draft)(conn, viewer, month, datetime.now(UTC))
            return period, store.statements(conn, viewer, month=month)

        try:
            period, issued = database.run(pool, run)
        except CloseBlocked as blocked:
            _findings(console, blocked.extra["findings"], lang)
            console.print(_control(ControlTotals(**blocked.extra["control"]), lang))
            raise
    console.print(_statements(period, issued, lang))
    _findings(console, [asdict(finding) for finding in period.findings], lang)
    if period.control is not None:
        console.print(_control(period.control, lang))
    if period.evidence_hash is not None:
        console.print(translate("billing.cli.closed", lang, month=month, hash=period.evidence_hash.hex()))


def approve_period(
    month: Annotated[str, typer.Argument(help="The drafted month, YYYY-MM.", metavar="YYYY-MM")],
    person: Annotated[str, typer.Option("--as", help="E-mail address of the director who approves.", metavar="EMAIL")],
    lang: Language = "ja",
) -> None:
    """Agree to a draft that somebody else made. A draft that changes afterwards has no approval any more.

    **Example**

        moyai approve 2026-10 --as director@example.jp
    """
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        period = database.run(
            pool,
            lambda conn: approve(conn, people.viewer_by_email(conn, person), month, datetime.now(UTC)),
        )
    Console().print(f"{period.month} {translate(f'billing.status.{period.status}', lang)}")


def verify_periods(
    month: Annotated[str | None, typer.Argument(help="One closed month; all when none is named.")] = None,
    lang: Language = "ja",
) -> None:
    """Recompute closed months from their frozen evidence and name the first field that differs.

    Exit code 1 when one differs.

    **Examples**

        moyai verify
        moyai verify 2026-10
    """
    with database.open_pool(Settings.from_environment(), size=1) as pool:

        def run(conn: Connection) -> list[Verified]:
            return [verify(conn, SYSTEM, month)] if month else verify_all(conn, SYSTEM)

        outcomes = database.run(pool, run)
    console = Console()
    for each in outcomes:
        if each.difference is None:
            console.print(translate("billing.cli.same", lang, month=each.month, hash=each.evidence_hash.hex()))
        else:
            said = translate("billing.cli.differs", lang, month=each.month, **asdict(each.difference))
            console.print(said, style="red", markup=False)
    if any(each.difference for each in outcomes):
        raise typer.Exit(1)


def _viewer(conn: Connection, email: str | None) -> Viewer:
    return people.viewer_by_email(conn, email) if email else SYSTEM


def _statements(period: Period, issued: Sequence[Issued], lang: str) -> Table:
    status = translate(f"billing.status.{period.status}", lang)
    table = Table(title=f"{period.month} {status}", title_justify="left", show_footer=True)
    sums = [sum(getattr(each.statement, f"{name}_yen") for each in issued) for name in ("net", "tax", "total")]
    table.add_column(translate("billing.cli.member", lang))
    for name, yen in zip(("net", "tax", "total"), sums, strict=True):
        table.add_column(translate(f"billing.cli.{name}", lang), f"{yen:,}", justify="right")
    for each in issued:
        statement = each.statement
        yens = (statement.net_yen, statement.tax_yen, statement.total_yen)
        table.add_row(statement.member_id, *(f"{yen:,}" for yen in yens))
    return table


def _control(control: ControlTotals, lang: str) -> Table:
    table = Table(title=translate("billing.cli.control", lang), title_justify="left", show_header=False)
    for name, difference in asdict(control).items():
        table.add_row(
            translate(f"billing.control.{name}", lang), f"{difference:,}", style="bold red" if difference else "green"
        )
    return table


def _findings(console: Console, findings: Sequence[Mapping[str, Any]], lang: str) -> None:
    for each in findings:
        sentence = translate(each["code"], lang, **each["params"])
        console.print(f"- {sentence}", style="red" if each["blocks"] else "yellow", markup=False)
