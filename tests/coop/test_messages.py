"""Every sentence exists in both languages, with the same parameters, and every error has one."""

import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import moyai.application  # so that every room's errors are loaded
from coop.errors import MoyaiError
from coop.messages import LOCALES, ROOMS, catalogue, translate
from coop.rights import routes

ROOT = Path(__file__).parents[2]


def keys(room: str, locale: str) -> dict[str, str]:
    file = ROOT / room / "locale" / f"{locale}.po"
    if not file.exists():
        return {}
    with file.open("rb") as stream:
        return {str(each.id): str(each.string) for each in read_po(stream, locale=locale) if each.id}


def placeholders(sentence: str) -> set[str]:
    return {name.partition("[")[0].partition(".")[0] for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("room", ROOMS)
def test_both_languages_say_the_same_things(room: str) -> None:
    japanese, english = keys(room, "ja"), keys(room, "en")
    assert japanese.keys() == english.keys()
    for key, sentence in japanese.items():
        assert sentence, key
        assert english[key], key
        assert placeholders(sentence) == placeholders(english[key]), key


def errors(kind: type[MoyaiError] = MoyaiError) -> Iterator[type[MoyaiError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from errors(each)


def test_every_error_has_a_sentence_and_a_docstring() -> None:
    assert routes(moyai.application.ROUTERS[0][0])
    for error in errors():
        for locale in LOCALES:
            assert error.code in catalogue(locale), f"{error.__name__}: {error.code} in {locale}"
        assert error.__doc__


def test_a_missing_value_does_not_lose_the_sentence() -> None:
    assert "{machine}" in translate("coop.machine_unknown", "en")
    assert translate("no.such.key", "ja") == "no.such.key"
