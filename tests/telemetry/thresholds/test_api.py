"""The wizard's API: what the machine draws, what a day proposes, what was shown, and saving."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from coop import database
from coop.identity import Role
from telemetry.states.live import current_state
from tests.callers import Caller, Callers
from tests.telemetry.signals import MACHINE, Signal, signal, trace

THRESHOLD = f"/api/v1/machines/{MACHINE}/threshold"


@pytest.fixture
def cmm(api: Callers) -> Iterator[Signal]:
    with api.pool.connection() as conn:
        yield signal(conn)


@pytest.fixture
def operator(api: Callers) -> Caller:
    return api.person(Role.OPERATOR)


def test_a_recorded_day_proposes(cmm: Signal, operator: Caller) -> None:
    cmm.send(trace((0, 300, 60), (300, 500, 420), (500, 800, 60)))
    cmm.conn.commit()
    told = operator.get(f"{THRESHOLD}/proposal?day=2026-10-05").json()
    assert told["readings"] == 800
    assert told["proposal"]["clear"]
    assert [level["watts"] for level in told["proposal"]["levels"]] == [60, 420]
    assert 62 < told["proposal"]["off_watts"] < told["proposal"]["on_watts"] < 420
    assert sum(each["share"] for each in told["histogram"]) == pytest.approx(1)
    assert max(each["high_watts"] for each in told["trace"]) == 420
    assert len(told["trace"]) <= 480
    silent = operator.get(f"{THRESHOLD}/proposal?day=2026-09-05").json()
    assert (silent["readings"], silent["proposal"]["doubt"]) == (0, "too_few")


def test_operating_the_machine_finds_the_thresholds(cmm: Signal, operator: Caller) -> None:
    now = datetime.now(UTC)
    idle_at, measuring_at = now - timedelta(minutes=2), now - timedelta(minutes=1)
    cmm.send([(idle_at + timedelta(seconds=n), 60.0 + n) for n in range(-5, 15, 5)])
    cmm.send([(measuring_at + timedelta(seconds=n), 400.0 + n) for n in range(-5, 15, 5)])
    cmm.conn.commit()
    asked = {"idle_at": idle_at.isoformat(), "measuring_at": measuring_at.isoformat()}
    told = operator.get(f"{THRESHOLD}/shown", params=asked).json()
    assert (len(told["idle"]), len(told["measuring"]), told["complete"]) == (4, 4, True)
    assert 70 < told["proposal"]["off_watts"] < told["proposal"]["on_watts"] < 390
    other_way = {"idle_at": asked["measuring_at"], "measuring_at": asked["idle_at"]}
    assert operator.get(f"{THRESHOLD}/shown", params=other_way).json()["proposal"]["doubt"] == "overlap"
    assert operator.get(THRESHOLD).json()["watts"] == 410


def test_saving_holds_from_now_on_and_is_audited(cmm: Signal, operator: Caller, api: Callers) -> None:
    now = datetime.now(UTC)
    cmm.send([(now - timedelta(minutes=9 - n), 150.0) for n in range(9)])
    cmm.derive()
    cmm.conn.commit()
    before = cmm.states()
    key = {"Idempotency-Key": "once"}
    for _ in range(2):
        told = operator.put(THRESHOLD, json={"channel": "power", "on_watts": 120, "off_watts": 90}, headers=key)
        assert (told.status_code, told.json()["on_watts"], told.json()["on_seconds"]) == (200, 120, 60)
    with database.transaction(api.pool) as conn:
        cmm.send([(datetime.now(UTC), 150.0)])
        cmm.conn.commit()
        cmm.derive()
        cmm.conn.commit()
        assert current_state(conn, MACHINE, datetime.now(UTC)).state == "running"
        said = conn.execute("SELECT actor_id FROM coop.audit WHERE action = 'machine.rule_set'").fetchall()
    assert len(said) == 1
    assert cmm.states()[0][:3:2] == before[0][:3:2]  # what was idle before stays idle


@pytest.mark.parametrize("watts", [(90, 90), (90, 120), (120, 0)])
def test_thresholds_that_cross_are_refused(cmm: Signal, operator: Caller, watts: tuple[int, int]) -> None:
    cmm.conn.commit()
    body = {"channel": "power", "on_watts": watts[0], "off_watts": watts[1]}
    told = operator.put(THRESHOLD, json=body)
    assert (told.status_code, told.json()["code"]) == (422, "telemetry.thresholds_crossed")


def test_a_machine_without_a_plug_says_so(cmm: Signal, operator: Caller) -> None:
    cmm.conn.execute("UPDATE telemetry.binding SET bound = tstzrange('2000-01-01Z', '2001-01-01Z')")
    cmm.conn.commit()
    told = operator.get(THRESHOLD)
    assert (told.status_code, told.json()["code"]) == (409, "telemetry.no_power")
    assert operator.get("/api/v1/machines/nowhere/threshold").status_code == 404
