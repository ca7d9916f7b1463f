"""The example's machines as they are today: booked, reporting since midnight, and from now on live."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID

import orjson

from coop.interval import Interval, local_midnight, month_of
from moyai.demo.cooperative import EXAMPLE
from moyai.demo.month import Api, book
from moyai.demo.plan import plan_month
from moyai.demo.simulator import month_messages
from moyai.publish import publish_trace
from moyai.replay import Message

ZONE = EXAMPLE.cooperative.time_zone
AHEAD = timedelta(days=5)


def bring_to_life(api: Api, ids: dict[str, UUID], mqtt_url: str, now: datetime) -> Callable[[], None]:
    """Book today and the next days, replay today until `now`, then let the machines report as time passes.

    Returns the function that stops them.
    """
    this_month = month_of(now, ZONE)
    local = this_month.start.astimezone(ZONE)
    plan = plan_month(EXAMPLE, local.year, local.month)
    window = Interval(local_midnight(now.astimezone(ZONE).date(), ZONE), now + AHEAD)
    book(api, [use for use in plan.uses if use.slot is not None and window.covers(use.slot)], ids, lambda: None)
    readings = [each for each in _readings(month_messages(plan)) if window.contains(each[0])]
    publish_trace(_messages(each for each in readings if each[0] <= now), mqtt_url)
    stop = Event()
    coming = [each for each in readings if each[0] > now]
    thread = Thread(target=lambda: publish_trace(_as_time_passes(coming, stop), mqtt_url), name="live", daemon=True)
    thread.start()
    return stop.set


Reading = tuple[datetime, str, dict[str, Any]]


def _readings(messages: Iterator[Message]) -> list[Reading]:
    """Every reading with its time and topic, by time."""
    taken = [
        (datetime.fromisoformat(reading["at"]), message.topic, reading)
        for message in messages
        for reading in orjson.loads(message.payload)["readings"]
    ]
    return sorted(taken, key=lambda each: each[0])


def _messages(readings: Iterator[Reading]) -> Iterator[Message]:
    by_topic: dict[str, list[Reading]] = {}
    for each in readings:
        by_topic.setdefault(each[1], []).append(each)
    for topic, some in by_topic.items():
        yield Message(topic, orjson.dumps({"readings": [reading for _, _, reading in some]}), some[-1][0])


def _as_time_passes(readings: list[Reading], stop: Event) -> Iterator[Message]:
    for at, topic, reading in readings:
        while at > datetime.now(UTC):
            if stop.wait(min(1.0, max(0.0, at.timestamp() - time.time()))):
                return
        yield Message(topic, orjson.dumps({"readings": [reading]}), at)
