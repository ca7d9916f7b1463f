"""A state rule as it stands in a row, and as a condition of another in JSON."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from psycopg.types.json import Jsonb

from telemetry.states.model import State, StateRule

PASS = "pass"  # noqa: S105  # the word in the database for "leaves it to the next condition"

COLUMNS = tuple(field.name for field in fields(StateRule))
"""The columns of a rule, in the order in which `rule_of` takes them."""


def rule_of(*values: Any) -> StateRule:
    """The rule of a row with `COLUMNS`."""
    return from_json(dict(zip(COLUMNS, values, strict=True)))


def from_json(said: Mapping[str, Any]) -> StateRule:
    """The rule of a JSON object; what it does not name is as `StateRule` has it. `ValueError` on an unknown state."""
    given = dict(said)
    if "words" in given:
        given["words"] = tuple(sorted((word, _said(state)) for word, state in given["words"].items()))
    if "otherwise" in given:
        given["otherwise"] = _said(given["otherwise"])
    if "conditions" in given:
        given["conditions"] = tuple(from_json(each) for each in given["conditions"])
    return StateRule(**given)


def to_json(rule: StateRule) -> dict[str, Any]:
    """The rule as JSON, whole."""
    given: dict[str, Any] = {name: getattr(rule, name) for name in COLUMNS}
    given["words"] = {word: _word(state) for word, state in rule.words}
    given["otherwise"] = _word(rule.otherwise)
    given["conditions"] = [to_json(each) for each in rule.conditions]
    return given


def values_of(rule: StateRule) -> dict[str, Any]:
    """The rule as the values of a row."""
    return {name: Jsonb(value) if isinstance(value, dict | list) else value for name, value in to_json(rule).items()}


def _said(word: str) -> State | None:
    return None if word == PASS else State(word)


def _word(state: State | None) -> str:
    return PASS if state is None else state.value
