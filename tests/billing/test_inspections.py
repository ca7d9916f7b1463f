"""The ward looks into one asset's uses: proposed, approved by another, masked, on record, and over when it is over."""

import psycopg
import pytest

from billing.inspections.model import letters, masks
from coop.database import transaction
from coop.identity import Role
from tests.billing import ground
from tests.billing.ground import name
from tests.billing.test_subsidies import ASSET, used
from tests.callers import Caller, Callers
from tests.parts.databases import Database

PATH = f"/api/v1/assets/{ASSET.id}/inspections"


@pytest.fixture
def house(api: Callers) -> dict[str, Caller]:
    """Who there is; a machine that m01 used twice, m02 once, and a non-member once."""
    for member in ("m01", "m02"):
        api.member(member)
    with transaction(api.pool) as conn:
        ground.machines.add_machine(conn, ground.machines.Machine("cmm-1", "cmm", "三次元測定機", "CMM"))
        ground.machines.add_machine(conn, ground.machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
        ground.rules(conn)
        used(conn, "m01", "m02", "m01")
        ground.register.add_member(conn, ground.register.Member("guest", "員外㈱", is_member=False))
        ground.usage(conn, "cmm-1", "10-20 09:00 10:00", "guest")
        conn.execute("UPDATE coop.member SET name = '秘密精機' WHERE id = 'm01'")
    roles = {"office": Role.OFFICE, "director": Role.DIRECTOR, "ward": Role.WARD, "colleague": Role.WARD}
    return {who: api.person(role) for who, role in roles.items()}


def proposed(house: dict[str, Caller]) -> str:
    wanted = {"fiscal_year": 2026, "person_id": str(house["ward"].person_id), "reason": "実績確認", "days": 7}
    answer = house["office"].post(PATH, json=wanted)
    assert (answer.status_code, answer.json()["standing"]) == (201, "proposed"), answer.text
    identifier: str = answer.json()["id"]
    return f"/api/v1/inspections/{identifier}"


def standing(caller: Caller, path: str) -> list[str]:
    return [each["standing"] for each in caller.get("/api/v1/inspections").json() if path.endswith(each["id"])]


def test_the_ward_sees_masked_uses_once_a_director_approved(api: Callers, house: dict[str, Caller]) -> None:
    path, ward = proposed(house), house["ward"]
    early = ward.get(path)
    assert (early.status_code, early.json()["code"]) == (403, "billing.inspection_not_open")
    assert house["office"].post(f"{path}/approval").status_code == 403
    for _ in range(2):
        assert house["director"].post(f"{path}/approval").json()["standing"] == "open"
    said = ward.get(path)
    uses = said.json()["uses"]
    assert [each["is_member"] for each in uses] == [True, True, True, False]
    first, second, third, guest = (each["mask"] for each in uses)
    assert first == third
    assert sorted({first, second, guest}) == ["A", "B", "C"]
    assert said.json()["months"] == [{"month": "2026-10", "statements": 2, "income_yen": 9_000}]
    for secret in ("m01", "秘密精機", "員外㈱", "guest"):
        assert secret not in said.text
    assert house["colleague"].get(path).status_code == 404
    assert standing(house["colleague"], path) == []
    with transaction(api.pool) as conn:
        rows = conn.execute("SELECT action, actor_id FROM coop.audit WHERE subject = %s ORDER BY id", [_subject(path)])
        looks = [actor for action, actor in rows if action == "inspection.looked"]
    assert looks == [ward.person_id]


@pytest.mark.parametrize("ended", ["expired", "revoked"])
def test_it_ends(database: Database, house: dict[str, Caller], ended: str) -> None:
    path = proposed(house)
    house["director"].post(f"{path}/approval")
    assert house["ward"].get(path).status_code == 200
    if ended == "revoked":
        for _ in range(2):
            assert house["office"].post(f"{path}/revocation").json()["standing"] == "revoked"
        assert house["director"].post(f"{path}/approval").json()["code"] == "billing.inspection_revoked"
    else:  # as when a week has gone by; the application itself cannot write this
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("UPDATE billing.inspection SET expires_at = clock_timestamp()")
    assert standing(house["ward"], path) == [ended]
    assert house["ward"].get(path).json()["code"] == "billing.inspection_not_open"


def test_nobody_approves_what_they_proposed(api: Callers, house: dict[str, Caller]) -> None:
    path = proposed(house)
    with transaction(api.pool) as conn:
        conn.execute(
            "INSERT INTO coop.person_role (person_id, role) VALUES (%s, 'director')", [house["office"].person_id]
        )
    refused = house["office"].post(f"{path}/approval")
    assert (refused.status_code, refused.json()["code"]) == (409, "billing.inspection_proposed_by_oneself")


def test_only_the_ward_and_only_a_subsidised_asset(house: dict[str, Caller]) -> None:
    wanted = {"fiscal_year": 2026, "person_id": str(house["director"].person_id), "reason": "実績確認"}
    refused = house["office"].post(PATH, json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, "billing.not_of_the_ward")
    wanted["person_id"] = str(house["ward"].person_id)
    assert house["office"].post(f"/api/v1/assets/{name('none')}/inspections", json=wanted).status_code == 404


def test_masks_say_nothing_of_the_register() -> None:
    """The same members get other letters in another inspection; there are enough of them."""
    members = [f"m{n:02}" for n in range(30)]
    one, other = (masks(name("inspection", n), members) for n in (1, 2))
    assert sorted(one.values(), key=lambda each: (len(each), each)) == [letters(n) for n in range(30)]
    assert list(one.values()) != sorted(one.values())
    assert one != other
    assert [letters(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def _subject(path: str) -> str:
    return "inspection:" + path.rpartition("/")[2]
