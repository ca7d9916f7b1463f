"""The journal for bookkeeping packages: its columns byte by byte, the sums of the ledger, and characters it has not."""

import csv
import io
from datetime import date
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import typer
from openpyxl import load_workbook
from typer.testing import CliRunner

from billing.ledger import cli, journal, moves, payments, store
from billing.ledger.entries import RECEIVABLE
from billing.ledger.journal import CharacterUnknown, Package
from coop import database as transactions
from coop.database import Connection
from coop.identity import Role
from tests.billing import ground
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE
from tests.callers import Callers
from tests.parts.databases import Database

OCTOBER, NOVEMBER_END = date(2026, 10, 1), date(2026, 11, 30)


def booked(conn: Connection, note: str = "") -> None:
    """m01製作所 owes 1,000 from before and pays 890 of it; a bank kept 110."""
    opening = moves.opening(uuid4(), "m01", RECEIVABLE, 1_000, date(2026, 10, 31), None)
    store.book(conn, OFFICE, opening, NOVEMBER)
    payments.pay(conn, OFFICE, uuid4(), "m01", 890, date(2026, 11, 20), NOVEMBER, fee_yen=110, note=note)


def written(conn: Connection, package: Package, form: str = "csv") -> bytes:
    return journal.export(conn, AUDITOR, package, OCTOBER, NOVEMBER_END, form=form).content


def test_the_yayoi_file_has_its_25_columns_in_its_encoding(conn: Connection) -> None:
    ground.found(conn)
    booked(conn, "㈱髙﨑")
    assert written(conn, Package.YAYOI).decode("cp932").split("\r\n") == [
        "2111,,,2026/10/31,売掛金,m01製作所,,対象外,1000,,元入金,,,対象外,1000,,期首残高,,,3,,,0,0,no",
        "2110,,,2026/11/20,普通預金,,,対象外,890,,売掛金,m01製作所,,対象外,1000,,入金 ㈱髙﨑,,,3,,,0,0,no",
        "2101,,,2026/11/20,支払手数料,,,対象外,110,,,,,,0,,入金 ㈱髙﨑,,,3,,,0,0,no",
        "",
    ]


def test_a_character_that_the_package_does_not_have_is_named_with_its_column(conn: Connection) -> None:
    ground.found(conn)
    booked(conn, "𠮷田")
    for package in (Package.YAYOI, Package.MONEYFORWARD, Package.FREEE):
        with pytest.raises(CharacterUnknown) as refused:
            written(conn, package)
        assert refused.value.params == {"field": "摘要", "character": "𠮷", "on_day": "2026-11-20", "number": 2}
    assert "𠮷田" in written(conn, Package.PLAIN).decode("utf-8-sig")


@pytest.mark.parametrize("package", list(Package))
def test_every_package_gets_the_sums_of_the_ledger(conn: Connection, package: Package) -> None:
    ground.found(conn)
    booked(conn)
    of_ledger = conn.execute("SELECT sum(amount_yen) FROM billing.ledger_posting WHERE amount_yen > 0").fetchall()
    encoding = "utf-8-sig" if package is Package.PLAIN else "cp932"
    rows = list(csv.reader(io.StringIO(written(conn, package).decode(encoding))))
    names = [name for name, _ in journal.COLUMNS[package]]
    if package is not Package.YAYOI:
        assert rows.pop(0) == names
    for side in ("借方金額", "貸方金額"):
        place = next(n for n, name in enumerate(names) if name.startswith(side))
        assert [(sum(int(row[place] or 0) for row in rows),)] == of_ledger


def test_a_plain_journal_is_never_a_formula(conn: Connection) -> None:
    ground.found(conn)
    conn.execute("UPDATE billing.account SET book_name = '=HYPERLINK(1)' WHERE id = 'bank'")
    booked(conn)
    assert "'=HYPERLINK(1)" in written(conn, Package.PLAIN).decode("utf-8-sig")
    sheet = load_workbook(io.BytesIO(written(conn, Package.PLAIN, "xlsx"))).worksheets[0]
    assert [(cell.value, cell.data_type) for cell in sheet["C"]][2] == ("=HYPERLINK(1)", "s")
    assert [cell.value for cell in sheet["F"]] == ["借方金額", 1_000, 890, 110]


def test_the_office_names_accounts_and_the_auditor_takes_the_file(api: Callers) -> None:
    api.member("m01")
    with transactions.transaction(api.pool) as conn:
        booked(conn)
    office, auditor = api.person(Role.OFFICE), api.person(Role.AUDITOR)
    named = office.put("/api/v1/accounts/receivable", json={"book_name": "未収入金", "book_tax": "対象外"})
    assert (named.status_code, named.json()["book_name"]) == (200, "未収入金")
    assert office.put("/api/v1/accounts/slush", json={"book_name": "x", "book_tax": "x"}).status_code == 404
    assert len(auditor.get("/api/v1/accounts").json()) == 15
    answer = auditor.get("/api/v1/journal.csv?package=yayoi&from=2026-10-01&to=2026-11-30")
    assert answer.headers["moyai-debit-yen"] == "2000"
    assert answer.content.decode("cp932").split(",")[4] == "未収入金"
    assert api.person(Role.ENGINEER, "m01").get("/api/v1/journal.csv?from=2026-10-01&to=2026-11-30").status_code == 403


def test_the_journal_is_written_and_its_sums_are_printed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOYAI_DATABASE_URL", database.app_url)
    with psycopg.connect(database.app_url) as conn:
        ground.found(conn)
        booked(conn)
    app, file = typer.Typer(), tmp_path / "yayoi.csv"
    app.command("journal")(cli.journal)
    app.command("other")(lambda: None)
    typed = ["journal", "2026-10-01", "2026-11-30", str(file), "--package", "yayoi", "--lang", "en"]
    done = CliRunner().invoke(app, typed)
    assert (done.exit_code, done.exception) == (0, None)
    assert "2 entries, debits 2,000 yen, credits 2,000 yen" in " ".join(done.output.split())
    assert file.read_bytes().startswith(b"2111,,,2026/10/31,")
