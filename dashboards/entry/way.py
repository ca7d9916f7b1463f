"""Where the way in leads, and how a refusal on it is said."""

from urllib.parse import urlsplit

from coop.door import Door
from coop.errors import MoyaiError
from coop.messages import translate
from coop.problems import locale_of


def within(address: str) -> str:
    """`address` when it is a place on this site, else the first page: a link may not send a reader elsewhere."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return address if inside and "\\" not in address else "/"


def refusal(door: Door, refused: MoyaiError | None) -> str:
    """The sentence of an error, in the reader's language; empty for none."""
    return translate(refused.code, locale_of(door.request), **refused.params) if refused else ""
