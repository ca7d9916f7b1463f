"""A member's manager: our people, what we have booked and used, what it costs, and what is printed of us."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from billing.disputes import settle
from billing.documents import parties
from billing.documents.model import Recipient
from billing.documents.numbers import registration_is_plausible
from billing.documents.views import RecipientWanted
from billing.ledger import account
from billing.periods.so_far import so_far
from booking.rules.allowance import allowances
from booking.training import granting
from coop import accounts, leaving, people, register
from coop.accounts import invitations
from coop.accounts.api import link_of
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid, Kind, MoyaiError
from coop.identity import Role
from coop.interval import month_of
from coop.messages import translate
from coop.paging import Slice
from coop.problems import STATUS, locale_of
from dashboards.mine.rows import kinds, names
from dashboards.mine.store import Hours, hours_of_people, months_of_member, own_member
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

A_YEAR = timedelta(days=366)
QUESTIONS = 5
DONE = frozenset({"recipient", "ended", "again", "invited"})


@dataclass(frozen=True, slots=True)
class Invited:
    """Who is invited, as typed."""

    name: str = ""
    email: str = ""
    sign_in_name: str = ""
    manages: bool = False


class NameMissing(Invalid):
    """Whoever is invited has a name."""

    code = "member.name_missing"


class RecipientUnclear(Invalid):
    """The name is missing, or the registration number is not T and 13 digits."""

    code = "member.recipient_unclear"


@router.get("/member")
def member_page(door: Entrance, done: str = "") -> Response:
    """Our people, hours, money and papers."""
    return _shown(door, done=done)


@router.post("/member/recipient")
def change_recipient(
    door: Entrance,
    name: Annotated[str, Form(max_length=200)] = "",
    address: Annotated[str, Form(max_length=500)] = "",
    invoice_number: Annotated[str, Form(max_length=20)] = "",
    english: Annotated[bool, Form()] = False,
    part_names: Annotated[bool, Form()] = False,
) -> Response:
    """Let documents say this of us from now on."""
    member_id = own_member(door.viewer)
    typed = Recipient(member_id, name.strip(), address.strip(), invoice_number.strip() or None, english, part_names)

    def use_case(conn: Connection) -> None:
        try:
            RecipientWanted(
                name=typed.name,
                address=typed.address,
                invoice_number=typed.invoice_number,
                english=english,
                part_names=part_names,
            )
        except ValidationError:
            raise RecipientUnclear() from None
        parties.set_recipient(conn, door.viewer, typed, door.now)

    try:
        door.run(use_case)
    except MoyaiError as refused:
        if refused.kind is not Kind.INVALID:
            raise
        return _shown(door, typed=typed, refused=refused)
    return RedirectResponse("/member?done=recipient#papers", status_code=303)


@router.post("/member/people")
def invite(
    door: Entrance,
    name: Annotated[str, Form(max_length=100)] = "",
    email: Annotated[str, Form(max_length=254)] = "",
    sign_in_name: Annotated[str, Form(max_length=31)] = "",
    manages: Annotated[bool, Form()] = False,
) -> Response:
    """Invite one of our people: by mail, or by the link that this page shows from then on."""
    typed = Invited(name.strip(), email.strip(), sign_in_name.strip(), manages)

    def use_case(conn: Connection) -> None:
        if not typed.name:
            raise NameMissing()
        accounts.invite(
            conn,
            door.viewer,
            door.request.app.state.settings.secret_key,
            door.now,
            name=typed.name,
            roles=[Role.MEMBER_MANAGER if manages else Role.ENGINEER],
            member_id=own_member(door.viewer),
            email=typed.email,
            sign_in_name=typed.sign_in_name or None,
            locale=locale_of(door.request),
        )

    try:
        door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT}:
            raise
        return _shown(door, invited=typed, refused=refused)
    return RedirectResponse("/member?done=invited#people", status_code=303)


@router.post("/member/people/{person_id}/end")
def end_access(person_id: UUID, door: Entrance) -> Response:
    """One of our people comes in no more."""
    try:
        door.run(lambda conn: leaving.end_access(conn, door.viewer, person_id, door.now))
    except leaving.OwnAccess as refused:
        return _shown(door, refused=refused)
    return RedirectResponse("/member?done=ended#people", status_code=303)


@router.post("/member/people/{person_id}/again")
def access_again(person_id: UUID, door: Entrance) -> Response:
    """It was ended by mistake, or they came back."""
    door.run(lambda conn: leaving.access_again(conn, door.viewer, person_id, door.now))
    return RedirectResponse("/member?done=again#people", status_code=303)


def _shown(
    door: Door,
    *,
    done: str = "",
    typed: Recipient | None = None,
    invited: Invited | None = None,
    refused: MoyaiError | None = None,
) -> Response:
    viewer, locale, now = door.viewer, locale_of(door.request), door.now
    member_id = own_member(viewer)

    def ask(conn: Connection) -> dict[str, Any]:
        zone = register.cooperative(conn).time_zone
        month = month_of(now, zone)
        recipient = typed or parties.recipient(conn, viewer, member_id)
        number = recipient.invoice_number
        known = people.people_of(conn, viewer)
        levels: dict[UUID, list[granting.Granted]] = defaultdict(list)
        for granted in granting.qualifications(conn, viewer, now):
            levels[granted.person_id].append(granted)
        return {
            "zone": zone,
            "member": register.member(conn, viewer, member_id),
            "month": month,
            "so_far": so_far(conn, viewer, now),
            "people": sorted(known, key=lambda each: (not each.active, each.name)),
            "levels": levels,
            "invitations": [
                (each, link) for each in invitations.invitations(conn, viewer) if (link := link_of(door, each))
            ],
            "hours": _by_person(hours_of_people(conn, viewer, month)),
            "names": names(conn, locale),
            "kinds": kinds(conn, locale),
            "months": months_of_member(conn, viewer, (now - A_YEAR).date()),
            "stands": account.standing(conn, viewer, member_id, Slice(limit=1)),
            "quotas": allowances(conn, viewer, now),
            "questions": settle.disputes(conn, viewer, Slice(limit=QUESTIONS)),
            "recipient": recipient,
            "doubtful": number is not None and not registration_is_plausible(number),
        }

    return page(
        door,
        "mine/member.html",
        here="member",
        status=STATUS[refused.kind].value if refused else 200,
        now=now,
        done=done if done in DONE else "",
        refused=translate(refused.code, locale, **refused.params) if refused else "",
        me_id=viewer.person_id,
        invited=invited or Invited(),
        **door.run(ask),
    )


def _by_person(hours: list[Hours]) -> dict[UUID | None, list[Hours]]:
    found: dict[UUID | None, list[Hours]] = defaultdict(list)
    for each in hours:
        found[each.person_id].append(each)
    return found
