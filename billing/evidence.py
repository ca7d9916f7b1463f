"""What a month was computed from, as bytes: canonical JSON, compressed, hashed, and chained from close to close."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter

from billing.model import Inputs, Settlement

INPUTS = "inputs"
MANIFEST = "manifest"
READINGS = "readings/"
"""Prefix of the parts that hold the readings of one machine."""

_INPUTS = TypeAdapter(Inputs)


@dataclass(frozen=True, slots=True)
class Part:
    """One named piece of a period's evidence. `sha256` is over `content`, before compression."""

    name: str
    content: bytes

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def compressed(self) -> bytes:
        return zlib.compress(self.content, level=6)


def canonical(value: object) -> bytes:
    """The one JSON form of a value: keys sorted, times in UTC, decimals and fractions as text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def plain(value: object) -> Any:
    """The same value out of lists, dicts, text and numbers only, as `canonical` writes it."""
    return orjson.loads(canonical(value))


def read_inputs(content: bytes | str) -> Inputs:
    """Inputs out of JSON, whether the database's or a frozen part's; raises pydantic's `ValidationError`."""
    return _INPUTS.validate_json(content)


def settlement_hash(settlement: Settlement) -> bytes:
    """The hash that tells whether two settlements are the same."""
    return hashlib.sha256(canonical(settlement)).digest()


def manifest(
    month: str, parts: Mapping[str, bytes], settlement: bytes, code_version: str, previous: tuple[str, bytes] | None
) -> Part:
    """What a close signs: the hashes of its parts and of its result, chained to the close before.

    `parts` maps names to SHA-256; `previous` is the month closed before and its hash. The period's own hash is the
    hash of this part.
    """
    content = canonical(
        {
            "month": month,
            "parts": {name: digest.hex() for name, digest in parts.items()},
            "settlement": settlement.hex(),
            "code_version": code_version,
            "previous_month": previous[0] if previous else None,
            "previous_hash": previous[1].hex() if previous else None,
        }
    )
    return Part(MANIFEST, content)
