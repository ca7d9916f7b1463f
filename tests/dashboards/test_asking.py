"""What people type who want a machine, in both languages, and what is said of words that mean nothing here."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.services.model import ServiceKind
from coop.interval import Interval
from dashboards.today.asking import Asked, Named, NotInThePast, NotRead, read

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=TOKYO)  # a Monday
MACHINES = [
    Named("cmm-1", "cmm", ("三次元測定機(大型)", "Coordinate measuring machine, large")),
    Named("cmm-2", "cmm", ("三次元測定機(中型)", "Coordinate measuring machine, medium")),
    Named("ct-1", "ct", ("計測用X線CT装置", "Measuring X-ray CT")),
    Named("rough-1", "contour", ("表面粗さ・輪郭形状測定機", "Roughness and contour")),
    Named("odd-1", "oddity", ("珍品", "Oddity")),
]


def asked(text: str) -> Asked:
    return read(text, MACHINES, NOW, TOKYO)


def between(start: str, end: str) -> Interval:
    """`11-24 09:00`."""

    def of(text: str) -> datetime:
        return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=TOKYO)

    if end.endswith("24:00"):
        return Interval(of(start), of(end.replace("24:00", "00:00")) + timedelta(days=1))
    return Interval(of(start), of(end))


DAY = ("11-24 00:00", "11-24 24:00")
REST = ("11-23 10:20", "11-23 24:00")
WEEK = ("11-23 10:20", "11-30 10:20")


@pytest.mark.parametrize(
    ("text", "window", "minutes"),
    [
        ("明日2時間", DAY, 120),
        ("明日 2時間半", DAY, 150),
        ("あした、1時間30分 お願いします", DAY, 90),
        ("明日1.5時間", DAY, 90),
        ("あす９０分", DAY, 90),
        ("今日 午後 1時間", ("11-23 12:00", "11-23 18:00"), 60),
        ("今日30分", REST, 30),
        ("本日中", REST, 60),
        ("あさって 9時から 90分", ("11-25 09:00", "11-25 24:00"), 90),
        ("明後日の朝一", ("11-25 00:00", "11-25 10:00"), 60),
        ("明日9時半から", ("11-24 09:30", "11-24 24:00"), 60),
        ("明日9時30分から2時間", ("11-24 09:30", "11-24 24:00"), 120),
        ("明日 9時〜11時", ("11-24 09:00", "11-24 11:00"), 120),
        ("明日9-11時", ("11-24 09:00", "11-24 11:00"), 120),
        ("明日 13:30-15:00", ("11-24 13:30", "11-24 15:00"), 90),
        ("明日15時まで 1時間", ("11-24 00:00", "11-24 15:00"), 60),
        ("明日3時から", ("11-24 15:00", "11-24 24:00"), 60),
        ("明日 午後3時から 2時間", ("11-24 15:00", "11-24 24:00"), 120),
        ("明日の午前中", ("11-24 00:00", "11-24 12:00"), 60),
        ("午前", ("11-23 10:20", "11-23 12:00"), 60),
        ("8時から", ("11-23 10:20", "11-23 24:00"), 60),
        ("半日", WEEK, 240),
        ("2時間", WEEK, 120),
        ("今すぐ 30分", WEEK, 30),
        ("水曜 2時間", ("11-25 00:00", "11-25 24:00"), 120),
        ("月曜", REST, 60),
        ("来週の火曜日 9時から", ("12-01 09:00", "12-01 24:00"), 60),
        ("来週 3時間", ("11-30 00:00", "12-06 24:00"), 180),
        ("今週 1時間", ("11-23 10:20", "11-29 24:00"), 60),
        ("12/3 2時間", ("12-03 00:00", "12-03 24:00"), 120),
        ("12月3日(木) 13時から", ("12-03 13:00", "12-03 24:00"), 60),
        ("25日 午後", ("11-25 12:00", "11-25 18:00"), 60),
        ("5日 午前", ("12-05 00:00", "12-05 12:00"), 60),
        ("3日後 1時間", ("11-26 00:00", "11-26 24:00"), 60),
        ("tomorrow 2 hours", DAY, 120),
        ("Tomorrow, 2h please", DAY, 120),
        ("tomorrow 1 h 30 min", DAY, 90),
        ("half an hour today", REST, 30),
        ("an hour tomorrow morning", ("11-24 00:00", "11-24 12:00"), 60),
        ("day after tomorrow from 9am for 90 minutes", ("11-25 09:00", "11-25 24:00"), 90),
        ("tomorrow at 2 pm", ("11-24 14:00", "11-24 24:00"), 60),
        ("tomorrow from 9 to 11", ("11-24 09:00", "11-24 11:00"), 120),
        ("tomorrow 9:00-11:30", ("11-24 09:00", "11-24 11:30"), 150),
        ("tomorrow until 3pm", ("11-24 00:00", "11-24 15:00"), 60),
        ("wednesday afternoon 2 hrs", ("11-25 12:00", "11-25 18:00"), 120),
        ("next monday 1 hour", ("11-30 00:00", "11-30 24:00"), 60),
        ("next week two hours", ("11-30 00:00", "12-06 24:00"), 120),
        ("dec 3 2h", ("12-03 00:00", "12-03 24:00"), 120),
        ("3 December, all day", ("12-03 00:00", "12-03 24:00"), 480),
        ("in 3 days", ("11-26 00:00", "11-26 24:00"), 60),
        ("now 30 min", WEEK, 30),
    ],
)
def test_times(text: str, window: tuple[str, str], minutes: int) -> None:
    found = asked(text)
    assert (found.window, found.length) == (between(*window), timedelta(minutes=minutes))
    assert (found.kind, found.machine_id, found.service) == (None, None, ServiceKind.SELF_USE)


@pytest.mark.parametrize(
    ("text", "kind", "machine_id", "service"),
    [
        ("今日 午後 1時間 CMM", "cmm", None, "self_use"),
        ("明日 三次元測定機で2時間", "cmm", None, "self_use"),
        ("cmm-2 明日2時間", "cmm", "cmm-2", "self_use"),
        ("三次元測定機（大型） 明日", "cmm", "cmm-1", "self_use"),
        ("明日 粗さ計 30分", "contour", None, "self_use"),
        ("X線CT 立会 あさって", "ct", None, "attended"),
        ("明日1時間 オペレーター付きで三次元", "cmm", None, "attended"),
        ("依頼測定 来週 CT", "ct", None, "commissioned"),
        ("珍品 明日", "oddity", "odd-1", "self_use"),
        ("the CMM tomorrow with operator, 2 hours", "cmm", None, "attended"),
        ("x-ray tomorrow", "ct", None, "self_use"),
        ("oddity tomorrow 1h", "oddity", "odd-1", "self_use"),
    ],
)
def test_machines_and_services(text: str, kind: str, machine_id: str | None, service: str) -> None:
    found = asked(text)
    assert (found.kind, found.machine_id, found.service) == (kind, machine_id, service)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("明日2時間 焼き芋", "焼き芋"),
        ("tomorrow banana 2 hours", "banana"),
        ("硬さ計 明日", "硬さ計"),  # there is none here
        ("明日25時から", "25:00"),
        ("13/45", "13/45"),
        ("", "—"),
        ("明日 100時間", "6000"),
    ],
)
def test_what_is_not_understood_is_said(text: str, left: str) -> None:
    with pytest.raises(NotRead) as refused:
        asked(text)
    assert refused.value.params["words"] == left


def test_what_is_over_is_said() -> None:
    with pytest.raises(NotInThePast):
        asked("今日の朝一")
    assert asked("朝一").window == between("11-24 00:00", "11-24 10:00")


PIECES = st.sampled_from(
    [
        "明日",
        "今日",
        "来週",
        "月曜",
        "2",
        "30",
        "9999999999",
        "時",
        "分",
        "時間",
        "半",
        "から",
        "まで",
        "午後",
        "12/31",
        "2/30",
        "9999-12-31",
        "days",
        "on",
        "the",
        "31",
        "am",
        "pm",
        "12",
        ":",
        "00",
        "-",
        "h",
        "min",
        "cmm",
        "立会",
        "の",
        "焼",
        "in 99 days",
        "next",
        "tomorrow",
        "half an hour",
    ]
)


@given(st.lists(PIECES, max_size=8).map(" ".join) | st.text(max_size=40))
def test_whatever_is_typed_is_read_or_said_not_to_be(text: str) -> None:
    try:
        found = asked(text)
    except (NotRead, NotInThePast):
        return
    assert timedelta(0) < found.length <= timedelta(hours=24)
    assert found.window.end > NOW
