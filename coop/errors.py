"""What can go wrong, as codes with parameters; the sentences are in each room's catalogues."""

from enum import StrEnum
from typing import Any, ClassVar


class Kind(StrEnum):
    """How a door answers: HTTP status, exit code."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    INVALID = "invalid"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class MoyaiError(Exception):
    """Something that a person can be told and do something about.

    `code` is stable and machine-readable (`booking.slot_taken`); `params` fill the sentence of that code in the
    catalogue; `extra` are further members of the problem document (conflicts, next free slots), JSON-ready.
    """

    kind: ClassVar[Kind] = Kind.INVALID
    code: str = "coop.invalid"

    def __init__(self, *, extra: dict[str, Any] | None = None, **params: object) -> None:
        super().__init__(self.code, params)
        self.params = params
        self.extra = extra or {}

    def __str__(self) -> str:
        said = " ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code} {said}".rstrip()


class NotFound(MoyaiError):
    """There is no such thing, or the viewer may not know of it."""

    kind = Kind.NOT_FOUND
    code = "coop.not_found"


class Conflict(MoyaiError):
    """The request is well formed but the present state does not allow it."""

    kind = Kind.CONFLICT
    code = "coop.conflict"


class Forbidden(MoyaiError):
    """The viewer may not do this."""

    kind = Kind.FORBIDDEN
    code = "coop.forbidden"


class Unauthenticated(MoyaiError):
    """Nobody is signed in, or the credential is no longer valid."""

    kind = Kind.UNAUTHENTICATED
    code = "coop.unauthenticated"


class Invalid(MoyaiError):
    """The request cannot be understood or breaks a rule of the field."""


class PreconditionFailed(MoyaiError):
    """The object changed since the viewer last read it."""

    kind = Kind.PRECONDITION_FAILED
    code = "coop.changed_meanwhile"


class Unavailable(MoyaiError):
    """A part that is needed does not answer now; trying again later is safe."""

    kind = Kind.UNAVAILABLE
    code = "coop.unavailable"


class Throttled(MoyaiError):
    """Too much at once or too often wrong; `retry_after_seconds` says when to come back."""

    kind = Kind.THROTTLED
    code = "coop.throttled"
