"""Cursors: what is written is read, and what is not of ours is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop.paging import WHOLE, CursorInvalid, Slice, cursor_of, key_in

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # of UTC
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
PARTS = [(datetime, MOMENTS), (date, st.dates()), (UUID, st.uuids()), (int, st.integers()), (str, TEXTS)]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5), st.data())
def test_a_key_comes_back_as_it_was(parts: list[Any], data: st.DataObject) -> None:
    key = tuple(data.draw(values) for _, values in parts)
    cursor = cursor_of(*key)
    assert cursor.isascii()
    assert key_in(cursor, *(kind for kind, _ in parts)) == key


@given(st.text(max_size=60), st.sampled_from([kind for kind, _ in PARTS if kind is not str]))
def test_what_is_no_cursor_is_refused(text: str, kind: type) -> None:
    with pytest.raises(CursorInvalid):
        key_in(text, kind)


@pytest.mark.parametrize(
    ("cursor", "kinds"),
    [
        (cursor_of("a"), (str, str)),
        (cursor_of("a", "b"), (str,)),
        (cursor_of("2026-10-01T00:00:00"), (datetime,)),  # of no time zone
        (cursor_of(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))), (datetime,)),  # before the year 1 of UTC
        (cursor_of("9" * 5000), (int,)),
        ("eyIxIjogIjIifQ", (str,)),
        ("WzFd", (int,)),
    ],
)
def test_a_cursor_of_another_list_is_refused(cursor: str, kinds: tuple[type, ...]) -> None:
    with pytest.raises(CursorInvalid):
        key_in(cursor, *kinds)


def test_a_statement_is_told_the_place_or_the_beginning() -> None:
    assert WHOLE.values("after_at", "after_id") == {"after_at": None, "after_id": None, "limit": None}
    assert Slice((1, 2), 51).values("after_at", "after_id") == {"after_at": 1, "after_id": 2, "limit": 51}
