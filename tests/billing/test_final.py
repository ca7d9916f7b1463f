"""What the database itself refuses: the application role cannot rewrite the ledger or a closed month."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors

from billing.costs.edit import IncomeTaken, PoolExists, PoolUnknown, add_pool
from billing.model import Pool, PoolKind
from billing.periods.settle import close
from billing.tariffs.edit import TariffOverlaps, add_tariff, tariffs
from coop.database import Connection
from coop.machines import MachineUnknown
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE
from tests.parts.databases import Database

REWRITES: tuple[LiteralString, ...] = (
    "UPDATE billing.ledger_posting SET amount_yen = 1",
    "DELETE FROM billing.ledger_posting",
    "TRUNCATE billing.ledger_posting",
    "UPDATE billing.ledger_entry SET posted_at = now()",
    "DELETE FROM billing.ledger_entry",
    "TRUNCATE billing.ledger_entry CASCADE",
    "UPDATE billing.line SET amount_yen = 1",
    "DELETE FROM billing.line",
    "TRUNCATE billing.line",
    "INSERT INTO billing.line SELECT statement_id, 99, kind, 1, 1, null, '{}', machine_id, pool_id, starts_at, ends_at"
    " FROM billing.line LIMIT 1",
    "UPDATE billing.statement SET total_yen = 1",
    "INSERT INTO billing.statement VALUES (gen_random_uuid(), '2026-10-01', 'm02', 1, 0, 1, '[]')",
    "UPDATE billing.period_evidence SET content_zlib = ''",
    "DELETE FROM billing.period_evidence",
    "INSERT INTO billing.period_evidence VALUES ('2026-10-01', 'more', sha256('x'), 'x')",
    "UPDATE billing.pool_result SET cost_yen = 1",
    "DELETE FROM billing.pool_result",
    "DELETE FROM billing.cost",
    "UPDATE billing.cost SET amount_yen = 1",
    "INSERT INTO billing.cost VALUES (gen_random_uuid(), '2026-10-01', 'rent', 'late', '', 1)",
    "UPDATE billing.period SET status = 'draft', closed_at = NULL, code_version = NULL, evidence_hash = NULL",
    "DELETE FROM billing.period",
    "TRUNCATE billing.period CASCADE",
    "UPDATE billing.tariff SET yen_per_hour = 1",
    "DELETE FROM billing.tariff",
    "UPDATE billing.cost_pool SET kind = 'fee'",
    "ALTER TABLE billing.line DISABLE TRIGGER ALL",
    "DROP TABLE billing.line",
)


@pytest.fixture
def closed(database: Database) -> Iterator[Connection]:
    """The application's connection to a cooperative that closed October, with a draft of nothing else."""
    with psycopg.connect(database.app_url, autocommit=True) as conn:
        with conn.transaction():
            ground.found(conn)
            ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
            ground.cost(conn, "rent", 100)
            close(conn, OFFICE, "2026-10", NOVEMBER)
        yield conn


def test_the_application_may_not_rewrite_what_is_final(closed: Connection) -> None:
    done = []
    for statement in REWRITES:
        with suppress(errors.InsufficientPrivilege):
            closed.execute(statement)
            done.append(statement)
    assert done == []


def test_a_statement_stays_with_its_lines(closed: Connection) -> None:
    with pytest.raises((errors.ForeignKeyViolation, errors.InsufficientPrivilege)):
        closed.execute("DELETE FROM billing.statement")


def test_an_entry_that_does_not_balance_cannot_be_committed(closed: Connection) -> None:
    def unbalanced() -> None:
        identifier = ground.name("statement")
        with closed.transaction():
            closed.execute("INSERT INTO billing.period (month) VALUES ('2026-11-01')")
            closed.execute(
                "INSERT INTO billing.statement VALUES (%s, '2026-11-01', 'm01', 100, 10, 110, '[]')", [identifier]
            )
            closed.execute(
                "INSERT INTO billing.ledger_entry (id, month, posted_at, statement_id, on_day)"
                " VALUES (%s, '2026-11-01', now(), %s, '2026-11-30')",
                [identifier, identifier],
            )
            for n, (account, member, yen) in enumerate((("receivable", "m01", 110), ("fee_income", None, -100))):
                closed.execute(
                    "INSERT INTO billing.ledger_posting VALUES (%s, %s, %s, %s, %s)",
                    [identifier, n, account, member, yen],
                )

    with pytest.raises(errors.CheckViolation) as refused:
        unbalanced()
    assert refused.value.diag.constraint_name == "ledger_entry_balances"
    assert closed.execute("SELECT count(*) FROM billing.ledger_entry").fetchone() == (1,)


def test_the_next_tariff_ends_the_one_before(closed: Connection) -> None:
    before = tariffs(closed, "cmm-1")[0]
    november = NOVEMBER.date()
    after = replace(before, id=ground.name("after"), valid_from=november, yen_per_hour=3500)
    with closed.transaction():
        add_tariff(closed, OFFICE, after, NOVEMBER)
    assert tariffs(closed, "cmm-1") == [replace(before, valid_until=november), after]
    with pytest.raises(TariffOverlaps):
        add_tariff(closed, OFFICE, replace(after, id=ground.name("again")), NOVEMBER)
    with pytest.raises(MachineUnknown):
        add_tariff(closed, OFFICE, replace(after, id=ground.name("x"), machine_id="nobody"), NOVEMBER)


def test_a_machines_fees_are_income_of_one_pool(closed: Connection) -> None:
    for pool, refusal in (
        (Pool("mixed", PoolKind.MIXED, "x", "x", ("cmm-1",)), IncomeTaken),
        (Pool("rent", PoolKind.SHARE, "x", "x"), PoolExists),
        (Pool("other", PoolKind.SHARE, "x", "x", ("nobody",)), MachineUnknown),
    ):
        with pytest.raises(refusal):
            add_pool(closed, OFFICE, pool, NOVEMBER)
    add_pool(closed, OFFICE, Pool("second", PoolKind.SHARE, "x", "x", ("cmm-1",)), NOVEMBER)
    with pytest.raises(PoolUnknown):
        ground.cost(closed, "nowhere", 1, "2026-11")
