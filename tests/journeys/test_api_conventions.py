"""What holds for every route of the API: a call that creates or moves counts once, a list that grows comes in pages."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from coop import database, machines
from coop.identity import Role
from coop.machines import Machine, OpeningHours
from coop.paging import cursor_of
from tests.callers import Caller, Callers, callers

DOCUMENT = "/api/v1/openapi.json"

KEYLESS = {
    "/api/v1/approvals": "a link works once by itself",
    "/api/v1/approvals/offer": "it keeps nothing",
    "/api/v1/approvals/refusal": "a link works once by itself",
    "/api/v1/periods/{month}/approval-links": "its secret is told once and kept nowhere; one too many expires",
    "/api/v1/periods/{month}/approval-papers": "a draft has one approval; the paper of a second one is not taken",
    "/api/v1/session": "a session's secret is told once and kept nowhere; to sign in twice makes two sessions",
    "/api/v1/session/code": "a code works once by itself",
    "/api/v1/session/passkey": "what a passkey signs works once by itself",
    "/api/v1/session/passkey/options": "a challenge is told once and expires",
    "/api/v1/passkeys": "what a browser made is taken once by itself",
    "/api/v1/passkeys/options": "a challenge is told once and expires",
    "/api/v1/second-factor": "its secret is told once; the next one replaces it until it is confirmed",
    "/api/v1/second-factor/confirmation": "a code works once by itself",
    "/api/v1/invitations/acceptance": "a link works once by itself",
    "/api/v1/password-resets": "nobody is signed in; letters to one address are few",
    "/api/v1/password-resets/acceptance": "a link works once by itself",
    "/api/v1/tokens": "a token's secret is told once and kept nowhere; one too many is revoked",
    "/api/v1/devices/{device_id}/account": "its password is told once and kept nowhere; the next one ends it",
    "/api/v1/series/preview": "it keeps nothing",
    "/api/v1/periods/{month}/what-if": "it keeps nothing",
    "/api/v1/reservations/{reservation_id}/series/preview": "it keeps nothing",
}
"""The calls that take no Idempotency-Key, and why. PUT and DELETE need none: sent twice they leave the same."""

UNMATCHED = {
    "/api/v1/me/password": "it names the present one",
    "/api/v1/me/messages": "one's own choice of one word",
    "/api/v1/people/{person_id}/access": "one word: in, or out",
    "/api/v1/nonmember-use": "a figure as it was told last",
    "/api/v1/machines/{machine_id}/picture": "the picture that was shown last",
    "/api/v1/qualifications/lapse/{machine_kind}": "a figure as it was set last",
    "/api/v1/machines/{machine_id}/presence-rule": "three figures that are set together, never merged",
    "/api/v1/machines/{machine_id}/access": "a note as it was written last",
    "/api/v1/machines/{machine_id}/threshold": "it replaces nothing: a version from now on",
    "/api/v1/nonmember-rule": "four figures that are set together, never merged",
    "/api/v1/assets/{asset_id}/subsidy": "one paper of the funder, copied as a whole",
    "/api/v1/issuer": "it replaces nothing: a version from a day on",
    "/api/v1/members/{member_id}/recipient": "it replaces nothing: a version from a day on",
    "/api/v1/members/{member_id}/bank-account": "one paper of the member, copied as a whole",
    "/api/v1/bank/services/{kind}": "one letter of the bank, copied as a whole",
    "/api/v1/accounts/{account_id}": "what the bookkeeping package calls one account, as it was set last",
    "/api/v1/machines/{machine_id}/interlock": "one device's wiring, set as a whole by who stands before it",
}
"""What is put without `If-Match`, and why nobody overwrites what they have not seen."""

BOUNDED = {
    "/api/v1/accounts": "the chart of accounts",
    "/api/v1/documents/{document_id}/mailings": "the people of one member",
    "/api/v1/closing-rules": "a rule for each kind of finding",
    "/api/v1/members": "a cooperative's register",
    "/api/v1/machines": "the machines of the house",
    "/api/v1/resources": "the people and things of the house",
    "/api/v1/pools": "the pools of the house",
    "/api/v1/machines/{machine_id}/services": "one for each kind of service at most",
    "/api/v1/machines/{machine_id}/policies": "the versions of one machine's rules, a few a year",
    "/api/v1/machines/{machine_id}/opening-hours": "the versions of one machine's week, a few a year",
    "/api/v1/machines/{machine_id}/priorities": "the members who come first on one machine",
    "/api/v1/machines/{machine_id}/tariff": "those of one day, one for each kind of service at most",
    "/api/v1/quotas": "the versions of a handful of limits",
    "/api/v1/me/quotas": "a handful of limits",
    "/api/v1/machines/{machine_id}/free": "computed for the window that is asked for",
    "/api/v1/machines/{machine_id}/open": "computed for the window that is asked for",
    "/api/v1/machines/{machine_id}/states": "computed for the window that is asked for",
    "/api/v1/findings": "what is still open: it closes when somebody has dealt with it",
    "/api/v1/rejects/counts": "one for each device on each of the last 30 days",
    "/api/v1/reservations/{reservation_id}/alternatives": "a few slots",
    "/api/v1/reservations/{reservation_id}/steps": "five steps at most",
    "/api/v1/reservations/{reservation_id}/claims": "one for each need of a service",
    "/api/v1/instructors": "those of one kind of machine",
    "/api/v1/trainings": "those that are not over",
    "/api/v1/trainings/{training_id}/seats": "as many as the training has",
    "/api/v1/offers": "one for each request at most, and those wait for an answer of some hours",
    "/api/v1/feeds": "one's own calendars",
    "/api/v1/passkeys": "one's own devices",
    "/api/v1/sessions": "one's own browsers of the last fortnight",
    "/api/v1/people/{person_id}/sessions": "a person's browsers of the last fortnight",
    "/api/v1/cost-pools": "what costs the house keeps apart",
    "/api/v1/cost-pools/{pool_id}/rules": "the rules of one pool, a few a year at most",
    "/api/v1/costs": "the costs of one month",
    "/api/v1/inspections": "a few a year",
    "/api/v1/subsidised-assets": "what was ever granted for",
    "/api/v1/recurring-costs": "what the house pays every month",
    "/api/v1/assets": "what the house has bought",
    "/api/v1/hostings": "the machines that members host",
    "/api/v1/webhooks": "the programs that are told",
}
"""The lists that come whole, and why they do not grow with the years."""


@pytest.fixture(scope="module")
def api(timescale_template: Any) -> Iterator[Callers]:
    with timescale_template.clone() as clone, callers(clone.app_url) as made:
        made.member("own")
        made.member("other")
        with database.transaction(made.pool) as conn:
            hours = [OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8)]
            machines.add_machine(conn, Machine("cmm-1", "cmm", "測定機", "CMM"), hours)
        yield made


@pytest.fixture(scope="module")
def office(api: Callers) -> Caller:
    return api.person(Role.OFFICE)


@pytest.fixture(scope="module")
def document(api: Callers) -> dict[str, Any]:
    found: dict[str, Any] = api.nobody.get(DOCUMENT).json()
    return found


def operations(document: dict[str, Any], *methods: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, of_path in document["paths"].items():
        for method in methods:
            if method in of_path and path.startswith("/api/v1"):
                yield path, of_path[method]


def named(operation: dict[str, Any]) -> set[str]:
    return {each["name"].lower() for each in operation.get("parameters", ())}


def gives_a_list(document: dict[str, Any], operation: dict[str, Any]) -> bool:
    schema = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return bool(schema.get("type") == "array")


def test_every_call_that_creates_or_moves_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    without = {path for path, each in operations(document, "post", "patch") if "idempotency-key" not in named(each)}
    assert without == set(KEYLESS)


def test_what_is_put_names_what_was_read(document: dict[str, Any]) -> None:
    without = {path for path, each in operations(document, "put") if "if-match" not in named(each)}
    assert without == set(UNMATCHED)


def test_every_list_that_grows_comes_in_pages(document: dict[str, Any]) -> None:
    whole = {
        path
        for path, each in operations(document, "get")
        if gives_a_list(document, each) and not {"cursor", "limit"} <= named(each)
    }
    assert whole <= set(BOUNDED)
    assert set(BOUNDED) <= {path for path, _ in operations(document, "get")}


BEFORE, AFTER = "2026-01-01T00:00:00Z", "2199-01-01T00:00:00Z"


def enter(office: Caller, path: str, **body: Any) -> None:
    answer = office.post(f"/api/v1{path}", json=body)
    assert answer.is_success, answer.text


def pages(caller: Caller, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
    """Each page of a list, as its `Link` leads on."""
    answer = caller.get(path, params=params)
    while True:
        assert answer.status_code == 200, answer.text
        yield answer.json()
        if "link" not in answer.headers:
            return
        address, _, rel = answer.headers["link"].partition("; ")
        assert rel == 'rel="next"'
        answer = caller.get(address.strip("<>"))


def moment(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def fill_closures(api: Callers, office: Caller, n: int) -> None:
    enter(office, "/closures", starts_at=moment(100 + n), ends_at=moment(100.5 + n), machine_id="cmm-1")


def fill_outages(api: Callers, office: Caller, n: int) -> None:
    outage = {"resource_id": "cmm-1", "kind": "maintenance"}
    enter(office, "/outages", starts_at=moment(n), ends_at=moment(n + 0.5), **outage)


def fill_calibrations(api: Callers, office: Caller, n: int) -> None:
    certificate = {"number": f"n{n}", "issued_on": "2026-01-01", "valid_until": "2027-01-01"}  # all on one day
    enter(office, "/machines/cmm-1/calibrations", **certificate)


def fill_checks(api: Callers, office: Caller, n: int) -> None:
    made = office.post(
        "/api/v1/machines/cmm-1/masters",
        json={"name": f"m{n}", "unit": "mm", "lower_limit": "1", "upper_limit": "2"},
    )
    enter(office, f"/masters/{made.json()['id']}/checks", value="1.5", checked_at="2026-10-01T00:00:00Z")


def fill_qualifications(api: Callers, office: Caller, n: int) -> None:
    somebody = api.person(Role.ENGINEER, "own", name="同じ名前")
    enter(office, "/qualifications", person_id=str(somebody.person_id), machine_kind="cmm", level=2)


def fill_waitlist(api: Callers, office: Caller, n: int) -> None:
    somebody = api.person(Role.ENGINEER, "own")
    wish = {"machine_id": "cmm-1", "minutes": 60, "earliest_start": moment(1), "latest_end": moment(9)}
    enter(office, "/waitlist", person_id=str(somebody.person_id), **wish)


def fill_unmet_demand(api: Callers, office: Caller, n: int) -> None:
    for _ in range(1 + n % 2):
        params = {"minutes": 60, "site": "nowhere"} | ({"kind": f"none-{n}"} if n else {})
        assert office.get("/api/v1/search", params=params).status_code == 200


def fill_deliveries(api: Callers, office: Caller, n: int) -> None:
    with database.transaction(api.pool) as conn:
        conn.execute(
            "INSERT INTO booking.webhook_delivery (webhook_id, event_id, type, body, created_at)"
            " SELECT id, %s, 'reservation.created', '{}', '2026-10-01' FROM booking.webhook",
            [uuid4()],
        )


def fill_tokens(api: Callers, office: Caller, n: int) -> None:
    enter(office, "/tokens", name=f"t{n}")


def fill_tariffs(api: Callers, office: Caller, n: int) -> None:
    fee = {"machine_id": "cmm-1", "basis": "booked", "yen_per_hour": 1000}
    enter(office, "/tariffs", valid_from=f"2027-{n + 1:02}-01", **fee)


def fill_weights(api: Callers, office: Caller, n: int) -> None:
    enter(office, "/weights", member_id="own", measure="units", value="1", month=f"2027-{n + 1:02}")


def fill_actuals(api: Callers, office: Caller, n: int) -> None:
    if n == 0:
        enter(office, "/cost-pools", id="rent", kind="share", name_ja="家賃", name_en="Rent")
    cost = {"month": "2027-01", "pool_id": "rent", "kind": f"k{n}", "amount_yen": 1}
    made = office.post("/api/v1/costs", json=cost).json()
    enter(office, f"/costs/{made['id']}/actual", month="2027-01", amount_yen=2)


def fill_prices(api: Callers, office: Caller, n: int) -> None:
    if n == 0:
        enter(office, "/consumables", id="stylus", name_ja="スタイラス", name_en="Stylus")
    enter(office, "/consumables/stylus/prices", valid_from=f"2027-{n + 1:02}-01", yen_each=1_000)


def fill_consumptions(api: Callers, office: Caller, n: int) -> None:
    enter(office, "/consumables", id=f"stylus-{n}", name_ja="スタイラス", name_en="Stylus")
    used = {"consumable_id": f"stylus-{n}", "machine_id": "cmm-1", "member_id": "own"}
    enter(office, "/consumptions", used_on=f"2027-01-{n + 1:02}", count=1, **used)


def fill_statements(api: Callers, office: Caller, n: int) -> None:
    with database.transaction(api.pool) as conn:
        conn.execute("INSERT INTO billing.period (month, status) VALUES (%s, 'draft')", [f"2020-{n + 1:02}-01"])
        for member in ("own", "other"):
            conn.execute(
                "INSERT INTO billing.statement (id, month, member_id, net_yen, tax_yen, total_yen, taxes)"
                " VALUES (%s, %s, %s, 0, 0, 0, '[]')",
                [uuid4(), f"2020-{n + 1:02}-01", member],
            )


def fill_usage(api: Callers, office: Caller, n: int) -> None:
    began = datetime(2026, 10, 1 + n, tzinfo=UTC)
    with database.transaction(api.pool) as conn:
        conn.execute(
            "INSERT INTO telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, evidence_hash)"
            " VALUES (%s, 'cmm-1', %s, %s, 60, 'unassigned', %s)",
            [uuid4(), began, began + timedelta(minutes=1), b"x" * 32],
        )


GROWING = {
    "/api/v1/usage": fill_usage,
    "/api/v1/closures": fill_closures,
    "/api/v1/outages": fill_outages,
    "/api/v1/machines/cmm-1/calibrations": fill_calibrations,
    "/api/v1/machines/cmm-1/checks": fill_checks,
    "/api/v1/qualifications": fill_qualifications,
    "/api/v1/waitlist": fill_waitlist,
    "/api/v1/unmet-demand": fill_unmet_demand,
    "/api/v1/webhooks/{webhook_id}/deliveries": fill_deliveries,
    "/api/v1/tokens": fill_tokens,
    "/api/v1/tariffs": fill_tariffs,
    "/api/v1/consumables/prices": fill_prices,
    "/api/v1/consumptions": fill_consumptions,
    "/api/v1/statements": fill_statements,
    "/api/v1/weights": fill_weights,
    "/api/v1/cost-actuals": fill_actuals,
}


@pytest.mark.parametrize("path", GROWING)
def test_pages_are_the_list_and_stay_while_it_grows(api: Callers, office: Caller, path: str) -> None:
    if "{webhook_id}" in path:
        hook = office.post("/api/v1/webhooks", json={"url": "https://factory.example/moyai"}).json()
        path_of, params = path.format(webhook_id=hook["id"]), {}
    else:
        path_of, params = path, {"from": BEFORE, "to": AFTER} if path.endswith(("closures", "checks", "usage")) else {}
    if "outages" in path:
        params = {"to": AFTER}
    for n in range(5):
        GROWING[path](api, office, n)
    [whole] = pages(office, path_of, **params, limit=200)
    assert len(whole) >= 5
    walk = pages(office, path_of, **params, limit=2)
    walked = next(walk)
    GROWING[path](api, office, 5)
    for page in walk:
        assert 1 <= len(page) <= 2
        walked += page
    keys = [{name: each[name] for name in each if name != "valid_until"} for each in walked]  # what follows ends it
    assert all(keys.count(each) == 1 for each in keys)
    before = [{name: each[name] for name in each if name != "valid_until"} for each in whole]
    assert [each for each in keys if each in before] == before


def test_a_cursor_of_ones_own_making_is_refused_in_words(document: dict[str, Any], office: Caller) -> None:
    known = defaultdict(lambda: str(uuid4()), machine_id="cmm-1")
    paged = [path for path, each in operations(document, "get") if "cursor" in named(each)]
    assert len(paged) > len(GROWING)
    for path in paged:
        for cursor in ("x", "é", "WzFd", "W10", "bnVsbA", cursor_of("a", "b", "c", "d", "e", "f")):
            answer = office.get(path.format_map(known), params={"cursor": cursor, "from": BEFORE, "to": AFTER})
            assert answer.status_code == 422, f"{path} {cursor} {answer.text}"
            assert answer.json()["code"] == "coop.cursor_invalid", path
            assert answer.json()["detail"] != "coop.cursor_invalid", path
