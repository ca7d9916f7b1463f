"""Lists that go on: a page begins after a key, not at a number, so what is entered meanwhile neither hides nor repeats.

A list is sorted by a key that is its own for each entry. The way to the next page is in `Link` (RFC 8288).
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Response

from coop.errors import Invalid
from coop.interval import aware

Entry = TypeVar("Entry")


class CursorInvalid(Invalid):
    """A cursor is taken from the answer before, as it is."""

    code = "coop.cursor_invalid"


@dataclass(frozen=True, slots=True)
class Slice:
    """What of a sorted list is read: at most `limit` entries that come after the key `after`."""

    after: tuple[Any, ...] | None = None
    limit: int | None = None

    def values(self, *names: str) -> dict[str, Any]:
        """What a statement is told: the parts of the key by `names`, all None at the beginning, and `limit`."""
        after = self.after or (None,) * len(names)
        return dict(zip(names, after, strict=True)) | {"limit": self.limit}


WHOLE = Slice()
"""All of a list."""

_READ: dict[type, Callable[[str], Any]] = {
    datetime: lambda text: aware(datetime.fromisoformat(text)),
    date: date.fromisoformat,
    UUID: UUID,
    int: int,
    str: str,
}


def cursor_of(*key: object) -> str:
    """The key of an entry as a cursor: text for an address that says nothing to its reader."""
    parts = [each.isoformat() if isinstance(each, date) else str(each) for each in key]
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def key_in(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The key, of such `kinds`, that `cursor_of` wrote; raises `CursorInvalid`."""
    try:
        parts = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(parts, list) or not all(isinstance(each, str) for each in parts):
            raise CursorInvalid()
        return tuple(_READ[kind](text) for kind, text in zip(kinds, parts, strict=True))
    except (binascii.Error, ValueError, OverflowError, Invalid):
        raise CursorInvalid() from None


@dataclass(frozen=True, slots=True)
class Paging:
    """What an endpoint declares to give its list page by page."""

    request: Request
    response: Response
    limit: int
    cursor: str | None

    def slice(self, *kinds: type) -> Slice:
        """What to read for a page, and one entry more that tells whether there is another; raises `CursorInvalid`."""
        return Slice(key_in(self.cursor, *kinds) if self.cursor else None, self.limit + 1)

    def page(self, found: Sequence[Entry], key: Callable[[Entry], tuple[object, ...]], **fixed: str) -> Sequence[Entry]:
        """The page of what `slice` found; `fixed` parameters stay as they were for the first page."""
        if len(found) <= self.limit:
            return found
        self.lead_to(cursor_of(*key(found[self.limit - 1])), **fixed)
        return found[: self.limit]

    def lead_to(self, cursor: str, **fixed: str) -> None:
        """Say in `Link` where the list goes on."""
        following = self.request.url.include_query_params(cursor=cursor, **fixed)
        self.response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'


def _paging(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many at once.")] = 50,
    cursor: Annotated[str | None, Query(max_length=1000, description="From `Link`: where the page begins.")] = None,
) -> Paging:
    return Paging(request, response, limit, cursor or None)


Paged = Annotated[Paging, Depends(_paging)]
"""What the signature of an endpoint says: `def list_things(door: Entrance, paging: Paged)`."""
