"""A month closed through pages alone, by two people; what is refused keeps what was typed; members see none of it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from billing.costs.compare import Compared
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue_some
from billing.model import Finding, Period, Status
from billing.periods import finish, settle
from billing.periods.approve import make_link
from coop.database import transaction
from coop.identity import Role
from dashboards.closing.checklist import Afterwards, Stands, checklist, following
from dashboards.closing.what_if import Typed, bars
from dashboards.forms import FieldInvalid
from tests.billing import ground
from tests.callers import callers
from tests.dashboards.conftest import House, Reader, furnish, reader
from tests.dashboards.test_pages import JAPANESE
from tests.parts.databases import Template

OCTOBER = "/closing/2026-10"
UNREADABLE = re.compile(r"\b(closing|approve|lots|what_if|audit|bank|document|dispute|form|deed)\.[a-z_]+[a-z_.]*\b")


@pytest.fixture
def house(timescale_template: Template) -> Iterator[House]:
    """October's use: an hour of m01, two of m02, and half an hour that nobody is named for; the rent is shared."""
    with timescale_template.clone() as database, callers(database.app_url) as api:
        made = furnish(api)
        with transaction(api.pool) as conn:
            ground.rules(conn)
            finish.rule_finding(conn, ground.OFFICE, settle.UNAPPROVED, True, ground.NOVEMBER)
            ground.usage(conn, "cmm-1", "10-03 09:00 10:00", "m01")
            ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
            ground.usage(conn, "ct-1", "10-05 09:00 09:30", None, kind="unassigned")
            ground.cost(conn, "rent", 100)
        yield made


@pytest.fixture
def director(house: House) -> Reader:
    return reader(house.api, Role.DIRECTOR)


def owner_found(house: House) -> None:
    """A person decides whose the use was that nobody was named for."""
    with transaction(house.api.pool) as conn:
        conn.execute("DELETE FROM telemetry.usage WHERE kind = 'unassigned'")
        ground.usage(conn, "ct-1", "10-05 10:00 10:30", "m01")


def done(reader: Reader, path: str, **form: str) -> str:
    """The page that a form leads to."""
    answer = reader.post(path, **form)
    assert answer.status_code == 303, answer.text
    return reader.get(answer.headers["location"]).text


def test_a_month_is_closed_through_pages(house: House, director: Reader) -> None:
    office = house.office
    assert "2026年10月" in office.get("/closing").text
    assert "この月の下書きはまだありません" in office.get(OCTOBER).text
    drafted = done(office, f"{OCTOBER}/draft")
    assert "持ち主の決まっていない使用が 1 件" in drafted
    assert "10月5日(月) 09:00" in drafted
    assert 'href="/problems"' in drafted
    blocked = office.post(f"{OCTOBER}/close")
    assert blocked.status_code == 409
    assert "持ち主の決まっていない使用が 1 件" in blocked.text
    owner_found(house)
    drafted = done(office, f"{OCTOBER}/draft")
    assert "別の人の承認" in drafted
    refused = office.post(f"{OCTOBER}/close")
    assert refused.status_code == 409
    secret = link(office, director)
    offered = house.nobody.get(f"/approve/{secret}")
    assert offered.status_code == 200
    assert "¥14,959" in offered.text
    assert "㈱髙橋製作所" in offered.text
    kept = house.nobody.post(f"/approve/{secret}", answer="no", words=" ")
    assert (kept.status_code, "承認しない理由" in kept.text) == (422, True)
    assert "承認しました" in house.nobody.post(f"/approve/{secret}", answer="yes").text
    assert house.nobody.get(f"/approve/{secret}").status_code == 404
    assert "締められます" in office.get(OCTOBER).text
    closed = done(office, f"{OCTOBER}/close")
    assert "請求書を発行してください" in closed
    assert "すべて 0 です" in closed
    assert "すべて一致しました" in office.get(f"{OCTOBER}?verified=true").text
    assert "0 / 2 通" in done(office, f"{OCTOBER}/issue")
    with transaction(house.api.pool) as conn:
        assert not issue_some(conn, FrozenMonth("2026-10"), ground.NOVEMBER)
    assert office.get(f"{OCTOBER}/issue").headers["hx-refresh"] == "true"
    assert "2 / 2 通" in office.get(OCTOBER).text
    listed = office.get("/documents?month=2026-10").text
    assert listed.count('<th scope="row">') == 2
    assert "抜き取り監査" in office.get(f"{OCTOBER}/audit?seed=s1").text
    assert "精算は終わりました" in done(office, f"{OCTOBER}/settled")
    trail = office.get("/audit?subject=period:2026-10").text.partition("<tbody>")[2]
    assert trail.index("精算済み") < trail.index("月の締め") < trail.index("月の承認") < trail.index("下書き")


def link(office: Reader, director: Reader) -> str:
    shown = office.post(f"{OCTOBER}/link", person_id=str(director.caller.person_id))
    assert shown.status_code == 200
    assert "data:image/svg+xml" in shown.text
    found = re.search(r"/approve/([\w-]+)", shown.text)
    assert found is not None
    return found[1]


def test_who_does_not_agree_says_why_and_the_office_reads_it(house: House, director: Reader) -> None:
    owner_found(house)
    done(house.office, f"{OCTOBER}/draft")
    secret = link(house.office, director)
    assert "伝えました" in house.nobody.post(f"/approve/{secret}", answer="no", words="10月3日は<確認>中").text
    assert house.nobody.post(f"/approve/{secret}", answer="yes").status_code == 404
    assert "10月3日は&lt;確認&gt;中" in house.office.get(OCTOBER).text
    assert director.post(f"{OCTOBER}/refuse", words="").status_code == 422
    assert "承認する" in director.get(OCTOBER).text
    assert house.office.post(f"{OCTOBER}/approve").status_code == 403
    assert house.office.post(f"{OCTOBER}/link", person_id="somebody").status_code == 422
    assert "承認されました" in done(director, f"{OCTOBER}/approve")


def test_a_rule_is_tried_and_nothing_is_written(house: House, director: Reader) -> None:
    owner_found(house)
    done(house.office, f"{OCTOBER}/draft")
    tried = director.get("/what-if?month=2026-10&pool=rent&rule=equal").text
    assert "+¥8" in tried  # of 100 yen 43 and 57 by 1.5 and 2 hours, equally 50 each; tax on 7,550 is 755, was 754
    assert house.office.get("/what-if?month=2026-10&pool=rent&rule=hybrid&percent=x").status_code == 422
    assert house.ours.get("/what-if").status_code == 403


@pytest.mark.parametrize("percent", ["NaN", "-1", "101", "1e-999999", ""])
def test_what_is_no_percentage_is_said_in_the_form(percent: str) -> None:
    with pytest.raises(FieldInvalid):
        Typed("2026-10", "rent", "hybrid", percent).rules("ja")


def test_bars_are_beside_the_longest_and_whose_differs_most_is_first() -> None:
    found = bars([Compared("a", 100, 50, (0, 0), (0, 0)), Compared("b", 200, 0, (0, 0), (0, 0))])
    assert [(each.compared.member_id, each.now, each.then) for each in found] == [
        ("b", "100.00%", "0.00%"),
        ("a", "50.00%", "25.00%"),
    ]


@pytest.mark.parametrize(
    ("finding", "status", "stands", "next_step"),
    [
        (None, Status.DRAFT, Stands.WAITS, "approval"),
        ("billing.finding.no_tariff", Status.DRAFT, Stands.LATER, "rules"),
        (None, Status.APPROVED, Stands.DONE, "close"),
        (None, Status.CLOSED, Stands.DONE, "issue"),
    ],
)
def test_the_checklist_names_the_next_step(finding: str | None, status: Status, stands: Stands, next_step: str) -> None:
    findings = (Finding(finding, True, "", {}),) if finding else ()
    period = Period("2026-10", status, None, None, None, None, None, None, findings, None, None)
    steps = checklist(period, 0, Afterwards(None, 0, 0, 0), approval_needed=True)
    assert len(steps) == 9
    assert next(each.stands for each in steps if each.key == "approval") is stands
    following_step = following(steps)
    assert following_step is not None
    assert following_step.key == next_step


def test_members_and_the_ward_see_none_of_it_and_english_is_complete(house: House, director: Reader) -> None:
    done(house.office, f"{OCTOBER}/draft")
    with transaction(house.api.pool) as conn:
        viewer = house.office.caller.viewer
        secret, _ = make_link(
            conn, viewer, "2026-10", director.caller.person_id, ground.NOVEMBER, timedelta(days=60_000)
        )
    pages = ["/closing", OCTOBER, "/closing/2026-09", "/documents", "/disputes", "/audit", "/bank/receivables"]
    pages += ["/bank", "/bank?kind=transfer", "/bank/receipts", "/bank/services/debit"]
    pages += ["/what-if?month=2026-10&pool=rent&rule=by_units"]
    for path in pages:
        answer = house.office.get(path, lang="en")
        assert answer.status_code == 200, path
        visible = re.sub(r"<[^>]+>", " ", answer.text).replace("日本語", "")
        for name in ("髙橋製作所", "山﨑精機", "製作所"):
            visible = visible.replace(name, "")
        assert not JAPANESE.search(visible), (path, JAPANESE.search(visible))
        assert not UNREADABLE.search(visible), (path, UNREADABLE.search(visible))
        assert "'unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", answer.text), path
        if path != "/documents":
            assert house.ours.get(path).status_code == 403, path
        assert house.ward.get(path).status_code == 403, path
    assert house.nobody.get(f"/approve/{secret}", lang="en").status_code == 200
    assert "¥" not in house.ours.get("/documents").text
