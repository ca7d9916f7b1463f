"""Tables in and out: every error by row and column, all or nothing, twice is as good as once."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from booking import Wish, reserve
from booking.tables.forms import Kind, form
from booking.tables.importing import check, said
from coop import database
from coop.identity import Role
from coop.interval import Interval
from coop.machines import Machine, OpeningHours, add_machine
from coop.messages import LOCALES
from coop.tables import Row
from tests.callers import Caller, Callers

TOKYO = ZoneInfo("Asia/Tokyo")
HOUR = timedelta(hours=1)


@dataclass
class Desk:
    """The office of a cooperative with one CMM and two members."""

    api: Callers
    office: Caller
    sato: Caller

    def send(self, kind: str, content: bytes, *, dry_run: bool = False, **headers: str) -> Any:
        path = f"/api/v1/imports/{kind}?dry_run={str(dry_run).lower()}"
        return self.office.post(path, files={"file": ("table", content)}, headers=headers)

    def count(self, table: str) -> int:
        with database.transaction(self.api.pool) as conn:
            row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[call-overload]  # a fixed name
            return int(row[0])

    def export(self, kind: str, form: str = "csv", lang: str = "ja") -> bytes:
        answer = self.office.get(f"/api/v1/exports/{kind}.{form}", headers={"Cookie": f"lang={lang}"})
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)


@pytest.fixture
def desk(api: Callers) -> Desk:
    api.member("m01", "佐藤精機㈱")
    api.member("m02", "=髙橋")
    with database.transaction(api.pool) as conn:
        hours = [OpeningHours("cmm-1", day, time(9), time(18)) for day in range(1, 8)]
        add_machine(conn, Machine("cmm-1", "cmm", "三次元測定機", "CMM", probe_types=("touch", "scan")), hours)
    return Desk(api, api.person(Role.OFFICE), api.person(Role.ENGINEER, "m01", name="佐藤", locale="en"))


def lines(*rows: str) -> bytes:
    return "\r\n".join(rows).encode()


def day(number: int = 7) -> str:
    return f"{datetime.now(TOKYO).date() + timedelta(days=number):%Y-%m-%d}"


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def places(answer: Any) -> list[tuple[int, str | None, str]]:
    return [(each["row"], each["column"], each["code"]) for each in answer.json()["findings"]]


def test_members_come_in_and_a_second_time_changes_nothing(desk: Desk) -> None:
    table = lines("記号,名前,出資口数,加入日,登録番号", "m03,㈱﨑田,3,2026/4/1,T7123456789012", "m04,濵製作所,,,")
    shown = desk.send("members", table, dry_run=True)
    would = [{"row": row, "change": "added", "cells": {}} for row in (2, 3)]
    assert shown.json() == {"dry_run": True, "added": 2, "changed": 0, "unchanged": 0, "findings": [], "rows": would}
    assert desk.count("coop.member") == 2
    assert desk.send("members", table).json()["added"] == 2
    again = desk.send("members", table).json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)
    changed = desk.send("members", lines("id,name,Left on", "m03,㈱﨑田,2026-09-30")).json()
    assert (changed["changed"], changed["findings"]) == (1, [])
    assert changed["rows"] == [{"row": 2, "change": "changed", "cells": {"left_on": [None, "2026-09-30"]}}]
    rows = list(csv.DictReader(io.StringIO(desk.export("members").decode("utf-8-sig"))))
    assert rows[2] | {"記号": "m03", "名前": "㈱﨑田", "出資口数": "3", "脱退日": "2026-09-30"} == rows[2]
    assert rows[2]["登録番号"] == "T7123456789012"


def test_a_broken_file_lists_every_error_and_enters_nothing(desk: Desk) -> None:
    table = lines(
        "記号,名前,出資口数,加入日,脱退日,組合員か",
        "m03,良い製作所,1,2026-04-01,,はい",
        "M 4,,many,2026-02-30,,maybe",
        "m05,早い,1,2026-04-01,2026-03-01,はい",
        "m03,また,1,2026-04-01,,はい",
        "m06,長い行,1,2026-04-01,,はい,余り",
    )
    expected = [
        (3, "記号", "coop.cell_not_key"),
        (3, "名前", "coop.cell_missing"),
        (3, "出資口数", "coop.cell_not_number"),
        (3, "加入日", "coop.cell_not_date"),
        (3, "組合員か", "coop.cell_not_yes_no"),
        (4, "脱退日", "coop.leaves_before_joining"),
        (5, None, "booking.row_twice"),
        (6, "余り", "booking.column_unknown"),
    ]
    shown = desk.send("members", table, dry_run=True)
    assert shown.status_code == 200
    assert places(shown) == expected
    refused = desk.send("members", table)
    assert refused.status_code == 422
    assert refused.json()["code"] == "booking.import_refused"
    assert places(refused) == expected
    assert all(each["detail"] and each["detail"] != each["code"] for each in refused.json()["findings"])
    assert desk.count("coop.member") == 2
    assert desk.count("coop.audit WHERE action LIKE 'member.%'") == 0


def test_a_header_that_does_not_fit_is_said_before_any_row(desk: Desk) -> None:
    answer = desk.send("machines", lines("記号,種類,なまえ,記号", "x,y,z,x"), dry_run=True)
    assert places(answer) == [
        (1, "なまえ", "booking.column_unknown"),
        (1, "記号", "booking.column_unknown"),
        (1, "名前（日本語）", "booking.column_missing"),
        (1, "名前（英語）", "booking.column_missing"),
    ]
    assert len(places(desk.send("people", b"", dry_run=True))) == 3


def test_people_come_in_with_exactly_their_roles(desk: Desk) -> None:
    table = lines("E-mail,Name,Member key,Roles", "Jiro@M02.example,鈴木 次郎,m02,engineer", "x@y.example,X,m99,boss")
    assert places(desk.send("people", table, dry_run=True)) == [(3, "役割", "coop.cell_unknown")]
    table = lines("E-mail,Name,Member key,Roles", "Jiro@M02.example,鈴木 次郎,m02,engineer", "x@y.example,X,m99,ward")
    assert places(desk.send("people", table)) == [(3, "組合員の記号", "booking.member_unknown")]
    table = lines("E-mail,Name,Member key,Roles", "Jiro@M02.example,鈴木 次郎,m02,engineer")
    assert desk.send("people", table).json()["added"] == 1
    table = lines("E-mail,Name,Roles,Active", "jiro@m02.example,鈴木 次郎,member_manager,いいえ")
    assert desk.send("people", table).json()["changed"] == 1
    [row] = [each for each in csv.reader(io.StringIO(desk.export("people").decode("utf-8-sig"))) if "Jiro" in each[0]]
    assert row == ["Jiro@M02.example", "鈴木 次郎", "m02", "member_manager", "ja", "いいえ"]


def test_reservations_come_in_through_the_same_door_as_any_other(desk: Desk) -> None:
    mail = "p2@m01.example"
    head = "予約番号,機械の記号,組合員の記号,利用者のメールアドレス,開始,終了"
    table = lines(
        head,
        f"a-1,cmm-1,,{mail},{day()} 10:00,{day()} 12:00",
        f"a-2,cmm-1,m02,,{day()} 11:00,{day()} 13:00",
        f"a-3,cmm-9,m02,,{day()} 13:00,{day()} 14:00",
        f"a-4,cmm-1,,nobody@m.example,{day()} 13:00,{day()} 14:00",
        f"a-5,cmm-1,m02,,{day()} 17:50,{day()} 18:10",
        f"a-6,cmm-1,m02,,{day()} 15:00,{day()} 14:00",
        f"a-7,cmm-1,,,{day()} 15:00,{day()} 16:00",
    )
    assert places(desk.send("reservations", table)) == [
        (3, "開始", "booking.slot_taken"),
        (4, "機械の記号", "coop.machine_unknown"),
        (5, "利用者のメールアドレス", "booking.holder_unknown"),
        (6, "開始", "booking.outside_opening_hours"),
        (6, "開始", "booking.off_grid"),
        (7, "終了", "coop.empty_interval"),
        (8, "組合員の記号", "coop.cell_missing"),
    ]
    assert desk.count("booking.reservation") == 0
    # The office records afterwards what was agreed on the telephone.
    table = lines(
        head, f"a-1,cmm-1,,{mail},{day()} 10:00,{day()} 12:00", f"a-2,cmm-1,m02,,{day(-3)} 10:00,{day(-3)} 11:00"
    )
    assert desk.send("reservations", table).json()["added"] == 2
    assert desk.send("reservations", table).json()["unchanged"] == 2
    moved = lines(head, f"a-1,cmm-1,,{mail},{day()} 14:00,{day()} 16:00")
    assert desk.send("reservations", moved).json()["changed"] == 1
    [view] = desk.sato.get("/api/v1/reservations?mine=true").json()
    assert datetime.fromisoformat(view["starts_at"]).astimezone(TOKYO).hour == 14
    fixed = lines(head, f"a-1,cmm-1,m02,,{day()} 14:00,{day()} 16:00")
    assert places(desk.send("reservations", fixed)) == [(2, "機械の記号", "booking.reservation_fixed")]
    desk.office.delete(f"/api/v1/reservations/{view['id']}")
    assert desk.send("reservations", moved).json()["unchanged"] == 1
    assert desk.sato.get("/api/v1/reservations?mine=true").json() == []


def test_without_a_number_a_row_is_known_by_machine_start_and_person(desk: Desk) -> None:
    table = workbook(
        ["Machine key", "Member key", "Starts at", "Ends at"],
        ["cmm-1", "m02", datetime.fromisoformat(f"{day()} 10:00"), datetime.fromisoformat(f"{day()} 11:00")],
    )
    assert desk.send("reservations", table).json()["added"] == 1
    assert desk.send("reservations", table).json()["unchanged"] == 1


def test_a_machine_comes_in_with_its_weekly_hours(desk: Desk) -> None:
    head = "id,kind,name_ja,name_en,opening_hours"
    assert desk.send("machines", lines(head, "mc-1,mc,加工機,MC,月-日 00:00-24:00")).json()["added"] == 1
    slot = {"machine_id": "mc-1", "starts_at": f"{day()}T20:00+09:00", "ends_at": f"{day()}T21:00+09:00"}
    assert desk.sato.post("/api/v1/reservations", json=slot).status_code == 201
    narrow = lines(head, 'mc-1,mc,加工機,MC,"Mo-Su 09:00-12:00, 13:00-17:15"')
    assert desk.send("machines", narrow).json()["changed"] == 1
    assert desk.send("machines", narrow).json()["unchanged"] == 1
    later = slot | {"starts_at": f"{day()}T18:00+09:00", "ends_at": f"{day()}T19:00+09:00"}
    refused = desk.sato.post("/api/v1/reservations", json=later).json()
    assert refused["reasons"][0]["params"] == {"open": "09:00–12:00, 13:00–17:15"}
    # What was open before stays known; a table that does not speak of hours leaves them.
    assert desk.count("coop.opening_hours WHERE machine_id = 'mc-1' AND valid_until IS NOT NULL") == 7
    assert desk.send("machines", lines("id,kind,name_ja,name_en", "mc-1,mc,加工機,MC")).json()["unchanged"] == 1


@pytest.mark.parametrize("lang", LOCALES)
@pytest.mark.parametrize("file_form", ["csv", "xlsx"])
def test_what_goes_out_comes_in_again_and_changes_nothing(desk: Desk, file_form: str, lang: str) -> None:
    start = datetime.fromisoformat(f"{day()}T09:00+09:00")
    with database.transaction(desk.api.pool) as conn:
        reserve(conn, desk.sato.viewer, Wish("cmm-1", Interval.of(start, HOUR), "part 7"), start - 9 * HOUR)
    specification = lines(
        "id,kind,name_ja,name_en,table_load_kg,mpe_constant_um,probe_types,set_up_minutes,in_service",
        'mc-1,mc,-加工機,@MC,1500,1.9,"touch, 3D",10,no',
    )
    assert desk.send("machines", specification).json()["added"] == 1
    for kind in Kind:
        content = desk.export(kind, file_form, lang)
        assert b"part 7" not in content
        answer = desk.send(kind, content)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["added"], answer.json()["changed"]) == (0, 0), kind
        assert answer.json()["unchanged"] > 0


def test_no_cell_of_an_export_is_a_formula(desk: Desk) -> None:
    assert b"'=\xe9\xab\x99" in desk.export("members") or "'=髙橋".encode() in desk.export("members")
    sheet = load_workbook(io.BytesIO(desk.export("members", "xlsx"))).active
    assert sheet is not None
    cell = sheet["B3"]
    assert (cell.value, cell.data_type) == ("=髙橋", "s")


@pytest.mark.parametrize("kind", list(Kind))
def test_a_template_has_the_columns_that_an_import_knows(desk: Desk, kind: Kind) -> None:
    for lang in LOCALES:
        answer = desk.office.get(f"/api/v1/imports/{kind}/template.csv", headers={"Cookie": f"lang={lang}"})
        shown = desk.send(kind, answer.content, dry_run=True)
        assert shown.json() == {"dry_run": True, "added": 0, "changed": 0, "unchanged": 0, "findings": [], "rows": []}
    of = form(kind, TOKYO)
    for lang in LOCALES:
        assert len({column.header(lang) for column in of.columns}) == len(of.columns)


def test_tables_are_the_offices(desk: Desk) -> None:
    assert desk.sato.get("/api/v1/exports/members.csv").status_code == 403
    assert desk.sato.post("/api/v1/imports/members", files={"file": ("t", b"id")}).status_code == 403
    assert desk.office.get("/api/v1/exports/secrets.csv").status_code == 422
    assert desk.send("members", b"\xff\xfe\x00\xd8\x81").json()["code"] == "coop.file_unreadable"
    assert desk.send("members", b"a" * 5_000_001).json()["code"] == "coop.file_too_large"


def test_a_retry_with_the_same_key_gets_the_first_answer(desk: Desk) -> None:
    table = lines("id,name", "m03,三")
    first = desk.send("members", table, **{"Idempotency-Key": "i-1"})
    again = desk.send("members", table, **{"Idempotency-Key": "i-1"})
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    other = desk.send("members", lines("id,name", "m04,四"), **{"Idempotency-Key": "i-1"})
    assert other.json()["code"] == "coop.key_reused"


ZONE = ZoneInfo("Europe/Berlin")
CELLS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "cmm-1", "はい", "1e99", "2026-03-29 02:30", "9999-12-31 23:59", "a@b", "engineer", "T1", "\x00"]
    ),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.none(),
)


@given(st.sampled_from(Kind), st.data())
def test_whatever_a_cell_holds_it_is_read_or_named(kind: Kind, data: st.DataObject) -> None:
    of = form(kind, ZONE)
    header = Row(1, tuple(column.header("en") for column in of.columns))
    row = data.draw(st.lists(CELLS, min_size=1, max_size=len(of.columns) + 1).map(tuple))
    records, findings = check(of, [header, Row(2, row)])
    assert len(records) == (not findings)
    for each in findings:
        assert said(each, "ja")["detail"] != each.code
    for record in records:
        assert "\x00" not in str(dict(record.values))


FRAGMENTS = [
    b"--b",
    b"--b--",
    b"\r\n",
    b"\r\n\r\n",
    b'Content-Disposition: form-data; name="file"; filename="t.csv"',
    b'Content-Disposition: form-data; name="file"',
    b"Content-Disposition: form-data; name*=utf-8''%ff",
    b"Content-Type: text/csv; charset=nonsense",
    b"Content-Transfer-Encoding: base64",
    b"PK\x03\x04",
    b"BEGIN:VCALENDAR\r\n",
    b"id,name\r\n",
    b"\x00",
    b"\xff\xfe",
]
FORM_TYPES = [
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=c",
    "application/x-www-form-urlencoded",
    "application/json",
    "\xe9",
]


@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=20), max_size=12).map(b"".join),
    media_type=st.sampled_from(FORM_TYPES),
    table=st.sampled_from(["machines", "people", "reservations", "calendar"]),
)
def test_no_form_makes_the_server_fail(desk: Desk, body: bytes, media_type: str, table: str) -> None:
    where = "?machine_id=cmm-1&member_id=m01" if table == "calendar" else ""
    headers = {"Content-Type": media_type.encode("latin-1")}
    answer = desk.office.post(f"/api/v1/imports/{table}{where}", content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
