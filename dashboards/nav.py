"""The places: what stands in the bar (phone) and the rail (office) for whom."""

from dataclasses import dataclass

from coop.identity import SEES_MONEY, Role, Viewer
from coop.rights import SIGNED_IN

EVERYBODY = SIGNED_IN
WARD_TOO = SIGNED_IN | {Role.WARD}
REPORTS = SEES_MONEY | {Role.WARD}
BOOKS = frozenset({Role.ENGINEER, Role.MEMBER_MANAGER, Role.OPERATOR, Role.OFFICE})
OFFICE = frozenset({Role.OFFICE})
OFFICE_AND_OPERATOR = frozenset({Role.OFFICE, Role.OPERATOR})
PAYS = SEES_MONEY | {Role.ENGINEER, Role.MEMBER_MANAGER}


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the bar or rail, for people with one of `roles`. A phone's bar holds those with `thumb`."""

    key: str
    href: str
    roles: frozenset[Role]
    thumb: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Places that stand together below the heading `group.<key>`; the first group has none."""

    key: str
    places: tuple[Place, ...]


PLACES = (
    Group(
        "main",
        (
            Place("today", "/", EVERYBODY, thumb=True),
            Place("timeline", "/timeline", EVERYBODY),
            Place("find", "/find", EVERYBODY, thumb=True),
            Place("reservations", "/reservations", EVERYBODY, thumb=True),
            Place("me", "/me", WARD_TOO, thumb=True),
            Place("member", "/member", frozenset({Role.MEMBER_MANAGER})),
        ),
    ),
    Group(
        "watch",
        (
            Place("machines", "/machines", EVERYBODY),
            Place("utilisation", "/utilisation", WARD_TOO),
            Place("subsidy", "/reports/subsidy", REPORTS),
            Place("devices", "/devices", OFFICE_AND_OPERATOR),
            Place("problems", "/problems", OFFICE_AND_OPERATOR),
        ),
    ),
    Group(
        "money",
        (
            Place("statements", "/statements", PAYS),
            Place("closing", "/closing", SEES_MONEY),
            Place("documents", "/documents", SEES_MONEY),
            Place("bank", "/bank/receipts", OFFICE),
            Place("disputes", "/disputes", SEES_MONEY),
            Place("what-if", "/what-if", frozenset({Role.OFFICE, Role.DIRECTOR})),
        ),
    ),
    Group(
        "office",
        (
            Place("telephone", "/office/telephone", OFFICE),
            Place("members", "/office/members", OFFICE),
            Place("people", "/office/people", OFFICE),
            Place("machine-register", "/office/machines", OFFICE),
            Place("tariffs", "/office/tariffs", OFFICE),
            Place("costs", "/office/costs", OFFICE),
            Place("audit", "/audit", SEES_MONEY),
        ),
    ),
)


def groups_of(viewer: Viewer) -> list[Group]:
    """The places that exist for this viewer; nobody who is not signed in has any."""
    if viewer.person_id is None:
        return []
    groups = [Group(group.key, tuple(each for each in group.places if viewer.has(*each.roles))) for group in PLACES]
    return [group for group in groups if group.places]
