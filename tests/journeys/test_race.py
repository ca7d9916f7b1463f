"""Sixteen people want the same slot, on four server processes, two hundred times."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import psycopg
import pytest

from coop import people
from coop.identity import Role
from tests.booking.places import settle_in
from tests.parts.databases import Database
from tests.servers import serving

REQUESTS, PEOPLE, PROCESSES = 200, 16, 4


@pytest.mark.kills
def test_one_of_two_hundred_identical_reservations_wins(database: Database) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(database.app_url) as conn:
        place = settle_in(conn, machines=1, members=PEOPLE)
        tokens = [people.add_token(conn, each, name="race", now=now)[1] for each in place.engineers]
        office = people.add_person(conn, name="事務局", email="office@kumiai.example", roles=[Role.OFFICE])
        assert office
    start = (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    body = {
        "machine_id": place.machine_ids[0],
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=1)).isoformat(),
    }
    with serving(database.app_url, PROCESSES) as urls, httpx2.Client(trust_env=False, timeout=60) as client:

        def one(number: int) -> httpx2.Response:
            headers = {"Authorization": f"Bearer {tokens[number % PEOPLE]}"}
            return client.post(f"{urls[number % PROCESSES]}/api/v1/reservations", json=body, headers=headers)

        with ThreadPoolExecutor(PEOPLE) as threads:
            answers = list(threads.map(one, range(REQUESTS)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: REQUESTS - 1}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "booking.slot_taken"
            assert len(answer.json()["next_free"]) == 3
    with psycopg.connect(database.app_url) as conn:
        counted = conn.execute(
            "SELECT (SELECT count(*) FROM booking.reservation), (SELECT count(*) FROM booking.claim)"
        )
        assert counted.fetchone() == (1, 1)
