"""Documents over HTTP, on the command line and by mail: who gets what, and the bytes that were kept."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from typer.testing import CliRunner

from billing.documents import cli, sending, store
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue_some
from billing.periods.settle import close
from coop import database
from coop.identity import Role
from coop.settings import Settings
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE
from tests.billing.papers import ISSUER, issue_month, october, register, words
from tests.callers import Caller, Callers
from tests.parts.databases import Database
from tests.servers import free_port


def closed(api: Callers) -> Caller:
    """October of m01 (3,000 yen) and m02 (6,000 yen), closed and not yet issued; the office."""
    office = api.person(Role.OFFICE)
    for member in ("m01", "m02"):
        api.member(member)
    with database.transaction(api.pool) as conn:
        ground.machines.add_machine(conn, ground.machines.Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))
        ground.machines.add_machine(conn, ground.machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn)
        ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
        ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
        close(conn, OFFICE, "2026-10", NOVEMBER)
    wanted = {"name": "墨田機械工業協同組合", "invoice_number": "T7123456789012"}
    assert office.put("/api/v1/issuer", json=wanted).json()["warnings"] == []
    return office


def work(api: Callers) -> None:
    """As the worker does."""
    frozen, more = FrozenMonth("2026-10"), True
    while more:
        more = database.run(api.pool, lambda conn: issue_some(conn, frozen, datetime.now(UTC)))


def test_a_month_is_issued_once_and_each_member_has_its_own(api: Callers) -> None:
    office = closed(api)
    assert office.get("/api/v1/periods/2026-10/issue").status_code == 404
    asked = office.post("/api/v1/periods/2026-10/issue", headers={"Idempotency-Key": "issue"})
    assert (asked.status_code, asked.json()["documents"], asked.json()["issued"]) == (200, 2, 0)
    work(api)
    assert office.get("/api/v1/periods/2026-10/issue").json()["finished"]
    assert office.post("/api/v1/periods/2026-10/issue").json()["finished"]
    manager = api.person(Role.MEMBER_MANAGER, "m01")
    (own,) = manager.get("/api/v1/documents").json()
    assert (own["member_id"], own["total_yen"], own["qualified"]) == ("m01", 3_300, True)
    served = manager.get(f"/api/v1/statements/{own['statement_id']}/document")
    assert (served.status_code, served.headers["content-type"]) == (200, "application/pdf")
    assert served.content == manager.get(f"/api/v1/documents/{own['id']}/file").content
    assert served.headers["etag"] == f'"{sha256(served.content).hexdigest()}"'
    assert "¥3,300" in words(served.content)
    other = next(each for each in office.get("/api/v1/documents").json() if each["member_id"] == "m02")
    for path in (
        f"documents/{other['id']}",
        f"documents/{other['id']}/file",
        f"statements/{other['statement_id']}/document",
    ):
        assert manager.get(f"/api/v1/{path}").status_code == 404
    assert manager.get(f"/api/v1/documents/{own['id']}/file?lang=en").status_code == 404


def test_the_register_is_searched_and_paged(api: Callers) -> None:
    office = closed(api)
    office.post("/api/v1/periods/2026-10/issue")
    work(api)

    def found(**asked: object) -> list[str]:
        return [each["member_id"] for each in office.get("/api/v1/documents", params=asked).json()]

    assert found() == ["m02", "m01"]
    assert found(from_yen=3_301) == found(counterparty="m02製作所") == ["m02"]
    assert found(until_yen=3_300, counterparty="製作所") == ["m01"]
    assert found(until_yen=3_300, counterparty="m02") == []
    first = office.get("/api/v1/documents?limit=1")
    following = first.headers["link"].split(">")[0].lstrip("<")
    assert [each["member_id"] for each in office.get(following).json()] == ["m01"]


def test_a_correction_and_a_return_over_http(api: Callers) -> None:
    office = closed(api)
    office.post("/api/v1/periods/2026-10/issue")
    work(api)
    document = office.get("/api/v1/documents?counterparty=m01").json()[0]
    path, key = f"/api/v1/documents/{document['id']}", {"Idempotency-Key": "again"}
    wanted = {"reason": "装置の故障", "returned": [{"tax_rate": "0.10", "net_yen": 1_000}]}
    back = office.post(f"{path}/returns", json=wanted, headers=key)
    assert (back.status_code, back.json()["total_yen"], back.json()["returns"]) == (201, 1_100, document["id"])
    assert office.post(f"{path}/returns", json=wanted, headers=key).json() == back.json()
    too_much = {"reason": "装置の故障", "returned": [{"tax_rate": "0.10", "net_yen": 2_001}]}
    refused = office.post(f"{path}/returns", json=too_much)
    assert (refused.status_code, refused.json()["code"]) == (422, "billing.returns_too_much")
    mended = office.post(f"{path}/corrections", json={"reason": "宛名の誤り"}).json()
    assert office.get(path).json()["superseded_by"] == mended["id"]
    again = office.post(f"{path}/corrections", json={"reason": "宛名の誤り"})
    assert (again.status_code, again.json()["code"]) == (409, "billing.document_already_corrected")


def test_a_wrong_check_digit_is_warned_of_and_taken(api: Callers) -> None:
    office = closed(api)
    taken = office.put("/api/v1/issuer", json={"name": "組合", "invoice_number": "T1234567890123"})
    assert (taken.status_code, taken.json()["invoice_number"]) == (200, "T1234567890123")
    assert "T1234567890123" in taken.json()["warnings"][0]
    assert office.put("/api/v1/issuer", json={"name": "組合", "invoice_number": "1234"}).status_code == 422


def test_a_member_says_itself_what_is_printed_of_it(api: Callers) -> None:
    closed(api)
    manager, engineer = api.person(Role.MEMBER_MANAGER, "m01"), api.person(Role.ENGINEER, "m01")
    wanted = {"name": "株式会社エムイチ", "part_names": True}
    assert manager.put("/api/v1/members/m01/recipient", json=wanted).json()["part_names"]
    assert engineer.get("/api/v1/members/m01/recipient").json()["name"] == "株式会社エムイチ"
    assert engineer.put("/api/v1/members/m01/recipient", json=wanted).status_code == 403
    assert manager.put("/api/v1/members/m02/recipient", json=wanted).status_code == 404
    assert manager.get("/api/v1/members/m02/recipient").status_code == 404


class Box:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name
        assert isinstance(envelope.content, bytes)
        self.letters.append(envelope.content)
        return "250 OK"


def test_the_manager_gets_the_kept_bytes_by_mail_once(api: Callers) -> None:
    office = closed(api)
    api.person(Role.ENGINEER, "m01")
    manager = api.person(Role.MEMBER_MANAGER, "m01")
    office.post("/api/v1/periods/2026-10/issue")
    work(api)
    with database.transaction(api.pool) as conn:
        (document,) = register(conn, counterparty="m01")
        pdf, _ = store.kept(conn, document, "ja")
        jobs = conn.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'billing.mail_document'").fetchall()
    assert jobs == [({"document_id": str(document.id), "person_id": str(manager.person_id)},)]
    box, port = Box(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        settings = Settings(smtp_url=f"smtp://127.0.0.1:{port}")
        for _ in range(2):
            sending.send(api.pool, settings, document.id, manager.person_id, NOVEMBER)
    finally:
        server.stop()
    (letter,) = (message_from_bytes(each, policy=default) for each in box.letters)
    assert document.number in letter["Subject"]
    (attached,) = letter.iter_attachments()
    assert attached.get_content() == pdf


def test_issued_found_and_written_out_on_the_command_line(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MOYAI_DATABASE_URL", database.app_url)
    monkeypatch.setenv("COLUMNS", "200")
    with psycopg.connect(database.app_url) as conn:
        october(conn)
    issued = CliRunner().invoke(cli.app, ["issue", "2026-10"])
    assert issued.exit_code == 0, issued.output
    with psycopg.connect(database.app_url) as conn:
        before = register(conn)
        assert issue_month(conn) == before
        pdf, _ = store.kept(conn, before[0], "ja")
    told = CliRunner().invoke(cli.app, ["list", "--counterparty", "m01", "--lang", "en"])
    assert "2026-00001" in told.output
    assert "m02" not in told.output
    CliRunner().invoke(cli.app, ["write", "2026-10", "--to", str(tmp_path / "out")])
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert (tmp_path / "out" / "2026-00001-m01-ja.pdf").read_bytes() == pdf
    assert ISSUER.name in words(pdf)
