"""`moyai demo`: the main job, from an empty folder to a settled month, on embedded parts."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from coop import database, people
from coop.database import Pool
from coop.identity import Role, Viewer
from coop.interval import Interval, month, month_of, parse_month
from coop.settings import Settings
from dashboards.cli import table
from dashboards.reports.page import report
from dashboards.say import Say
from moyai.demo import show
from moyai.demo.cooperative import EXAMPLE
from moyai.demo.founding import found, staff
from moyai.demo.month import Api, bar, book, stored_readings, wait_until, waiting_marks
from moyai.demo.plan import MonthPlan, Story, plan_month
from moyai.demo.simulator import month_messages
from moyai.demo.today import bring_to_life
from moyai.publish import publish_trace
from moyai.terminal import interruptible, locale, say
from moyai.up import Running, running

PATIENCE_SECONDS = 300
ZONE = EXAMPLE.cooperative.time_zone


def demo(
    ends: Annotated[bool, typer.Option("--exit", help="End after the settled month instead of serving.")] = False,
    month_wanted: Annotated[
        str | None, typer.Option("--month", help="The month to settle.", metavar="YYYY-MM", show_default="the last one")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Keep the data in this empty folder.", show_default="a temporary one")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the pages; 0 picks a free one.")] = 0,
) -> None:
    """Show the main job with an example cooperative: a month reserved, measured, settled and explained.

    Founds 12 machines and 24 factories on embedded parts, books a month over HTTP, replays the machines' reports
    through the broker and the ingester, derives who used what, settles the month, and prints utilisation, a statement
    with where each yen comes from, and the control totals. Then it serves until Ctrl-C, with the machines of today
    reporting live.

    **Examples**

        moyai demo
        moyai demo --exit --month 2026-10
    """
    interruptible()
    now = datetime.now(UTC)
    settled = month(*parse_month(month_wanted), ZONE) if month_wanted else _last_month(now)
    console = Console()
    with _folder(data) as folder:
        settings = replace(
            Settings(),
            data_folder=folder,
            http_port=port,
            second_factor_for_office=False,  # the example's password is printed and opens everything
            requests_per_minute=0,  # its month is booked faster than by hand
            entries_per_minute=0,
        )
        status = console.status(say("moyai.up.starting"))
        status.start()
        try:
            with running(settings, lambda part: status.update(say("moyai.up.step", part=part))) as everything:
                status.stop()
                ids, tokens = _found(everything, [settled, month_of(now, ZONE)], now)
                url = everything.http_url
                with Api(url, tokens[Role.OFFICE]) as api, Api(url, tokens[Role.DIRECTOR]) as director:
                    _month(console, everything, api, director, ids, settled, now)
                    if not ends:
                        _serve(console, everything, api, ids, now)
        except KeyboardInterrupt:
            console.print(say("moyai.up.stopped"))
        finally:
            status.stop()


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """The data folder: the one asked for, or a temporary one, which stays behind, with its logs, if the demo fails."""
    if wanted is not None:
        yield wanted
        return
    temporary = Path(tempfile.mkdtemp(prefix="moyai-demo-"))
    temporary.chmod(0o711)
    yield temporary / "data"
    shutil.rmtree(temporary)


def _month(
    console: Console,
    up: Running,
    api: Api,
    director: Api,
    ids: dict[str, UUID],
    settled: Interval,
    now: datetime,
) -> None:
    """The whole way: book, replay, derive, decide, draft, approve, close, show."""
    local = settled.start.astimezone(ZONE)
    label = f"{local:%Y-%m}"
    plan = plan_month(EXAMPLE, local.year, local.month)
    _book(api, plan, ids)
    with database.open_pool(up.settings, size=2) as pool:
        _replay(pool, up, plan)
        _decide(console, api, plan)
        wait_until(lambda: waiting_marks(pool) == 0, PATIENCE_SECONDS)
        with console.status(say("moyai.demo.settling")):
            api.call("POST", f"/periods/{label}/draft")
            director.call("POST", f"/periods/{label}/approve")
            period = api.call("POST", f"/periods/{label}/close")
            statements = list(api.every(f"/statements?month={label}"))
        measured = database.run(pool, lambda conn: report(conn, settled, now=now))
    console.print()
    console.print(table(measured, {shared.id: shared.id for shared in EXAMPLE.machines}, Say(locale(), ZONE)))
    show.pools(console, period, locale())
    told = show.smallest_with_both(statements, api)
    member = next(each.member for each in EXAMPLE.factories if each.member.id == told["member_id"])
    show.statement(console, api, told["id"], member.name, locale())
    console.print()
    if not show.control_totals(console, period, locale()):
        raise typer.Exit(1)


def _found(up: Running, months: list[Interval], now: datetime) -> tuple[dict[str, UUID], dict[Role, str]]:
    """The example in the database, and a token of its office and of who approves."""
    with database.open_pool(up.settings, size=1) as pool, database.transaction(pool) as conn:
        ids = found(conn, EXAMPLE, months, now, locale())
        tokens = {}
        for role in (Role.OFFICE, Role.DIRECTOR):
            viewer = Viewer(ids[staff(EXAMPLE, role)], None, frozenset({role}))
            _, tokens[role] = people.add_token(conn, viewer, name="demo", now=now)
    return ids, tokens


def _book(api: Api, plan: MonthPlan, ids: dict[str, UUID]) -> None:
    reserved = [use for use in plan.uses if use.slot is not None]
    with bar(say("moyai.demo.booking"), len(reserved)) as progress:
        done, lock = 0, Lock()

        def advance() -> None:
            nonlocal done
            with lock:
                done += 1
                progress(done)

        book(api, reserved, ids, advance)


def _replay(pool: Pool, up: Running, plan: MonthPlan) -> None:
    """Publish the month, then wait until it is stored and derived."""
    with Console().status(say("moyai.demo.simulating")):
        messages = list(month_messages(plan))
        readings = sum(message.payload.count(b'"at"') for message in messages)
    with bar(say("moyai.demo.publishing"), len(messages)) as progress:
        publish_trace(messages, up.settings.mqtt_url, progress)
    with bar(say("moyai.demo.storing"), readings) as progress:

        def stored() -> bool:
            count = stored_readings(pool)
            progress(count)
            return count >= readings

        wait_until(stored, PATIENCE_SECONDS)
    with Console().status(say("moyai.demo.deriving")):
        wait_until(lambda: waiting_marks(pool) == 0, PATIENCE_SECONDS)


def _decide(console: Console, api: Api, plan: MonthPlan) -> None:
    """The office settles what nobody had: the walk-up belongs to who was there, anything else was the office's own."""
    walk_up = next(use for use in plan.uses if use.story is Story.WALK_UP)
    assert walk_up.occupied is not None
    bounds = {"from": plan.month.start.isoformat(), "to": plan.month.end.isoformat()}
    query = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in bounds.items())
    for usage in api.every(f"/usage?{query}&kind=unassigned"):
        when = Interval(datetime.fromisoformat(usage["started_at"]), datetime.fromisoformat(usage["ended_at"]))
        decision: dict[str, Any] = {"resolution": "waive", "reason": say("moyai.demo.waived")}
        if usage["machine_id"] == walk_up.machine_id and when.overlaps(walk_up.occupied):
            decision = {"resolution": "assign", "member_id": walk_up.member_id, "reason": say("moyai.demo.assigned")}
        api.call("POST", f"/usage/{usage['id']}/decision", decision)
        console.print(
            say(
                f"moyai.demo.{decision['resolution']}",
                machine=usage["machine_id"],
                start=f"{when.start.astimezone(ZONE):%m-%d %H:%M}",
                end=f"{when.end.astimezone(ZONE):%H:%M}",
                member=decision.get("member_id", ""),
            )
        )


def _serve(console: Console, up: Running, api: Api, ids: dict[str, UUID], now: datetime) -> None:
    """Today's machines report while the pages are looked at."""
    with console.status(say("moyai.demo.today")):
        stop = bring_to_life(api, ids, up.settings.mqtt_url, now)
    show.logins(console, EXAMPLE, up.http_url, locale())
    console.print(say("moyai.up.ready", url=up.http_url, folder=up.settings.data_folder))
    try:
        Event().wait()
    finally:
        stop()


def _last_month(now: datetime) -> Interval:
    return month_of(month_of(now, ZONE).start - timedelta(days=1), ZONE)
