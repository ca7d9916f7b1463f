"""The desk of questioned lines: what the member asks, the office's answer or proposal, the second person's decision."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse

from billing import store
from billing.disputes import settle
from billing.disputes.api import DecisionWanted, ProposalWanted, Words
from billing.disputes.model import Action, Dispute
from billing.explain.line import issued, rules
from billing.explain.wording import describe
from billing.model import AdjustmentReason
from billing.store import first_day
from coop import cells, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid
from coop.identity import Role
from coop.messages import translate
from coop.paging import Slice, cursor_of, key_in
from coop.problems import locale_of
from dashboards.closing.store import names
from dashboards.forms import FieldInvalid, Refusal, read, sent
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

LISTED = 30
Typed = Annotated[str, Form(max_length=2000)]
WAITING = frozenset({Action.ASKED, Action.PROPOSED})
"""Where a dispute waits for somebody of the cooperative."""


@router.get("/disputes")
def desk(door: Entrance, cursor: Annotated[str, Query(max_length=1000)] = "") -> HTMLResponse:
    """Questioned lines, newest first."""
    part = Slice(key_in(cursor, datetime, UUID) if cursor else None, LISTED + 1)

    def ask(conn: Connection) -> dict[str, Any]:
        found = settle.disputes(conn, door.viewer, part)
        last = found[LISTED - 1] if len(found) > LISTED else None
        return {
            "zone": register.cooperative(conn).time_zone,
            "disputes": found[:LISTED],
            "members": {each.id: each.name for each in register.members(conn, door.viewer)},
            "more": cursor_of(last.opened_at, last.id) if last else None,
        }

    return page(door, "money/disputes.html", here="disputes", first_day=first_day, waiting=WAITING, **door.run(ask))


@router.get("/disputes/{dispute_id}")
def show(dispute_id: UUID, door: Entrance) -> Response:
    """One questioned line with all that was said and done about it."""
    return _page(door, dispute_id)


@router.post("/disputes/{dispute_id}/answers")
def answer(dispute_id: UUID, door: Entrance, words: Typed = "") -> Response:
    """Answer the member; the charge stays as it is."""

    def use_case(conn: Connection) -> Dispute:
        said = read(Words, {"words": words.strip()}, "dispute.field", locale_of(door.request))
        return settle.answer(conn, door.viewer, dispute_id, said.words, door.now)

    return _taken(door, dispute_id, use_case, {"form": "answer", "words": words})


@router.post("/disputes/{dispute_id}/proposals")
def propose(
    dispute_id: UUID, door: Entrance, words: Typed = "", gives_back_yen: Typed = "", waive: Typed = ""
) -> Response:
    """Propose to give back so many yen of the line, as a correction or (`waive`) as a kindness."""

    def use_case(conn: Connection) -> Dispute:
        typed = {"words": words.strip(), "waive": bool(waive), "amount_yen": -_yen(gives_back_yen, door)}
        said = read(ProposalWanted, typed, "dispute.field", locale_of(door.request))
        reason = AdjustmentReason.WAIVER if said.waive else AdjustmentReason.CORRECTION
        return settle.propose(conn, door.viewer, dispute_id, reason, said.amount_yen, said.words, door.now)

    typed = {"form": "propose", "words": words, "gives_back_yen": gives_back_yen, "waive": waive}
    return _taken(door, dispute_id, use_case, typed)


@router.post("/disputes/{dispute_id}/decisions")
def decide(dispute_id: UUID, door: Entrance, words: Typed = "", agrees: Typed = "") -> Response:
    """Agree with a proposal as another person than who made it, or refuse it."""

    def use_case(conn: Connection) -> Dispute:
        typed = {"words": words.strip(), "agrees": agrees == "yes"}
        said = read(DecisionWanted, typed, "dispute.field", locale_of(door.request))
        return settle.decide(conn, door.viewer, dispute_id, said.agrees, said.words, door.now)

    return _taken(door, dispute_id, use_case, {"form": "decide", "words": words})


def _taken(door: Door, dispute_id: UUID, use_case: Callable[[Connection], Dispute], typed: dict[str, Any]) -> Response:
    return sent(
        door,
        use_case,
        lambda _: f"/disputes/{dispute_id}",
        lambda refused: _page(door, dispute_id, refused=refused, typed=typed),
    )


def _page(
    door: Door, dispute_id: UUID, *, refused: Refusal | None = None, typed: dict[str, Any] | None = None
) -> HTMLResponse:
    viewer, locale = door.viewer, locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        found = settle.dispute(conn, viewer, dispute_id)
        of = issued(conn, viewer, found.statement_id)
        (line,) = store.lines(conn, of.statement, found.n)
        ruled = rules(conn, of.month)
        return {
            "zone": ruled.zone,
            "dispute": found,
            "line": line,
            "what": describe(line, ruled, locale),
            "member": register.member(conn, viewer, found.member_id),
            "names": names(conn, [each.taken_by for each in found.steps if each.taken_by]),
        }

    about = door.run(ask)
    last = about["dispute"].last
    return page(
        door,
        "money/dispute.html",
        here="disputes",
        status=refused.status if refused else 200,
        refused=refused.sentence if refused else None,
        typed=defaultdict(str, typed or {}),
        first_day=first_day,
        now=door.now,
        office=viewer.has(Role.OFFICE),
        decides=last.action is Action.PROPOSED
        and viewer.has(Role.OFFICE, Role.DIRECTOR)
        and viewer.person_id != last.taken_by,
        **about,
    )


def _yen(text: str, door: Door) -> int:
    try:
        return cells.whole(1)(text.replace("¥", ""))
    except Invalid:
        raise FieldInvalid(field=translate("dispute.field.amount_yen", locale_of(door.request))) from None
