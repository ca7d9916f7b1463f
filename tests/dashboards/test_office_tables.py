"""The office's tables: sorted and narrowed by address, pasted from Excel with a preview, changed entry by entry."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from coop import database
from tests.dashboards.conftest import House

LISTS = ("/office/members", "/office/people", "/office/machines")


def keys(text: str) -> list[str]:
    return re.findall(r'<th scope="row" data-value="([^"]*)"', text)


def trail(house: House, subject: str) -> list[tuple[str, object]]:
    with database.transaction(house.api.pool) as conn:
        rows = conn.execute("SELECT action, detail FROM coop.audit WHERE subject = %s ORDER BY id", [subject])
        return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("path", [*LISTS, "/office/members/m01", "/office/machines/cmm-1", "/office/members/new"])
def test_the_offices_tables_are_the_offices(house: House, path: str) -> None:
    assert house.office.get(path).status_code == 200
    for other in (house.ours, house.theirs, house.ward):
        assert other.get(path).status_code == 403


def test_a_table_is_sorted_and_narrowed_by_its_address(house: House) -> None:
    assert keys(house.office.get("/office/machines?sort=-id").text) == ["hv-1", "ct-1", "cmm-1"]
    narrowed = house.office.get("/office/members?q=ﾔﾏ崎").text + house.office.get("/office/members?q=精機").text
    assert keys(narrowed) == ["m02"]  # half-width letters that are no name of anybody, and a part of one that is
    assert keys(house.office.get("/office/members?sort=nonsense").text) == ["m01", "m02"]
    file = house.office.get("/office/members.csv?q=精機").content.decode("utf-8-sig")
    assert [row["記号"] for row in csv.DictReader(io.StringIO(file))] == ["m02"]
    assert house.office.get("/office/members.xlsx").content[:2] == b"PK"


def test_what_is_pasted_is_shown_row_by_row_and_not_entered(house: House) -> None:
    rows = (
        "記号 名前 出資口数 脱退日",
        "m01 ㈱髙橋製作所 5 ",
        "m11 新しい製作所 1 ",
        "M12  many ",
        "m02 山﨑精機 1 2000-01-01",
    )
    pasted = "\n".join(rows).replace(" ", "\t")
    page = house.office.post("/office/members", pasted=pasted, does="apply")
    assert page.status_code == 422
    text = page.text
    assert "出資口数: <del>1</del> → <ins>5</ins>" in text
    assert "新しい製作所" in text
    for reason in (
        "<strong>記号</strong>",
        "<strong>名前</strong>",
        "<strong>出資口数</strong>",
        "<strong>脱退日</strong>",
    ):
        assert reason in text
    assert "many" in text.partition("<textarea")[2]  # what was pasted is still there
    assert "m11" not in keys(house.office.get("/office/members").text)


def test_pasted_rows_do_what_an_import_of_the_same_file_does(house: House) -> None:
    rows = [
        ["記号", "名前", "ふりがな", "加入日"],
        ["m21", '"引用"精機', "いんよう", "2026/4/1"],
        ["m22", "濵製作所", "はま", "2026-04-02"],
    ]
    out = io.StringIO()
    csv.writer(out, delimiter="\t").writerows(rows)
    preview = house.office.post("/office/members", pasted=out.getvalue())
    assert "2件を登録する" in preview.text
    done = house.office.post("/office/members", pasted=out.getvalue(), does="apply")
    assert "登録しました" in done.text
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    imported = house.office.caller.post(
        "/api/v1/imports/members", files={"file": ("table", file.getvalue().encode())}
    ).json()
    assert (imported["added"], imported["changed"], imported["unchanged"]) == (0, 0, 2)
    assert house.office.caller.get("/api/v1/registers/members/m21").json()["cells"]["name"] == '"引用"精機'


def test_a_paste_is_undone_by_the_rows_it_gives_back(house: House) -> None:
    house.office.post("/office/members", pasted="id\tname\nm31\t前の名前", does="apply")
    done = house.office.post("/office/members", pasted="id\tname\nm31\t後の名前", does="apply").text
    undo = re.search(r"<textarea name=\"pasted\" hidden>\n(.*?)</textarea>", done, re.DOTALL)
    assert undo is not None
    house.office.post("/office/members", pasted=undo[1], does="apply")
    assert house.office.caller.get("/api/v1/members/m31").json()["name"] == "前の名前"


def test_rows_copied_without_their_header_are_understood(house: House) -> None:
    pasted = "p9@m01.example\t\t\t\t"
    assert "m01" in house.office.get("/office/people").text
    page = house.office.post("/office/people", pasted="佐藤\tsato@new.example\tm01\tengineer\tはい")
    assert "追加" in page.text
    assert page.status_code == 200, page.text
    assert house.office.post("/office/people", pasted=pasted).status_code == 422


def test_an_entry_is_changed_and_its_history_says_what_by_whom(house: House) -> None:
    before = house.office.get("/office/members/m02").text
    seen = re.search(r'name="seen" value="(\w+)"', before)
    assert seen is not None
    saved = house.office.post("/office/members/m02", name="山﨑精機㈱", ownership_units="3", seen=seen[1])
    assert (saved.status_code, saved.headers["location"]) == (303, "/office/members/m02?done=true")
    after = house.office.get("/office/members/m02").text
    assert "出資口数: 1 → 3" in after
    assert trail(house, "member:m02")[-1] == ("member.changed", {"cells": {"name": None, "ownership_units": [1, 3]}})
    stale = house.office.post("/office/members/m02", name="別の名前", seen=seen[1])
    assert stale.status_code == 412
    assert 'value="別の名前"' in stale.text


def test_a_refused_entry_keeps_what_was_typed_and_says_where(house: House) -> None:
    page = house.office.post("/office/members/m01", name="", invoice_number="T12", ownership_units="x")
    assert page.status_code == 422
    for said in ('value="T12"', 'value="x"', 'id="cell-name-wrong"', 'id="cell-ownership_units-wrong"'):
        assert said in page.text
    new = house.office.post("/office/machines/new", id="cmm-1", kind="cmm", name_ja="別の機械", name_en="Another")
    assert new.status_code == 409
    assert "別の機械" in new.text


def test_a_member_leaves_and_comes_back(house: House) -> None:
    house.office.post("/office/members/new", id="m41", name="去る製作所", is_member="true")
    house.office.post("/office/members/m41", left_on="2027-03-31")
    assert house.office.caller.get("/api/v1/registers/members/m41").json()["cells"]["left_on"] == "2027-03-31"
    house.office.post("/office/members/m41", left_on="")
    assert house.office.caller.get("/api/v1/registers/members/m41").json()["cells"]["left_on"] is None
    wrong = house.office.post("/office/members/m41", left_on="1999-01-01")
    assert wrong.status_code == 422
    assert 'id="left-wrong"' in wrong.text


def test_a_machine_has_hours_from_a_day_on_rules_and_a_presence(house: House) -> None:
    path, office = "/office/machines/hv-1", house.office
    begins = f"{(datetime.now(UTC) + timedelta(days=40)):%Y-%m-%d}"
    hours = office.post(path, about="hours", opening_hours="月-金 09:00-17:00", valid_from=begins)
    assert hours.status_code == 303, hours.text
    assert office.post(path, about="policy", valid_from=begins, longest_minutes="240").status_code == 303
    assert office.post(path, about="presence", early_minutes="30", asks_after_minutes="5").status_code == 303
    page = office.get(path).text
    assert "月-金 09:00-17:00" in page
    assert "4時間まで" in page
    assert "30分前から" in page
    for refused in (
        {"about": "hours", "opening_hours": "毎日", "valid_from": begins},
        {"about": "hours", "opening_hours": "月 09:00-10:00", "valid_from": "2020-01-01"},
        {"about": "policy", "valid_from": begins, "longest_minutes": "soon"},
        {"about": "presence", "asks_after_minutes": "30", "releases_after_minutes": "10"},
    ):
        answer = office.post(path, **refused)
        assert answer.status_code == 422
        assert all(f'value="{said}"' in answer.text for name, said in refused.items() if name != "about")
    assert office.post(path, in_service="false").status_code == 303
    assert "使用停止中" in office.get(path).text
    assert office.post(path, in_service="true").status_code == 303


def test_a_row_over_http_needs_what_was_read(house: House) -> None:
    office, path = house.office.caller, "/api/v1/registers/people/P1@m01.example"
    read = office.get(path)
    assert read.json()["cells"]["email"].lower() == "p1@m01.example"
    assert office.put(path, json={"cells": {"locale": "en"}}).status_code == 428
    changed = office.put(path, json={"cells": {"locale": "en"}}, headers={"If-Match": read.headers["etag"]})
    assert (changed.status_code, changed.json()["cells"]["locale"]) == (200, "en")
    assert (
        office.put(path, json={"cells": {"locale": "ja"}}, headers={"If-Match": read.headers["etag"]}).status_code
        == 412
    )
    new = office.put("/api/v1/registers/members/m51", json={"cells": {"name": "新", "ownership_units": 2}})
    assert new.json()["cells"]["ownership_units"] == 2
    refused = office.put("/api/v1/registers/members/M51", json={"cells": {"name": "新", "colour": "red"}})
    assert {each["code"] for each in refused.json()["findings"]} == {"booking.column_unknown"}


def test_english_is_complete_on_the_offices_pages(house: House) -> None:
    kana = re.compile(r"[\u3040-\u30ff]")
    for path in (*LISTS, "/office/machines/ct-1", "/office/members/m01", "/office/machines/new"):
        text = house.office.get(path, lang="en").text
        visible = re.sub(r"<tbody.*?</tbody>|<ol.*?</ol>|<[^>]+>", " ", text, flags=re.DOTALL).replace("日本語", "")
        assert not re.search(
            r"\b(table|paste|entry|register|history|member|rule|presence|service|place)\.[a-z_]+\b", visible
        )
        assert not kana.search(visible), path
