"""What every request reads of the rules stays quick: plans over 20,000 reservations of 20 members."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from coop.database import Connection
from coop.queries import load
from tests.booking.places import settle_in
from tests.parts.databases import Database

SQL = load("booking.rules")
NOW = datetime(2026, 10, 1, tzinfo=UTC)


def values(person_id: UUID | None) -> dict[str, Any]:
    week, month = timedelta(days=7), timedelta(days=31)
    return {
        "machine_id": "cmm-1",
        "machine_ids": ["cmm-1"],
        "kind": "cmm",
        "member_id": "m01",
        "person_id": person_id,
        "reservation_id": None,
        "stored": False,
        "instructor_id": person_id,
        "soaks_from": None,
        "start": NOW + week,
        "end": NOW + week + timedelta(hours=1),
        "now": NOW,
        "day": NOW.date(),
        "week_from": NOW + week,
        "week_until": NOW + 2 * week,
        "month_from": NOW,
        "month_until": NOW + month,
        "instructs_from": 3,
        "supervises": True,
    }


def test_what_every_request_reads_uses_an_index(conn: Connection, database: Database) -> None:
    """If this fails, look at the plan it prints: a scan of all reservations is slow."""
    place = settle_in(conn, machines=1, members=20)
    conn.execute(
        "INSERT INTO booking.reservation (id, uid, machine_id, member_id, person_id, starts_at, ends_at, status,"
        " created_at, changed_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), 'cmm-1', p.member_id, p.id, %(now)s + n * interval '2 hours',"
        " %(now)s + n * interval '2 hours' + interval '1 hour', 'confirmed', %(now)s, %(now)s"
        " FROM coop.person p, generate_series(-500, 499) n",
        {"now": NOW},
    )
    conn.execute(
        "INSERT INTO booking.quota (machine_id, holder, span, most, valid)"
        " SELECT NULL, holder, span, 5, '[2020-01-01,)'"
        " FROM unnest('{member,person}'::text[]) holder, unnest('{at_once,week,month}'::text[]) span"
    )
    conn.execute("INSERT INTO booking.qualification_rule VALUES ('cmm', 90)")
    conn.execute(
        "INSERT INTO booking.qualification (person_id, machine_kind, level, valid)"
        " SELECT id, 'cmm', 2, '[2020-01-01,)' FROM coop.person"
    )
    conn.commit()
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE booking.reservation, booking.qualification, booking.quota")
    for statement in ("standing", "quotas_used", "conditions", "calendar_exceptions", "member_standing"):
        row = conn.execute(f"EXPLAIN (FORMAT JSON) {SQL[statement]}", values(place.engineers[0].person_id)).fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        assert not whole_tables(plan) & {"reservation", "claim"}, f"{statement}: {json.dumps(plan, indent=1)}"


def whole_tables(plan: dict[str, Any]) -> set[str]:
    below = {name for child in plan.get("Plans", []) for name in whole_tables(child)}
    return below | {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else below
