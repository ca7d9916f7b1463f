"""Who changes a thing names what they read: the `ETag` of the answer, sent back as `If-Match`."""

import hashlib
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

from coop.errors import Kind, MoyaiError, PreconditionFailed

IfMatch = Annotated[str | None, Header(description='The ETag of the answer that is to be changed, like "3"')]


class VersionNeeded(MoyaiError):
    """A change names the version that it changes, so that nobody overwrites what they have not seen."""

    kind = Kind.PRECONDITION_REQUIRED
    code = "booking.version_needed"


def version_of(if_match: str) -> int | None:
    """The version that an `If-Match` names, None for `*`; raises `PreconditionFailed` for what is no ETag of ours."""
    tag = if_match.strip()
    if tag == "*":
        return None
    number = tag[1:-1]
    if tag != f'"{number}"' or not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise PreconditionFailed()
    return int(number)


def etag_of(shown: BaseModel) -> str:
    """The ETag of what has no version of its own: told from all that is shown of it."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:32]}"'


def must_match(if_match: str | None, shown: BaseModel | None) -> None:
    """Raise `VersionNeeded` or `PreconditionFailed` unless `if_match` names what is `shown` now.

    What is not there yet (None) is made without an `If-Match`.
    """
    if shown is not None and if_match is None:
        raise VersionNeeded()
    if if_match is not None and (shown is None or if_match.strip() not in {"*", etag_of(shown)}):
        raise PreconditionFailed()
