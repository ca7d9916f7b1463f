"""Who is silent, rejected, or changed its character: what a device says is judged by its times, and told once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from coop import database, machines
from coop.database import Connection
from coop.identity import SYSTEM, Role
from coop.machines import Machine
from coop.settings import Settings
from moyai.parts.process import free_port
from telemetry import devices
from telemetry.devices import alerts, jobs, listing
from telemetry.devices.character import Drift, SignalDay, booked_without_running, idle_drift
from telemetry.devices.liveness import Heard, Liveness, liveness
from telemetry.ingest import store
from telemetry.model import Device, Reading
from tests.callers import Callers
from tests.telemetry.plant import delivered

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("silent_seconds", "stands"), [(0, Liveness.ONLINE), (180, Liveness.ONLINE), (181, Liveness.OFFLINE)]
)
def test_three_missed_messages_are_offline(silent_seconds: int, stands: Liveness) -> None:
    assert liveness(Heard(NOW - timedelta(seconds=silent_seconds)), 60, NOW) is stands


@pytest.mark.parametrize(
    ("heard", "stands"),
    [
        (Heard(None), Liveness.NEVER),
        (Heard(NOW - MINUTE, "offline", NOW), Liveness.SAID_GOODBYE),
        (Heard(NOW, "offline", NOW - MINUTE), Liveness.ONLINE),
        (Heard(NOW - MINUTE, "online", NOW), Liveness.ONLINE),
        (Heard(NOW - 9 * MINUTE, "online", NOW), Liveness.OFFLINE),
    ],
)
def test_a_last_will_counts_until_the_device_speaks_again(heard: Heard, stands: Liveness) -> None:
    assert liveness(heard, 60, NOW) is stands


def days(*idle_watts: float | None, **more: int) -> list[SignalDay]:
    seconds = {"idle_seconds": 3600, "running_seconds": 3600, "booked_seconds": 0} | more
    return [SignalDay(date(2026, 11, 1) + timedelta(days=n), watts, **seconds) for n, watts in enumerate(idle_watts)]


@pytest.mark.parametrize(
    ("watts", "drift"),
    [
        ([30, 31, 30, 29, 30, 45, 46, 45], Drift(30, 45)),
        ([30, 31, 30, 29, 30, None, None, 45, 46, 45], Drift(30, 45)),
        ([30, 31, 30, 29, 30, 30, 45, 30], None),  # one odd day
        ([5, 5, 5, 5, 5, 8, 8, 8], None),  # too little to matter below a threshold of 50 W
        ([30, 31, 30, 29, 45, 45, 45], None),  # four days are no habit
        ([45, 45, 45, 45, 45, 20, 20, 20], Drift(45, 20)),
        ([], None),
    ],
)
def test_an_idle_level_drifts_when_it_stays_away_from_its_habit(watts: list[float | None], drift: Drift | None) -> None:
    assert idle_drift(days(*watts), off_watts=50) == drift


@given(st.lists(st.floats(1, 1000), min_size=8, max_size=30), st.floats(1, 500))
def test_a_level_that_stays_within_a_tenth_of_the_threshold_never_drifts(levels: list[float], off_watts: float) -> None:
    steady = [levels[0] + (each % 1) * off_watts * 0.1 for each in levels]
    assert idle_drift(days(*steady), off_watts) is None


@pytest.mark.parametrize(
    ("seconds", "booked"),
    [
        ({"running_seconds": 0, "booked_seconds": 3600}, 7 * 3600),
        ({"running_seconds": 1, "booked_seconds": 3600}, None),
        ({"running_seconds": 0, "booked_seconds": 1800}, None),  # three and a half hours
        ({"running_seconds": 0, "booked_seconds": 7200}, None),  # half of it in silence
    ],
)
def test_a_machine_in_use_that_never_runs_is_odd(seconds: dict[str, int], booked: int | None) -> None:
    assert booked_without_running(days(*[30.0] * 9, **seconds)) == booked


@pytest.fixture
def plug(conn: Connection) -> Connection:
    """A plug on a machine, that reported each minute from 02:30 to 03:00."""
    conn.execute(
        "INSERT INTO coop.cooperative (slug, name, time_zone, founded_at) VALUES ('t', 't', 'Asia/Tokyo', now())"
    )
    machines.add_machine(conn, Machine("cmm-1", "cmm", "CMM", "CMM"))
    devices.add_device(conn, SYSTEM, Device("plug-1", "cmm-1"), NOW)
    devices.bind(conn, SYSTEM, "plug-1", "cmm-1", NOW - timedelta(days=30), NOW)
    report(conn, [(NOW - n * MINUTE, 5.0) for n in range(31)], late=timedelta(seconds=4))
    return conn


def report(conn: Connection, said: Sequence[tuple[datetime, float | str]], *, late: timedelta = SECOND) -> None:
    """Store readings, each received `late` after its time: numbers as power, words as availability."""
    store.prepare(conn)
    for at, value in said:
        words = isinstance(value, str)
        channel, number = ("availability", None) if words else ("power", float(value))
        reading = Reading("cmm-1", channel, at, 1, number, value if words else None, at + late)
        store.save(conn, "test", [(delivered(), [reading])], {})


def open_alerts(conn: Connection) -> list[tuple[str, str | None]]:
    return [(each.kind, each.device_id or each.machine_id) for each in listing.open_alerts(conn)]


def test_rate_and_lateness_are_those_of_the_latest_messages(plug: Connection) -> None:
    heard = listing.heard_device(plug, "plug-1", NOW)
    assert (heard.per_minute, heard.late_seconds, heard.liveness) == (1.0, 4.0, Liveness.ONLINE)
    assert heard.last_received_at == NOW + timedelta(seconds=4)
    assert heard.machine_id == "cmm-1"


def test_a_silent_device_is_raised_once_and_closes_itself(plug: Connection) -> None:
    alerts.watch_devices(plug, NOW + 3 * MINUTE)
    assert open_alerts(plug) == []
    for later in (5, 6):
        alerts.watch_devices(plug, NOW + later * MINUTE)
        assert open_alerts(plug) == [("offline", "plug-1")]
    report(plug, [(NOW + 7 * MINUTE, 5.0)])
    alerts.watch_devices(plug, NOW + 8 * MINUTE)
    assert open_alerts(plug) == []
    assert plug.execute("SELECT raised_at, closed_at FROM telemetry.alert").fetchall() == [
        (NOW + 5 * MINUTE, NOW + 8 * MINUTE)
    ]


def test_a_last_will_is_believed_at_once(plug: Connection) -> None:
    report(plug, [(NOW + 30 * SECOND, "offline")])
    alerts.watch_devices(plug, NOW + MINUTE)
    assert open_alerts(plug) == [("offline", "plug-1")]
    report(plug, [(NOW + 2 * MINUTE, "online"), (NOW + 2 * MINUTE, 5.0)])
    alerts.watch_devices(plug, NOW + 2 * MINUTE)
    assert open_alerts(plug) == []


def test_a_device_that_speaks_for_no_machine_may_be_silent(plug: Connection) -> None:
    plug.execute("UPDATE telemetry.binding SET bound = tstzrange(lower(bound), %s)", [NOW])
    alerts.watch_devices(plug, NOW + 9 * MINUTE)
    assert open_alerts(plug) == []


def test_rejected_messages_are_an_alert_until_an_hour_without(plug: Connection) -> None:
    plug.execute(
        "INSERT INTO telemetry.reject_day (device_id, day, rejected, kept, kept_bytes, last_at)"
        " VALUES ('plug-1', %s, 12, 0, 0, %s)",
        [NOW.date(), NOW],
    )
    alerts.watch_devices(plug, NOW)
    [alert] = listing.open_alerts(plug)
    assert (alert.kind, alert.device_id, alert.detail) == ("rejects", "plug-1", {"rejected": 12})
    assert listing.heard_device(plug, "plug-1", NOW).rejected == 12
    report(plug, [(NOW + timedelta(hours=1, seconds=1), 5.0)])
    alerts.watch_devices(plug, NOW + timedelta(hours=1, minutes=1))
    assert open_alerts(plug) == []


def test_a_days_signal_is_written_down_once_and_compared(plug: Connection) -> None:
    """Yesterday, in Tokyo: eight idle hours, at 45 W where it was 30 W before."""
    midnight = datetime(2026, 11, 18, 15, tzinfo=UTC)
    plug.execute(
        "INSERT INTO telemetry.state_rule (machine_id, valid, kind, channel, on_watts, off_watts, on_seconds,"
        " off_seconds, gap_seconds, bridge_seconds)"
        " VALUES ('cmm-1', tstzrange(%s, NULL), 'power', 'power', 80, 50, 0, 0, 600, 900)",
        [NOW - timedelta(days=30)],
    )
    plug.execute(
        "INSERT INTO telemetry.state_interval (machine_id, started_at, ended_at, state)"
        " VALUES ('cmm-1', %s, %s, 'idle')",
        [midnight - timedelta(hours=1), midnight + timedelta(hours=8)],
    )
    report(plug, [(midnight + n * timedelta(minutes=10), 45.0) for n in range(-6, 6)])
    for n in range(2, 10):
        plug.execute(
            "INSERT INTO telemetry.signal_day VALUES ('cmm-1', %s, %s, 3600, 60, 0)",
            [date(2026, 11, 19) - timedelta(days=n - 1), 45.0 if n < 4 else 30.0],
        )
    for _ in range(2):
        alerts.watch_signals(plug, NOW)
    written = plug.execute(
        "SELECT idle_watts, idle_seconds, running_seconds, booked_seconds FROM telemetry.signal_day WHERE day = %s",
        [date(2026, 11, 19)],
    ).fetchall()
    assert written == [(45.0, 8 * 3600, 0, 0)]
    [alert] = listing.open_alerts(plug)
    assert (alert.kind, alert.machine_id) == ("idle_drifted", "cmm-1")
    assert alert.detail == {"before_watts": 30.0, "recent_watts": 45.0}


@dataclass
class Postbox:
    """A mail server that keeps what it is handed."""

    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        read = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        self.mails.append(read)
        return "250 OK"


@contextmanager
def postbox() -> Iterator[tuple[Postbox, str]]:
    box = Postbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        yield box, f"smtp://127.0.0.1:{server.port}"
    finally:
        server.stop()


def test_the_office_gets_one_mail_about_what_stays_open(api: Callers) -> None:
    office = api.person(Role.OFFICE, locale="en")
    api.person(Role.OPERATOR)
    with database.transaction(api.pool) as conn:
        machines.add_machine(conn, Machine("cmm-1", "cmm", "CMM", "CMM"))
        devices.add_device(conn, SYSTEM, Device("plug-1", "cmm-1"), NOW)
        devices.bind(conn, SYSTEM, "plug-1", "cmm-1", NOW - timedelta(days=1), NOW)
        report(conn, [(NOW, 5.0)])
    for minutes in (5, 19, 20, 21, 35):
        jobs.sweep(api.pool, Settings(), NOW + minutes * MINUTE)
    with database.transaction(api.pool) as conn:
        waiting = conn.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'telemetry.mail_alerts'"
        ).fetchall()
    [[asked]] = waiting
    assert asked["person_id"] == str(office.person_id)
    with postbox() as (box, smtp_url):
        settings = Settings(smtp_url=smtp_url, mail_from="moyai@kumiai.example", public_url="https://moyai.example")
        jobs.send_mail(api.pool, settings, office.person_id, asked["alerts"], NOW)
        [mail] = box.mails
        text = mail.get_body(("plain",)).get_content()
        assert "cmm-1 · plug-1 has sent nothing since 11/20 12:00" in text
        assert "https://moyai.example/devices" in text
        with database.transaction(api.pool) as conn:
            conn.execute("UPDATE telemetry.alert SET closed_at = %s", [NOW + timedelta(hours=1)])
        jobs.send_mail(api.pool, settings, office.person_id, asked["alerts"], NOW)
        assert len(box.mails) == 1
    assert [each["kind"] for each in office.get("/api/v1/alerts").json()] == []
