"""Who is asking: the viewer that every projection and use case takes."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from coop.errors import Forbidden


class Role(StrEnum):
    """What a person may be in the cooperative. `anonymous` is nobody signed in."""

    ENGINEER = "engineer"
    MEMBER_MANAGER = "member_manager"
    OPERATOR = "operator"
    OFFICE = "office"
    DIRECTOR = "director"
    AUDITOR = "auditor"
    WARD = "ward"
    MACHINE = "machine"
    ANONYMOUS = "anonymous"


SEES_NAMES = frozenset({Role.OFFICE, Role.OPERATOR, Role.DIRECTOR, Role.AUDITOR})
SEES_MONEY = frozenset({Role.OFFICE, Role.DIRECTOR, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who asks, with what they may do. `member_id` is None for people of the office and outsiders."""

    person_id: UUID | None
    member_id: str | None
    roles: frozenset[Role]
    scopes: frozenset[str] = field(default=frozenset({"read", "write"}))
    locale: str = "ja"
    on_behalf_of: UUID | None = None

    def has(self, *roles: Role) -> bool:
        """Whether the viewer has at least one of `roles`."""
        return not self.roles.isdisjoint(roles)

    def require(self, *roles: Role) -> None:
        """Raise `Forbidden` unless the viewer has one of `roles`."""
        if not self.has(*roles):
            raise Forbidden()

    def acting_for(self, person_id: UUID | None) -> "Viewer":
        """The same viewer, acting for `person_id`: the audit names both. Oneself is nobody else."""
        return self if person_id == self.person_id else replace(self, on_behalf_of=person_id)

    def sees_names_of(self, member_id: str | None) -> bool:
        """Whether the viewer may know who of `member_id` is behind a reservation or usage."""
        return self.has(*SEES_NAMES) or (member_id is not None and member_id == self.member_id)

    def sees_money_of(self, member_id: str | None) -> bool:
        """Whether the viewer may see what `member_id` pays."""
        own = member_id is not None and member_id == self.member_id
        return self.has(*SEES_MONEY) or (own and self.has(Role.ENGINEER, Role.MEMBER_MANAGER))


ANONYMOUS = Viewer(None, None, frozenset({Role.ANONYMOUS}), frozenset())
SYSTEM = Viewer(None, None, frozenset({Role.OFFICE, Role.OPERATOR}))
"""The cooperative's own jobs (derivation, sweeps); the audit shows no person."""
