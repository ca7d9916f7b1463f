"""What members are sent: complete, numbered without gaps, kept as sent, corrected by another, found again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from threading import Barrier

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from pypdf import PdfReader

from billing.documents import store
from billing.documents.correct import NotAnInvoice, ReturnsTooMuch, correct, give_back
from billing.documents.due import due_date, is_bank_day
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import MonthNotClosed, issue, issue_some, progress
from billing.documents.model import Kind, Recipient, Shift
from billing.documents.numbers import fiscal_year, registration_is_plausible
from billing.documents.store import AlreadyCorrected
from billing.ledger import store as ledger
from billing.model import AdjustmentReason
from billing.periods import adjust
from billing.periods.settle import close, draft
from billing.periods.verify import verify
from billing.store import lines_of
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Role, Viewer
from tests.billing import ground
from tests.billing.ground import AUDITOR, NOVEMBER, OFFICE
from tests.billing.papers import ISSUER, issue_month, october, register, words
from tests.parts.databases import Database

M01 = Viewer(None, "m01", frozenset({Role.MEMBER_MANAGER}))


@pytest.fixture
def closed(conn: Connection) -> Connection:
    """October, closed: m01 two hours and a half of cmm-1, m02 one hour, m03 a scan; rent of 100 shared."""
    october(conn)
    return conn


def test_an_invoice_has_its_six_items_read_back_by_another_program(closed: Connection) -> None:
    store.add_recipient(closed, Recipient("m01", "㈱髙﨑濵製作所", "東京都墨田区八広4-5-6"), NOVEMBER)
    first, *_ = issue_month(closed)
    pdf, _ = store.kept(closed, first, "ja")
    said = words(pdf)
    assert "墨田機械工業協同組合" in said  # 1 the issuer
    assert "登録番号T7123456789012" in said  # and its registration number
    assert "取引年月2026年10月" in said  # 2 the period of the transactions
    assert "三次元測定機CMM-1使用料" in said  # 3 what was supplied
    assert "10%対象7,550" in said  # 4 the amount at each rate, and the rate
    assert "7,550755" in said  # 5 the tax at each rate
    assert "㈱髙﨑濵製作所御中" in said  # 6 the recipient
    assert ("適格請求書" in said, "2026年11月2日" in said, "お支払期限2026年11月30日" in said) == (True,) * 3
    assert "¥8,305" in said
    assert "みずほ銀行錦糸町支店" in said


def test_every_font_is_embedded(closed: Connection) -> None:
    pdf, _ = store.kept(closed, issue_month(closed)[0], "ja")
    fonts = {
        font["/DescendantFonts"][0].get_object()["/BaseFont"]: font["/DescendantFonts"][0].get_object()[
            "/FontDescriptor"
        ]
        for page in PdfReader(BytesIO(pdf)).pages
        for font in (each.get_object() for each in page["/Resources"]["/Font"].values())
    }
    assert fonts
    assert all({"/FontFile3", "/FontFile2"} & set(descriptor.get_object()) for descriptor in fonts.values())
    assert all("NotoSansCJK" in name for name in fonts)


def test_totals_on_paper_are_those_of_the_statements(closed: Connection) -> None:
    documents = issue_month(closed)
    stated = closed.execute(
        "SELECT member_id, net_yen, tax_yen, total_yen FROM billing.statement ORDER BY 1"
    ).fetchall()
    assert [(each.member_id, each.net_yen, each.tax_yen, each.total_yen) for each in documents] == stated
    for each in documents:
        assert f"合計¥{each.net_yen:,}¥{each.tax_yen:,}¥{each.total_yen:,}" in words(store.kept(closed, each, "ja")[0])


def test_the_appendix_tells_booked_occupied_running_basis_rate_and_yen(closed: Connection) -> None:
    said = words(store.kept(closed, issue_month(closed)[0], "ja")[0])
    assert "10月3日9:02–11:32三次元測定機CMM-1使用料2:002:300:33占有時間3,000円/時7,500" in said
    assert "秘密" not in said


def test_a_part_is_named_only_if_the_member_chose_so(closed: Connection) -> None:
    store.add_recipient(closed, Recipient("m01", "m01製作所", part_names=True), NOVEMBER)
    own, other, _ = issue_month(closed)
    assert "秘密のフランジ" in words(store.kept(closed, own, "ja")[0])
    assert "秘密" not in words(store.kept(closed, other, "ja")[0])


def test_an_english_version_is_there_for_who_wants_it(closed: Connection) -> None:
    store.add_recipient(closed, Recipient("m01", "Takasaki Seiki", english=True), NOVEMBER)
    first, second, _ = issue_month(closed)
    assert (first.locales, second.locales) == (("ja", "en"), ("ja",))
    said = words(store.kept(closed, first, "en")[0])
    assert all(part in said for part in ("Invoice", "November30,2026", "UseofCMM1", "T7123456789012", "¥8,305"))
    with pytest.raises(NotFound):
        store.kept(closed, second, "en")


def test_an_unregistered_cooperative_sends_a_plain_invoice(closed: Connection) -> None:
    store.add_issuer(closed, replace(ISSUER, invoice_number=None), NOVEMBER)
    first, *_ = issue_month(closed)
    said = words(store.kept(closed, first, "ja")[0])
    assert (first.qualified, "適格" in said, "登録番号" in said, "請求書" in said) == (False, False, False, True)


def test_only_a_closed_month_is_issued(conn: Connection) -> None:
    ground.found(conn)
    draft(conn, OFFICE, "2026-10", NOVEMBER)
    with pytest.raises(MonthNotClosed):
        issue(conn, OFFICE, "2026-10", NOVEMBER)


def test_issuing_again_changes_nothing(closed: Connection) -> None:
    before = issue_month(closed)
    assert issue(closed, OFFICE, "2026-10", NOVEMBER).finished
    assert issue_month(closed) == before
    assert verify(closed, AUDITOR, "2026-10").difference is None
    jobs = closed.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'billing.issue_documents'")
    assert jobs.fetchone() == (1,)


def test_an_issue_goes_on_where_it_stopped(closed: Connection) -> None:
    issue(closed, OFFICE, "2026-10", NOVEMBER)
    assert issue_some(closed, FrozenMonth("2026-10"), NOVEMBER, most=1)
    so_far = progress(closed, "2026-10")
    assert (so_far.documents, so_far.issued, so_far.finished) == (3, 1, False)
    with closed.transaction(force_rollback=True):  # as a crash leaves it
        issue_some(closed, FrozenMonth("2026-10"), NOVEMBER, most=1)
    assert not issue_some(closed, FrozenMonth("2026-10"), NOVEMBER)
    assert [each.number for each in register(closed)] == ["2026-00001", "2026-00002", "2026-00003"]


def test_two_processes_issue_each_document_once_and_without_gaps(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        october(conn)
        issue(conn, OFFICE, "2026-10", NOVEMBER)
    together = Barrier(2)

    def process(_: int) -> None:
        frozen = FrozenMonth("2026-10")
        together.wait()
        more = True
        while more:
            with psycopg.connect(database.app_url) as conn:
                more = issue_some(conn, frozen, NOVEMBER, most=1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(process, range(2)))
    with psycopg.connect(database.app_url) as conn:
        assert [(each.member_id, each.serial) for each in register(conn)] == [("m01", 1), ("m02", 2), ("m03", 3)]


def test_numbers_have_no_gaps_when_corrections_race_and_one_fails(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        october(conn)
        issued = issue_month(conn)
    together = Barrier(3)

    def mend(number: int) -> None:
        with psycopg.connect(database.app_url) as conn:
            together.wait()
            correct(conn, OFFICE, issued[number].id, "宛名の誤り", NOVEMBER)
            if number == 1:
                conn.rollback()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(mend, range(3)))
    with psycopg.connect(database.app_url) as conn:
        assert [each.serial for each in register(conn)] == [1, 2, 3, 4, 5]


def test_what_is_served_is_what_was_kept(closed: Connection) -> None:
    first, *_ = issue_month(closed)
    before, digest = store.kept(closed, first, "ja")
    store.add_issuer(closed, replace(ISSUER, name="改名した組合"), NOVEMBER)
    store.add_recipient(closed, Recipient("m01", "改名した製作所"), NOVEMBER)
    after, _ = store.kept(closed, first, "ja")
    assert after == before
    assert sha256(after).digest() == digest


def test_nothing_can_be_deleted_or_changed_by_anybody(database: Database) -> None:
    with psycopg.connect(database.app_url) as conn:
        october(conn)
        issue_month(conn)
    for url in (database.app_url, database.owner_url):
        for change in (
            "DELETE FROM billing.document_print",
            "DELETE FROM billing.document",
            "UPDATE billing.document_print SET locale = 'ja'",
            "UPDATE billing.document SET reason = ''",
            "TRUNCATE billing.document_print",
            "TRUNCATE billing.document CASCADE",
        ):
            with psycopg.connect(url) as conn, pytest.raises(errors.InsufficientPrivilege):
                conn.execute(change)


def test_a_correction_supersedes_and_both_stay_visible(closed: Connection) -> None:
    first, *_ = issue_month(closed)
    store.add_recipient(closed, Recipient("m01", "株式会社エムイチ"), NOVEMBER)
    mended = correct(closed, OFFICE, first.id, "宛名の誤り", NOVEMBER)
    said = words(store.kept(closed, mended, "ja")[0])
    assert "修正した適格請求書" in said
    assert "2026年11月2日付の2026-00001を修正したものです" in said
    assert "理由：宛名の誤り" in said
    assert "株式会社エムイチ御中" in said
    assert (mended.total_yen, mended.number) == (first.total_yen, "2026-00004")
    before, after = (store.document(closed, OFFICE, each.id) for each in (first, mended))
    assert (before.superseded_by, after.supersedes, after.superseded_by) == (mended.id, first.id, None)
    assert first.statement_id is not None
    assert store.of_statement(closed, M01, first.statement_id).id == mended.id
    with pytest.raises(AlreadyCorrected):
        correct(closed, OFFICE, first.id, "もう一度", NOVEMBER)


def test_a_return_is_at_the_original_rate_and_no_more_than_was_charged(closed: Connection) -> None:
    first, *_ = issue_month(closed)
    rate = Decimal("0.10")
    back = give_back(closed, OFFICE, first.id, {rate: 3_005}, "装置の故障", NOVEMBER)
    assert (back.kind, back.net_yen, back.tax_yen, back.total_yen, back.due_on) == (
        Kind.RETURN,
        3_005,
        300,
        3_305,
        None,
    )
    assert ledger.balances(closed, back.member_id)[back.member_id]["receivable"] == first.total_yen - 3_305
    said = words(store.kept(closed, back, "ja")[0])
    assert all(
        part in said for part in ("適格返還請求書", "T7123456789012", "2026-00001", "2026年10月分", "装置の故障")
    )
    assert "10%対象3,0053003,305" in said
    with pytest.raises(ReturnsTooMuch) as refused:
        give_back(closed, OFFICE, first.id, {rate: 7_550}, "全額", NOVEMBER)
    assert refused.value.params["left"] == 7_550 - 3_005
    with pytest.raises(ReturnsTooMuch):
        give_back(closed, OFFICE, first.id, {Decimal("0.08"): 1}, "税率違い", NOVEMBER)
    with pytest.raises(NotAnInvoice):
        give_back(closed, OFFICE, back.id, {rate: 1}, "返還の返還", NOVEMBER)


def test_a_month_that_owes_to_the_member_is_no_bill(closed: Connection) -> None:
    """October's fee of 7,500 is given back in November, which charges nothing else: a credit, not an amount to pay."""
    line = next(each for each in lines_of(closed, "2026-10", "cmm-1") if each.member_id == "m01")
    waived = adjust.of_line("2026-10", line, AdjustmentReason.WAIVER, -line.amount_yen, "装置の故障")
    adjust.add(closed, OFFICE, adjust.next_month(closed), [waived], NOVEMBER)
    close(closed, OFFICE, "2026-11", ground.at("12-01 09:00"))
    (credit,) = issue_month(closed, "2026-11")
    said = words(store.kept(closed, credit, "ja")[0])
    assert (credit.total_yen, credit.due_on) == (-8_250, None)
    assert "適格請求書兼適格返還請求書" in said
    assert "お預り金額" in said
    assert "ご請求金額" not in said


def test_the_register_answers_every_combination(closed: Connection) -> None:
    first, second, third = issue_month(closed)
    low, middle, high = sorted((first, second, third), key=lambda each: each.total_yen)
    on = date(2026, 11, 2)
    assert register(closed, from_date=on, until_date=on) == [first, second, third]
    assert register(closed, from_date=date(2026, 11, 3)) == []
    assert register(closed, until_date=date(2026, 11, 1)) == []
    assert register(closed, from_yen=middle.total_yen, until_yen=middle.total_yen) == [middle]
    assert high not in register(closed, until_yen=middle.total_yen)
    assert low not in register(closed, from_yen=middle.total_yen)
    assert register(closed, counterparty="m02") == [second]
    assert register(closed, counterparty="m02製作") == [second]
    assert register(closed, counterparty="製作所", from_date=on, from_yen=high.total_yen) == [high]
    assert register(closed, counterparty="m02", from_yen=second.total_yen + 1) == []
    assert register(closed, kind=Kind.RETURN) == []
    assert register(closed, month="2026-09") == []


def test_a_member_finds_its_own_documents_only(closed: Connection) -> None:
    first, second, _ = issue_month(closed)
    assert store.documents(closed, M01, store.Search()) == [first]
    with pytest.raises(NotFound):
        store.document(closed, M01, second.id)
    assert second.statement_id is not None
    with pytest.raises(NotFound):
        store.of_statement(closed, M01, second.statement_id)


# 国税庁 法人番号: the check digit of the example number; both are quoted in the field's notes.
@pytest.mark.parametrize(("number", "plausible"), [("T7123456789012", True), ("T1234567890123", False)])
def test_check_digit(number: str, plausible: bool) -> None:
    assert registration_is_plausible(number) is plausible


@pytest.mark.parametrize(
    ("month", "months", "day", "shift", "due"),
    [
        ("2026-10", 1, 31, "later", "2026-11-30"),  # a Monday
        ("2026-11", 1, 31, "later", "2027-01-04"),  # banks are closed from 12-31 to 01-03
        ("2026-11", 1, 31, "earlier", "2026-12-30"),
        ("2026-11", 1, 31, "none", "2026-12-31"),
        ("2026-12", 1, 31, "later", "2027-02-01"),  # 01-31 is a Sunday
        ("2026-12", 1, 31, "earlier", "2027-01-29"),
        ("2027-12", 2, 31, "later", "2028-02-29"),  # a leap year
        ("2027-01", 1, 31, "later", "2027-03-01"),
        ("2026-12", 1, 1, "later", "2027-01-04"),
        ("2026-12", 1, 1, "earlier", "2026-12-30"),
        ("2026-04", 1, 5, "later", "2026-05-07"),  # 05-03 is a Sunday: 05-06 is a substitute holiday
        ("2026-10", 0, 31, "later", "2026-11-02"),  # 10-31 is a Saturday
        ("2026-12", 12, 10, "later", "2027-12-10"),
    ],
)
def test_due_dates_are_bank_days(month: str, months: int, day: int, shift: str, due: str) -> None:
    first = date.fromisoformat(f"{month}-01")
    assert due_date(first, months, day, Shift(shift)) == date.fromisoformat(due)


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.integers(0, 6),
    st.integers(1, 31),
    st.sampled_from([Shift.LATER, Shift.EARLIER]),
)
def test_a_shifted_due_date_is_an_open_day_near_the_rule(month: date, months: int, day: int, shift: Shift) -> None:
    first = month.replace(day=1)
    plain, due = due_date(first, months, day, Shift.NONE), due_date(first, months, day, shift)
    assert is_bank_day(due)
    assert 0 <= (due - plain).days * (1 if shift is Shift.LATER else -1) <= 11


@pytest.mark.parametrize(
    ("day", "starts", "year"),
    [("2026-03-31", 4, 2025), ("2026-04-01", 4, 2026), ("2026-12-31", 1, 2026), ("2027-01-01", 1, 2027)],
)
def test_fiscal_year(day: str, starts: int, year: int) -> None:
    assert fiscal_year(date.fromisoformat(day), starts) == year
