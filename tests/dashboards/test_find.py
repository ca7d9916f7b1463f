"""Find: what can measure a part and when, whom to ask, what cannot and why; and the waitlist."""

import re
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from coop.database import transaction
from coop.machines import Machine, OpeningHours, add_machine
from dashboards.find.typed import NotAMeasure, Typed
from tests.dashboards.conftest import House

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(house: House) -> House:
    """A fine small machine, open round the clock, and one that is never open."""
    with transaction(house.api.pool) as conn:
        fine = Machine(
            "fine-1",
            "cmm",
            "小型高精度機",
            "Fine",
            range_x_mm=Decimal(300),
            range_y_mm=Decimal(200),
            range_z_mm=Decimal(100),
            mpe_constant_um=Decimal("0.9"),
            mpe_length_divisor=Decimal(600),
            smallest_hole_mm=Decimal("0.8"),
            table_load_kg=Decimal(50),
        )
        add_machine(conn, fine, [OpeningHours("fine-1", day, time(0), time.max) for day in range(1, 8)])
        add_machine(conn, Machine("shut-1", "cmm", "休止中の機械", "Shut"), [])
    return house


def test_numbers_are_read_as_people_type_them() -> None:
    wanted = Typed(x="１，２００", tolerance="１０．５", count="3", minutes="90", by="2026-11-24").search(NOW, TOKYO)
    assert (wanted.needs.x_mm, wanted.needs.tolerance_um) == (Decimal(1200), Decimal("10.5"))
    assert wanted.length == timedelta(hours=4, minutes=30)
    assert wanted.window.end == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


def test_every_field_that_cannot_be_read_is_named() -> None:
    with pytest.raises(NotAMeasure) as refused:
        Typed(x="-1", hole="NaN", mass="1e9", count="0", minutes="60", by="2020-01-01").search(NOW, TOKYO)
    assert refused.value.params["fields"] == "x,hole,mass,count,by"


def test_candidates_come_with_slots_and_the_rest_with_reasons(shop: House) -> None:
    said = shop.ours.get("/find?x=250&y=150&z=80&tolerance=20&hole=1&minutes=60").text
    assert "ふるい分けです。測定の不確かさの保証ではありません。" in said
    first = said.index("小型高精度機")
    assert first < said.index("門型三次元測定機")  # of which nothing is known: ask
    assert "測定範囲が登録されていません" in said
    assert said.count('name="instead"') >= 3
    small = shop.ours.get("/find?x=250&hole=0.5&minutes=60").text
    assert "測れる穴は φ0.8 mm 以上です。" in small


def test_what_was_typed_stays_in_the_form_and_the_fields_say_what_is_wrong(shop: House) -> None:
    answer = shop.ours.get("/find?x=abc&tolerance=5&minutes=60")
    assert answer.status_code == 422
    assert 'value="abc"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "0より大きい数字で入れてください" in answer.text
    assert 'value="5"' in answer.text


def test_a_slot_is_taken_with_one_button(shop: House) -> None:
    said = shop.ours.get("/find?x=250&y=150&material=SUS304&count=2&minutes=30&kind=cmm").text
    action, purpose, instead = re.search(
        r'action="(/machines/fine-1/reserve)".*?name="purpose" value="([^"]*)".*?name="instead" value="([^"]*)"',
        said,
        re.S,
    ).groups()  # type: ignore[union-attr]  # found, or the test is red
    assert purpose == "SUS304 250×150 mm 2個"
    assert shop.ours.post(action, instead=instead, purpose=purpose).status_code == 303
    [taken] = shop.ours.caller.get("/api/v1/reservations?machine=fine-1&mine=true").json()
    assert datetime.fromisoformat(taken["starts_at"]) == datetime.fromisoformat(instead.split("/")[0])
    assert taken["purpose"] == purpose


def test_where_nothing_is_free_one_waits_and_leaves_again(shop: House) -> None:
    address = "x=100&minutes=60&kind=cmm"
    assert "キャンセル待ちに登録" in shop.ours.get(f"/find?{address}").text
    asked = shop.ours.post("/find/wait", machine_id="shut-1", address=address, minutes="60", count="1")
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/find?x=100")
    after = shop.ours.get(asked.headers["location"]).text
    assert "キャンセル待ちに登録しました" in after
    request_id = asked.headers["location"].split("waiting=")[1]
    assert shop.theirs.post(f"/find/wait/{request_id}/withdraw").status_code == 404
    assert len(shop.ours.caller.get("/api/v1/waitlist").json()) == 1
    assert shop.ours.post(f"/find/wait/{request_id}/withdraw").status_code == 303
    assert shop.ours.caller.get("/api/v1/waitlist").json() == []
    assert shop.ours.post("/find/wait", machine_id="nowhere", minutes="60").status_code in {404, 422}
