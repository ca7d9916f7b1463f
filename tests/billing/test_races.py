"""Two processes close at once; a close that dies in the middle; a cost that comes while a month is being closed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType

import psycopg
import pytest
from psycopg import errors

from billing import store
from billing.costs.entries import add_cost
from billing.documents import store as documents
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue, issue_some
from billing.ledger import store as ledger
from billing.model import Cost, Period, Status
from billing.periods.approve import approve
from billing.periods.settle import PeriodClosed, close, draft
from billing.periods.verify import verify
from coop import database, people
from coop.database import Connection, Pool
from coop.identity import Role, Viewer
from tests.billing import ground, papers
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE
from tests.parts.databases import Database


@pytest.fixture
def cooperative(database: Database) -> Iterator[Database]:
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        for day in range(1, 29):
            ground.usage(conn, "cmm-1", f"10-{day:02} 09:00 10:{day:02}", f"m{day % 3 + 1:02}")
        ground.cost(conn, "rent", 100_000)
    return database


def test_closing_from_two_connections_closes_once(cooperative: Database, pool: Pool) -> None:
    start = Barrier(4)

    def closing(_: int) -> Period:
        start.wait(timeout=10)
        return database.run(pool, lambda conn: close(conn, OFFICE, "2026-10", NOVEMBER))

    with ThreadPoolExecutor(4) as threads:
        periods = list(threads.map(closing, range(4)))
    assert len({(each.status, each.evidence_hash, each.closed_at) for each in periods}) == 1
    with database.transaction(pool) as conn:
        closes = conn.execute("SELECT count(*) FROM coop.audit WHERE action = 'period.closed'").fetchone()
        entries = conn.execute("SELECT count(*) FROM billing.ledger_entry").fetchone()
        assert verify(conn, AUDITOR, "2026-10").difference is None
    assert (closes, entries) == ((1,), (3,))


def test_two_directors_approve_at_once_and_one_approval_stands(cooperative: Database, pool: Pool) -> None:
    with database.transaction(pool) as conn:
        directors = [
            Viewer(
                people.add_person(conn, name=f"d{n}", email=f"d{n}@kumiai.example", roles=[Role.DIRECTOR]),
                None,
                frozenset({Role.DIRECTOR}),
            )
            for n in range(4)
        ]
        draft(conn, OFFICE, "2026-10", NOVEMBER)
    start = Barrier(4)

    def approving(director: Viewer) -> Period:
        start.wait(timeout=10)
        return database.run(pool, lambda conn: approve(conn, director, "2026-10", NOVEMBER))

    with ThreadPoolExecutor(4) as threads:
        periods = list(threads.map(approving, directors))
    assert {each.status for each in periods} == {Status.APPROVED}
    assert len({each.approved_by for each in periods}) == 1
    with database.transaction(pool) as conn:
        told = conn.execute("SELECT count(*) FROM coop.audit WHERE action = 'period.approved'").fetchone()
    assert told == (1,)


STEPS = [
    (store, "clear"),
    (store, "write_lines"),
    (store, "write_settlement"),
    (store, "sign_draft"),
    (store, "add_evidence"),
    (ledger, "post"),
    (store, "mark_closed"),
]


@pytest.mark.parametrize(("module", "step"), STEPS)
def test_a_close_whose_connection_dies_leaves_the_month_open(
    cooperative: Database, module: ModuleType, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends the connection right after each step, as when the process is killed."""
    whole: Callable[..., None] = getattr(module, step)

    def dying(conn: Connection, *args: object, **more: object) -> None:
        whole(conn, *args, **more)
        with psycopg.connect(cooperative.app_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])

    with monkeypatch.context() as patched:
        patched.setattr(module, step, dying)
        with pytest.raises(psycopg.OperationalError):
            _close_and_commit(cooperative)
    with psycopg.connect(cooperative.app_url) as conn:
        assert [each.status for each in store.periods(conn)] == [Status.OPEN]
        for table in ("statement", "line", "period_evidence", "ledger_entry", "ledger_posting", "pool_result"):
            assert conn.execute(f"SELECT count(*) FROM billing.{table}").fetchone() == (0,)
        assert close(conn, OFFICE, "2026-10", NOVEMBER).status is Status.CLOSED


@pytest.mark.parametrize("step", ["next_serial", "enter", "keep"])
def test_an_issue_whose_connection_dies_is_taken_up_without_a_gap(
    cooperative: Database, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second batch dies: the first stands, and who goes on gives the very next numbers."""
    with psycopg.connect(cooperative.app_url) as conn:
        documents.add_issuer(conn, papers.ISSUER, NOVEMBER)
        close(conn, OFFICE, "2026-10", NOVEMBER)
        issue(conn, OFFICE, "2026-10", NOVEMBER)
    frozen = FrozenMonth("2026-10")
    with psycopg.connect(cooperative.app_url) as conn:
        assert issue_some(conn, frozen, NOVEMBER, most=1)
    whole: Callable[..., object] = getattr(documents, step)

    def dying(conn: Connection, *args: object) -> object:
        result = whole(conn, *args)
        with psycopg.connect(cooperative.app_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
        return result

    with monkeypatch.context() as patched:
        patched.setattr(documents, step, dying)
        with pytest.raises(psycopg.OperationalError), psycopg.connect(cooperative.app_url) as conn:
            issue_some(conn, frozen, NOVEMBER)
    with psycopg.connect(cooperative.app_url) as conn:
        assert len(papers.register(conn)) == 1
        while issue_some(conn, frozen, NOVEMBER, most=1):
            pass
        issued = papers.register(conn)
    assert len(issued) > 1
    assert [each.serial for each in issued] == list(range(1, len(issued) + 1))


def by_use_case(conn: Connection) -> None:
    add_cost(conn, OFFICE, "2026-10", Cost(ground.name("late"), "rent", "late", 999), NOVEMBER)


def by_hand(conn: Connection) -> None:
    conn.execute("INSERT INTO billing.cost VALUES (gen_random_uuid(), '2026-10-01', 'rent', 'late', '', 999)")


def taken_away(conn: Connection) -> None:
    conn.execute("DELETE FROM billing.cost")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (by_use_case, PeriodClosed),
        (by_hand, errors.InsufficientPrivilege),
        (taken_away, errors.InsufficientPrivilege),
    ],
)
def test_costs_that_change_during_a_close_wait_and_are_refused(
    cooperative: Database, change: Callable[[Connection], None], refusal: type[Exception]
) -> None:
    def late() -> None:
        with psycopg.connect(cooperative.app_url) as conn:
            change(conn)

    with ThreadPoolExecutor(1) as threads, psycopg.connect(cooperative.app_url) as closing:
        close(closing, OFFICE, "2026-10", NOVEMBER)
        entering = threads.submit(late)
        _wait_until_somebody_waits(cooperative)
        closing.commit()
        with pytest.raises(refusal):
            entering.result(timeout=10)
    with psycopg.connect(cooperative.app_url) as conn:
        assert verify(conn, AUDITOR, "2026-10").difference is None


def _close_and_commit(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        close(conn, OFFICE, "2026-10", NOVEMBER)


def _wait_until_somebody_waits(database: Database) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as conn:
        for _ in range(1000):
            waiting = conn.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if waiting != (0,):
                return
            conn.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waited for the close")
