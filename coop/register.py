"""The register: the cooperative itself and its members."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from psycopg import errors

from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import SEES_NAMES, Viewer
from coop.queries import load

SQL = load("coop")


class NotFounded(NotFound):
    """The database has no cooperative yet."""

    code = "coop.not_founded"


class AlreadyFounded(Conflict):
    """One database is one cooperative's."""

    code = "coop.already_founded"


class MemberExists(Conflict):
    """A member with this key is in the register already."""

    code = "coop.member_exists"


class LeavesBeforeJoining(Invalid):
    """A member leaves after it has joined."""

    code = "coop.leaves_before_joining"


@dataclass(frozen=True, slots=True)
class Cooperative:
    """Whose database this is. Months are cut and opening hours are read in `time_zone`."""

    slug: str
    name: str
    time_zone: ZoneInfo
    invoice_number: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Member:
    """A factory of the cooperative, or (`is_member` False) a non-member user. `id` is the stable key, never renamed."""

    id: str
    name: str
    kana: str = ""
    address: str = ""
    invoice_number: str | None = None
    is_member: bool = True
    ownership_units: int = 1
    joined_on: date = date(2000, 1, 1)
    left_on: date | None = None
    telephone: str = ""


def found(conn: Connection, cooperative: Cooperative, now: datetime) -> None:
    """Write the one row that makes this database a cooperative's; raises `AlreadyFounded` if there is one."""
    values = {
        "slug": cooperative.slug,
        "name": cooperative.name,
        "time_zone": cooperative.time_zone.key,
        "invoice_number": cooperative.invoice_number,
        "address": cooperative.address,
        "founded_at": now,
    }
    try:
        with conn.transaction():
            conn.execute(SQL["found_cooperative"], values)
    except errors.UniqueViolation:
        raise AlreadyFounded() from None


def cooperative(conn: Connection) -> Cooperative:
    """Whose database this is; raises `NotFounded` in an empty one."""
    row = conn.execute(SQL["cooperative"]).fetchone()
    if row is None:
        raise NotFounded()
    slug, name, time_zone, invoice_number, address = row
    return Cooperative(slug, name, ZoneInfo(time_zone), invoice_number, address)


def add_member(conn: Connection, member: Member) -> None:
    """Enter a member; raises `MemberExists`."""
    values = {name: getattr(member, name) for name in Member.__slots__}
    try:
        with conn.transaction():
            conn.execute(SQL["add_member"], values)
    except errors.UniqueViolation:
        raise MemberExists(member=member.id) from None


def change_member(conn: Connection, member: Member) -> None:
    """Let a member's entry say this from now on; raises `LeavesBeforeJoining`."""
    if member.left_on is not None and member.left_on <= member.joined_on:
        raise LeavesBeforeJoining()
    conn.execute(SQL["change_member"], {name: getattr(member, name) for name in Member.__slots__})


def members(conn: Connection, viewer: Viewer) -> list[Member]:
    """All members for those who may know them; only their own for the others."""
    everyone = [Member(*row) for row in conn.execute(SQL["members"])]
    if viewer.has(*SEES_NAMES):
        return everyone
    return [member for member in everyone if member.id == viewer.member_id]


def member(conn: Connection, viewer: Viewer, member_id: str) -> Member:
    """One member; raises `NotFound` for one that does not exist or that the viewer may not know."""
    row = conn.execute(SQL["member_by_id"], {"id": member_id}).fetchone()
    if row is None or not viewer.sees_names_of(member_id):
        raise NotFound()
    return Member(*row)
