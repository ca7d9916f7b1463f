"""What changed, when, and by whom: the audit trail of one thing in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coop import audit
from coop.database import Connection
from coop.identity import Viewer
from coop.messages import catalogue, translate


@dataclass(frozen=True, slots=True)
class Told:
    """One entry: when, who (None: Moyai itself), for whom, what, and the cells that it changed."""

    at: datetime
    who: str | None
    on_behalf_of: str | None
    what: str
    cells: tuple[str, ...]


def history(conn: Connection, viewer: Viewer, subject: str, locale: str) -> list[Told]:
    """The last entries of the trail about `subject`, the newest first."""
    return [
        Told(each.at, each.actor, each.on_behalf_of, _what(each.action, locale), _cells(each.detail, locale))
        for each in audit.about(conn, viewer, subject)
    ]


def _what(action: str, locale: str) -> str:
    key = f"history.{action}"
    return translate(key if key in catalogue(locale) else "history.other", locale)


def _cells(detail: Mapping[str, Any], locale: str) -> tuple[str, ...]:
    """`脱退日: なし → 2027-03-31`; of what people are called only that it changed."""
    return tuple(
        _header(name, locale)
        if pair is None
        else translate(
            "history.cell",
            locale,
            cell=_header(name, locale),
            before=_said(pair[0], locale),
            now=_said(pair[1], locale),
        )
        for name, pair in detail.get("cells", {}).items()
    )


def _header(name: str, locale: str) -> str:
    return translate(f"booking.column.{name}", locale)


def _said(value: Any, locale: str) -> str:
    if isinstance(value, bool):
        return translate("booking.yes" if value else "booking.no", locale)
    return str(value) if value not in {None, ""} else translate("history.nothing", locale)
