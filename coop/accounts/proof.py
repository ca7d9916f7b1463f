"""What a session still lacks before it opens anything. Pure."""

from enum import StrEnum

from coop.identity import Role

NEED_TWO = frozenset({Role.OFFICE, Role.DIRECTOR, Role.AUDITOR})
"""Who sees everybody's money signs in with a second factor."""


class Lacking(StrEnum):
    """A second factor that the person has and did not give, or that they must set up."""

    PROOF = "proof"
    ENROLMENT = "enrolment"


def lacking(
    roles: frozenset[Role], *, proved: bool, has_code: bool, has_passkey: bool, for_office: bool
) -> Lacking | None:
    """What is missing: who set up codes is always asked for one; who must have two factors also for their passkey."""
    if proved:
        return None
    if has_code:
        return Lacking.PROOF
    if not for_office or roles.isdisjoint(NEED_TWO):
        return None
    return Lacking.PROOF if has_passkey else Lacking.ENROLMENT
