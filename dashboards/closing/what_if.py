"""A month by another rule: who would pay what, as a table that is a chart. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Query, Response, UploadFile
from pydantic import ValidationError

from billing import store
from billing.costs import listing
from billing.costs.api_compare import WhatIf
from billing.costs.compare import Compared, Comparison, OtherRules, compare
from billing.costs.model import Allocation
from billing.model import PoolKind
from billing.store import first_day
from coop import cells, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid, MoyaiError
from coop.interval import month_of
from coop.messages import translate
from coop.problems import locale_of
from dashboards.forms import FieldInvalid, Refusal, refusal
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

SIMPLE = ("equal", "by_use", "by_commitment", "by_units", "hybrid")
"""The rules that the form offers; all others are for a file."""
MOST_FILE_BYTES = 100_000
Text = Annotated[str, Query(max_length=100)]


class FileInvalid(Invalid):
    """The file is not YAML, or does not say rules."""

    code = "what_if.file_invalid"


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form says: a pool and the rule that it would be divided by."""

    month: str
    pool: str = ""
    rule: str = "equal"
    percent: str = "50"

    def rules(self, locale: str) -> OtherRules:
        """As the comparison takes it; raises `FieldInvalid`."""
        if self.rule not in SIMPLE:
            raise FieldInvalid(field=translate("what_if.rule", locale))
        if self.rule != "hybrid":
            return OtherRules({self.pool: {"allocation": Allocation(self.rule), "alpha": Decimal(1)}}, {})
        parts = {"allocation": Allocation.EQUAL, "alpha": self._alpha(locale), "rest_by": Allocation.BY_USE}
        return OtherRules({self.pool: parts}, {})

    def _alpha(self, locale: str) -> Decimal:
        try:
            percent = cells.whole(0)(self.percent)
        except Invalid:
            percent = 101
        if percent > 100:
            raise FieldInvalid(field=translate("what_if.percent", locale))
        return Decimal(percent) / 100


@dataclass(frozen=True, slots=True)
class Bar:
    """A member's two amounts as widths in percent of the longest."""

    compared: Compared
    now: str
    then: str


@router.get("/what-if")
def show(door: Entrance, month: Text = "", pool: Text = "", rule: Text = "equal", percent: Text = "50") -> Response:
    """The form, and with a pool chosen the comparison; its address can be kept and sent."""
    return _page(door, Typed(month, pool, rule, percent), None)


@router.post("/what-if")
def by_file(door: Entrance, month: Text = "", rules: UploadFile | None = None) -> Response:
    """The comparison by a file of rules, as the command line takes it."""
    content = rules.file.read(MOST_FILE_BYTES + 1) if rules else b""
    try:
        return _page(door, Typed(month), _in_file(content))
    except FileInvalid as wrong:
        return _page(door, Typed(month), None, refusal(wrong, locale_of(door.request)))


def _in_file(content: bytes) -> WhatIf:
    try:
        if len(content) > MOST_FILE_BYTES:
            raise FileInvalid(where="—", why=f"> {MOST_FILE_BYTES // 1000} kB")
        return WhatIf.model_validate(yaml.safe_load(content.decode()) or {})
    except (UnicodeDecodeError, yaml.YAMLError) as unreadable:
        raise FileInvalid(where="—", why=str(unreadable)) from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise FileInvalid(where=".".join(str(each) for each in first["loc"]) or "—", why=first["msg"]) from None


def _page(door: Door, typed: Typed, file: WhatIf | None, refused: Refusal | None = None) -> Response:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        begun = [each.month for each in store.periods(conn) if each.drafted_at is not None]
        this = f"{month_of(door.now, zone).start.astimezone(zone):%Y-%m}"
        pools = [pool for pool, _ in listing.pools(conn)]
        return {
            "zone": zone,
            "months": begun or [this],
            "month": typed.month or (begun or [this])[0],
            "pools": {each.id: each.name_ja if locale == "ja" else each.name_en for each in pools},
            "divided": [each for each in pools if each.kind is not PoolKind.FEE],
            "members": {each.id: each.name for each in register.members(conn, door.viewer)},
        }

    about = door.run(ask)
    found: Comparison | None = None
    if refused is None and (file is not None or typed.pool):
        try:
            rules = file.rules() if file is not None else typed.rules(locale)
            found = door.run(lambda conn: compare(conn, door.viewer, about["month"], rules))
        except MoyaiError as error:
            refused = refusal(error, locale)
    return page(
        door,
        "closing/what_if.html",
        here="what-if",
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        typed=typed,
        simple=SIMPLE,
        found=found,
        by_file=file,
        bars=bars(found.members) if found else [],
        first_day=first_day,
        **about,
    )


def bars(members: Sequence[Compared]) -> list[Bar]:
    """Each member's amounts beside the largest of all; whose differs most stands first."""
    longest = max((max(each.as_is_yen, each.what_if_yen) for each in members), default=0)

    def width(yen: int) -> str:
        return f"{100 * max(yen, 0) / longest:.2f}%" if longest > 0 else "0%"

    ordered = sorted(members, key=lambda each: (-abs(each.difference_yen), each.member_id))
    return [Bar(each, width(each.as_is_yen), width(each.what_if_yen)) for each in ordered]
