"""The API as its own document describes it: nothing undocumented is answered, and no request makes a server fail."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import Failure, FailureGroup, not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.control import SkipTest
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import booking
from coop import database, machines
from coop.identity import Role
from coop.interval import Interval
from coop.machines import Machine, OpeningHours
from tests.callers import Caller, Callers, callers

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 3}
DOCUMENT = "/api/v1/openapi.json"
SIGN_OUT = "DELETE /api/v1/session"


class World:
    """A small cooperative with something behind every kind of path, and two people who call."""

    def __init__(self, api: Callers) -> None:
        self.api = api
        self._slots = count(1)
        api.member("own")
        with database.transaction(api.pool) as conn:
            for number in range(1, 4):
                hours = [OpeningHours(f"cmm-{number}", day, time(0), time.max) for day in range(1, 8)]
                machines.add_machine(conn, Machine(f"cmm-{number}", "cmm", "測定機", "CMM"), hours)
        self.people = {
            "office": api.person(Role.OFFICE),
            "engineer": api.person(Role.ENGINEER, "own"),
        }
        self.tomorrow = datetime.combine(datetime.now(UTC) + timedelta(days=1), time(0), tzinfo=UTC)

    def known(self) -> dict[str, str]:
        """Parameters of paths that lead somewhere; a reservation of its own for each question."""
        slot = Interval.of(self.tomorrow + next(self._slots) * timedelta(minutes=15), timedelta(minutes=15))
        engineer = self.people["engineer"].viewer
        with database.transaction(self.api.pool) as conn:
            reservation = booking.reserve(conn, engineer, booking.Wish("cmm-1", slot), datetime.now(UTC))
        return {
            "machine_id": "cmm-1",
            "member_id": "own",
            "reservation_id": str(reservation.id),
            "machine_kind": "cmm",
            "month": "2026-09",
        }


@pytest.fixture(scope="module")
def world(timescale_template: Any) -> Iterator[World]:
    with timescale_template.clone() as database, callers(database.app_url) as api:
        yield World(api)


@pytest.fixture(scope="module")
def document(world: World) -> dict[str, Any]:
    answer = world.api.nobody.get(DOCUMENT)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("mode", list(EXAMPLES), ids=lambda mode: mode.value)
@pytest.mark.parametrize("who", ["office", "engineer"])
def test_every_answer_is_documented(world: World, document: dict[str, Any], who: str, mode: GenerationMode) -> None:
    caller = world.people[who]
    generation = GenerationConfig(modes=[mode], with_security_parameters=False)
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    operations = [each.ok() for each in schemathesis.openapi.from_dict(document, config=config).get_all_operations()]
    asked = [each for each in operations if each.label != SIGN_OUT and not _takes_a_file(each)]
    failures = [said for each in asked if (said := _failure(each, mode, caller, world.known()))]
    assert not failures, "\n\n".join(failures)


def _failure(operation: APIOperation, mode: GenerationMode, caller: Caller, known: dict[str, str]) -> str | None:
    """What was answered against the document, if anything was."""

    @settings(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def ask(case: Case, lead_somewhere: bool) -> None:
        if lead_somewhere:
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        options = case.as_transport_kwargs(base_url="http://testserver")
        options.pop("cookies", None)
        if isinstance(options.get("data"), str | bytes):
            options["content"] = options.pop("data")
        answer = caller.request(path=options.pop("url"), **options)
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except SkipTest:  # it takes nothing that could be malformed
        return None
    except (Failure, FailureGroup) as failure:
        return f"{operation.label}: {failure}"
    return None


def _takes_a_file(operation: APIOperation) -> bool:
    """Whether its body is a form with a file, of which a schema says nothing; imports have tests of their own."""
    return "multipart/form-data" in operation.definition.raw.get("requestBody", {}).get("content", {})


def test_every_route_says_what_it_is_and_how_it_refuses(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            told = f"{method} {path}"
            assert operation["summary"], told
            assert operation["description"], told
            assert operation["tags"], told
            answers = operation["responses"]
            assert {"401", "403", "503"} <= set(answers), told
            assert ("{" not in path) or {"404", "422"} <= set(answers), told
            names = {each["name"].lower() for each in operation.get("parameters", ())}
            assert ("if-match" in names) == ({"412", "428"} <= set(answers)), told
            assert ("cursor" in names) == any("Link" in each.get("headers", {}) for each in answers.values()), told
            for status, answer in answers.items():
                if status >= "400":
                    [(media_type, content)] = answer["content"].items()
                    assert media_type == "application/problem+json", told
                    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, told
            for body in operation.get("requestBody", {}).get("content", {}).values():
                assert "example" in body or "examples" in body, told


def test_what_moves_or_creates_a_reservation_counts_once(document: dict[str, Any]) -> None:
    for path in ("/reservations", "/holds", "/series", "/waitlist", "/pools/{pool_id}/reservations"):
        named = {each["name"] for each in document["paths"][f"/api/v1{path}"]["post"]["parameters"]}
        assert "Idempotency-Key" in named, path
    for step in ("extend", "shorten", "swap", "late", "hand-over", "approve", "decline", "lend", "take-back"):
        named = {
            each["name"]
            for each in document["paths"][f"/api/v1/reservations/{{reservation_id}}/{step}"]["post"]["parameters"]
        }
        assert {"Idempotency-Key", "if-match"} <= named, step


@pytest.mark.parametrize("path", ["/api/v1/machines/%00", "/api/v1/usage?machine=%00&from={at}&to={later}"])
def test_a_nul_character_is_refused_as_a_problem(world: World, path: str) -> None:
    answer = world.people["office"].get(path.format(at="2026-10-01T00:00:00Z", later="2026-10-02T00:00:00Z"))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == "coop.value_refused"
