"""`moyai audit`: ten uses of a closed month, drawn by a seed."""

import secrets
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from billing.explain.draw import Audit, draw
from billing.explain.wording import describe
from coop import database
from coop.identity import SYSTEM
from coop.messages import translate
from coop.settings import Settings


def audit(
    month: Annotated[str, typer.Argument(help="A closed month, YYYY-MM.", metavar="YYYY-MM")],
    seed: Annotated[str | None, typer.Option(help="Said by the auditor; made up and told if not.")] = None,
    lang: Annotated[str, typer.Option("--lang", help="Language of the table: ja or en.")] = "ja",
) -> None:
    """Draw ten uses of a closed month that nobody could choose: the same seed draws the same ten.

    Each is told with its lot, its line on the statement and its reservation, and with what the machine was seen doing:
    `billed` beside `occupied` and `running`, and how many readings are behind it.

    **Example**

        moyai audit 2026-10 --seed 'the meeting of 2026-11-20'
    """
    said = seed or secrets.token_hex(4)
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        found = database.run(pool, lambda conn: draw(conn, SYSTEM, month, said))
    console = Console()
    console.print(_table(found, lang))
    told = {"month": found.month, "hash": found.evidence_hash.hex(), "seed": found.seed, "uses": found.uses}
    console.print(translate("billing.cli.audit.told", lang, **told, n=len(found.drawn)), markup=False, soft_wrap=True)


def _table(found: Audit, lang: str) -> Table:
    table = Table(title=translate("billing.cli.audit.title", lang, month=found.month), box=SIMPLE_HEAD, pad_edge=False)
    for name in ("lot", "member", "what", "when", "reservation", "billed", "occupied", "running", "readings", "yen"):
        right = name in {"billed", "occupied", "running", "readings", "yen"}
        table.add_column(translate(f"billing.cli.audit.{name}", lang), justify="right" if right else "left")
    for each in found.drawn:
        line, rules, usages = each.explained.line, each.explained.rules, each.explained.usages
        assert line.interval is not None  # a line of use says when
        begun = line.interval.start.astimezone(rules.zone)
        reservation = line.explanation.get("reservation_id")
        table.add_row(
            each.lot[:8],
            f"{line.member_id} #{line.n}",
            describe(line, rules, lang),
            f"{begun:%m-%d %H:%M}",
            reservation[:8] if reservation else "–",
            *(
                _hours(seconds)
                for seconds in (
                    line.quantity_seconds,
                    sum(usage.usage.interval.seconds for usage in usages),
                    sum(usage.usage.running_seconds for usage in usages),
                )
            ),
            str(sum(len(usage.readings) for usage in usages)),
            f"{line.amount_yen:,}",
        )
    return table


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.2f}"
