"""A machine's page: when it can be had comes first; what it can, asks and costs in words; its picture, its QR code."""

import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from booking.training.sessions import TrainingWish, offer
from coop import database, machines
from coop.identity import SYSTEM
from coop.interval import Interval
from coop.machines import Machine
from dashboards.machine.qr import drawn
from tests.dashboards.conftest import FORM, House


@pytest.fixture(scope="module", autouse=True)
def known(house: House) -> None:
    """ct-1 has all that a machine can have."""
    office = house.office.caller
    with database.transaction(house.api.pool) as conn:
        machines.change_machine(
            conn,
            Machine(
                "ct-1", "ct", "X線CT", "X-ray CT", model="XCT-225", site="本館",
                range_x_mm=Decimal(300), range_y_mm=Decimal(300), range_z_mm=Decimal("400.50"),
                table_load_kg=Decimal(1200), mpe_constant_um=Decimal("9.0"), mpe_length_divisor=Decimal(50),
                probe_types=("タッチ", "走査"), room_temperature_class="20 ±1 ℃",
            ),
        )  # fmt: skip
        instructor = house.office.caller.person_id
        when = Interval.of(datetime.now(UTC) + timedelta(days=5), timedelta(hours=2))
        offer(conn, SYSTEM, TrainingWish(uuid4(), "ct", 2, when, 1, instructor), datetime.now(UTC))
    tariff = {"machine_id": "ct-1", "basis": "occupied", "yen_per_hour": 4800, "valid_from": "2026-01-01"}
    special = {"setup_yen": 500, "nonmember_yen_per_hour": 9600, "minimum_seconds": 1800}
    assert office.post("/api/v1/tariffs", json=tariff | special).status_code == 201
    rule = {
        "valid_from": f"{datetime.now(ZoneInfo('Asia/Tokyo')):%Y-%m-%d}",
        "required_level": 2,
        "cancel_minutes": 1440,
    }
    assert office.post("/api/v1/machines/ct-1/policies", json=rule).status_code == 201, "rules are for the office"
    paper = {"number": "JCSS-1", "issued_on": "2026-04-01", "valid_until": "2099-03-31"}
    assert office.post("/api/v1/machines/ct-1/calibrations", json=paper).status_code == 201


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_it_says_all_that_is_to_be_known(house: House) -> None:
    page = words(house.ours.get("/machines/ct-1").text)
    assert page.index("いつ使えますか") < page.index("これからの7日間") < page.index("仕様")
    for said in (
        "300 × 300 × 400.5 mm", "1,200 kg", "9 + L/50 µm", "タッチ、走査", "20 ±1 ℃", "JCSS-1",
        "2099-03-31 まで有効", "1時間 ¥4,800", "段取り料 ¥500", "最低 30分",
        "24時間前まで取り消せる", "資格レベル 2", "まだひとりでは使えません",
        "¥5,830",  # an hour and the setting up, with tax
    ):  # fmt: skip
        assert said in page, said
    assert "¥9,600" not in page  # a non-member's price is not ours


def test_nobody_else_is_named_on_it(house: House) -> None:
    for machine_id in ("cmm-1", "ct-1", "hv-1"):
        assert "山﨑" not in house.ours.get(f"/machines/{machine_id}").text
        assert house.ward.get(f"/machines/{machine_id}").status_code == 403
    assert "山﨑" in house.office.get("/machines/cmm-1").text
    assert house.ours.get("/machines/none").status_code == 404


def test_a_seat_in_the_training_that_one_needs(house: House) -> None:
    page = house.ours.get("/machines/ct-1").text
    action = re.search(r'action="(/machines/ct-1/trainings/[^"]+)"', page)
    assert action is not None
    for _ in range(2):
        assert house.ours.post(action[1]).status_code == 303
    assert "申込済み" in house.ours.get("/machines/ct-1").text
    full = house.theirs.post(action[1])
    assert full.status_code == 409
    assert 'role="alert"' in full.text
    assert house.ward.post(action[1]).status_code == 403


def test_the_office_shows_its_picture(house: House) -> None:
    photo = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(photo, "JPEG")
    client = house.office.caller.client

    def send(reader: object, content: bytes) -> int:
        session = reader.session  # type: ignore[attr-defined]  # a Reader
        headers = FORM | {"cookie": f"moyai_session={session}"}
        files = {"file": ("photo.jpg", content, "image/jpeg")}
        return client.post("/machines/hv-1/picture", headers=headers, files=files, follow_redirects=False).status_code

    assert "<img" not in house.ours.get("/machines/hv-1").text
    assert send(house.ours, photo.getvalue()) == 403
    assert send(house.office, b"no picture") == 422
    assert send(house.office, photo.getvalue()) == 303
    shown = re.search(r'<img src="([^"]+)"', house.ours.get("/machines/hv-1").text)
    assert shown is not None
    assert house.ours.get(shown[1]).headers["content-type"] == "image/webp"
    assert shown[1] in house.ours.get("/machines").text
    assert house.office.post("/machines/hv-1/picture", drop="true").status_code == 303
    assert "<img" not in house.ours.get("/machines/hv-1").text


def test_the_code_to_print_is_for_the_office(house: House) -> None:
    assert house.ours.get("/machines/ct-1/qr").status_code == 403
    page = house.office.get("/machines/ct-1/qr?size=a4").text
    code = house.office.caller.get("/api/v1/machines/ct-1/check-in-code").json()
    assert code["url"].endswith(f"/m/ct-1?code={code['code']}")
    assert str(drawn(code["url"])) in page
    assert 'class="sheet a4"' in page
    assert " style=" not in page


@pytest.mark.parametrize("path", ["/machines", "/machines/cmm-1", "/machines/ct-1?done=seated"])
def test_english(house: House, path: str) -> None:
    page = house.ours.get(path, lang="en").text
    text = words(page).replace("日本語", "").replace("タッチ, 走査", "")
    assert not re.search(r"[\u3040-\u30ff]", text)
    assert not re.search(r"\b(machine|machines|spec|rule|fee|place|weekday)\.[a-z_]+\b", text)
