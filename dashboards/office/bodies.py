"""The API's request bodies out of the fields of a form, so that a page asks exactly what a program is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from coop.api import Wanted
from coop.errors import Invalid, Kind, MoyaiError
from coop.messages import translate

Body = TypeVar("Body", bound=Wanted)


class FieldsInvalid(Invalid):
    """Some fields of the form say what they may not; `names` are theirs."""

    code = "entry.fields_invalid"

    def __init__(self, names: set[str]) -> None:
        super().__init__(count=len(names))
        self.names = names


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that was refused: which one of the page, what stood in it, what is wrong, and with which fields."""

    form: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    wrong: frozenset[str] = frozenset()

    def get(self, form: str, name: str, otherwise: Any = "") -> Any:
        """What stands in a field: as typed, if it is this form that was refused."""
        return self.said.get(name, "") if form == self.form else otherwise

    def of(self, form: str) -> str:
        """What is wrong with this form."""
        return self.refused if form == self.form else ""


def body(model: type[Body], said: Mapping[str, str], **more: Any) -> Body:
    """The body that the fields of a form say; an empty field is left out. Raises `FieldsInvalid`."""
    given = {name: value.strip() for name, value in said.items() if value.strip() and name in model.model_fields}
    try:
        return model.model_validate(given | more)
    except ValidationError as invalid:
        raise FieldsInvalid({str(each["loc"][0]) if each["loc"] else "" for each in invalid.errors()}) from None


def kept(form: str, said: Mapping[str, str], refused: MoyaiError, locale: str) -> Kept:
    """The form as it was typed, with the sentence of its refusal; raises what a form cannot mend."""
    if refused.kind not in {Kind.INVALID, Kind.CONFLICT, Kind.NOT_FOUND}:
        raise refused
    wrong = frozenset(refused.names) if isinstance(refused, FieldsInvalid) else frozenset[str]()
    return Kept(form, said, translate(refused.code, locale, **refused.params), wrong)
