"""The `type` of a problem leads to a page that says what it is; and problems are told in the reader's language."""

import pytest
from markupsafe import escape

from coop.identity import Role
from coop.messages import LOCALES, translate
from coop.problems import codes
from moyai.application import MOST_BODY_BYTES
from tests.callers import Callers


def test_the_type_of_a_problem_is_a_page_that_everybody_can_read(api: Callers) -> None:
    for path in ("/api/v1/me", "/api/v1/nothing"):
        told = api.nobody.get(path).json()
        page = api.nobody.get(told["type"], headers={"Accept-Language": "ja"})
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert told["code"] in page.text
        assert told["title"] in page.text


def test_every_code_has_its_page_in_both_languages(api: Callers) -> None:
    known = codes()
    assert {"booking.slot_taken", "billing.period_closed", "telemetry.usage_unknown"} & set(known)
    for locale in LOCALES:
        for code, status in known.items():
            page = api.nobody.get(f"/problem-types/{code}", headers={"Accept-Language": locale})
            assert page.status_code == 200, code
            assert f'<html lang="{locale}">' in page.text
            assert f"<dd>{status.value}</dd>" in page.text
            sentence = translate(code, locale)
            assert sentence != code
            assert f"<p>{escape(sentence)}</p>" in page.text, code


@pytest.mark.parametrize("code", ["booking.nothing_of_ours", "place.me", "kind.conflict", "http.418"])
def test_what_is_no_code_has_no_page(api: Callers, code: str) -> None:
    assert api.nobody.get(f"/problem-types/{code}").status_code == 404


@pytest.mark.parametrize(("content", "status"), [(b"{", 422), (b'{"name": "\xff"}', 400)])
def test_a_malformed_body_is_refused_in_the_language_of_who_sent_it(api: Callers, content: bytes, status: int) -> None:
    for locale in LOCALES:
        caller = api.person(Role.ENGINEER, locale=locale)
        headers = {"Content-Type": "application/json", "Accept-Language": "ja" if locale == "en" else "en"}
        answer = caller.post("/api/v1/tokens", content=content, headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (status, translate("kind.invalid", locale))
        strangers = api.nobody.post("/api/v1/tokens", content=content, headers=headers)
        assert strangers.json()["title"] == translate("kind.invalid", headers["Accept-Language"])


def test_a_body_that_is_too_large_is_refused_before_it_is_kept(api: Callers) -> None:
    office = api.person(Role.OFFICE)
    answer = office.post("/api/v1/imports/machines", files={"file": ("t", b"x" * MOST_BODY_BYTES)})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert answer.json()["code"] == "http.413"
