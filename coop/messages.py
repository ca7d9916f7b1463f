"""Sentences in Japanese and English, from each room's catalogues."""

from functools import cache
from importlib import resources

from babel.messages.pofile import read_po

ROOMS = ("coop", "booking", "telemetry", "billing", "dashboards", "moyai")
LOCALES = ("ja", "en")
DEFAULT = "ja"


@cache
def catalogue(locale: str) -> dict[str, str]:
    """Every room's sentences of `locale` by key. A key belongs to one room; given twice it raises `ValueError`."""
    sentences: dict[str, str] = {}
    for room in ROOMS:
        file = resources.files(room).joinpath("locale", f"{locale}.po")
        if not file.is_file():
            continue
        with file.open("rb") as stream:
            for message in read_po(stream, locale=locale):
                if message.id:
                    key = str(message.id)
                    if key in sentences:
                        raise ValueError(f"{room}/locale/{locale}.po: {key} stands elsewhere too")
                    sentences[key] = str(message.string)
    return sentences


def translate(key: str, locale: str, **params: object) -> str:
    """The sentence of `key` with its parameters filled in; the key itself when no catalogue has it."""
    sentence = catalogue(locale if locale in LOCALES else DEFAULT).get(key)
    if not sentence:
        return key
    return sentence.format_map(_Named(params))


class _Named(dict[str, object]):
    """A parameter that was not given shows as its name: a sentence is never lost to a missing value."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
