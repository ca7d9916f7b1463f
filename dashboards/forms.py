"""A form's answer: what was done leads on to a page that says so; what was refused shows the form with all typed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from coop.database import Connection
from coop.door import Door
from coop.errors import Invalid, Kind, MoyaiError
from coop.messages import translate
from coop.problems import STATUS, locale_of

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)

SAID = frozenset({Kind.INVALID, Kind.CONFLICT, Kind.NOT_FOUND, Kind.FORBIDDEN})
"""What a form says in its own place; other errors are pages."""


class FieldInvalid(Invalid):
    """A field is empty or not written as it is read."""

    code = "form.field_invalid"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a form was refused, in the reader's language, and the status that the page answers with."""

    sentence: str
    status: int


def sent(
    door: Door,
    use_case: Callable[[Connection], Result],
    then: Callable[[Result], str],
    again: Callable[[Refusal], Response],
) -> Response:
    """Run `use_case` and go to the page of `then`, or show the form `again` with what it was refused for."""
    try:
        result = door.run(use_case)
    except MoyaiError as error:
        if error.kind not in SAID:
            raise
        return again(refusal(error, locale_of(door.request)))
    return RedirectResponse(then(result), 303)


def refusal(error: MoyaiError, locale: str) -> Refusal:
    """What a form says of an error."""
    return Refusal(translate(error.code, locale, **error.params), STATUS[error.kind].value)


def read(model: type[Model], typed: dict[str, Any], fields: str, locale: str) -> Model:
    """What was typed, as the API takes it; raises `FieldInvalid` naming the first field that is wrong.

    The sentence `<fields>.<name>` is the label of the field `name`.
    """
    try:
        return model.model_validate(typed)
    except ValidationError as wrong:
        name = str(wrong.errors()[0]["loc"][0])
        raise FieldInvalid(field=translate(f"{fields}.{name}", locale)) from None
