"""Whether a closed month still says what it was closed with: recomputed from its frozen evidence and nothing else."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from billing import store
from billing.calculation import Settling
from billing.ledger import store as ledger
from billing.model import Line, Period
from billing.periods.evidence import MACHINE, MANIFEST, RULES, Signature, plain, read_machine, read_rules
from billing.periods.settle import period
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Role, Viewer


class PeriodNotClosed(Conflict):
    """Only a closed month can be verified."""

    code = "billing.period_not_closed"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first field that is not what the evidence gives, with both values as text (None: not there)."""

    field: str
    stored: str | None
    recomputed: str | None


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome for one closed month."""

    month: str
    evidence_hash: bytes
    difference: Difference | None


def verify(conn: Connection, viewer: Viewer, month: str) -> Verified:
    """Recompute a closed month and compare; raises `PeriodUnknown`, `PeriodNotClosed`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    closed = period(conn, month)
    if not closed.status.final or closed.evidence_hash is None:
        raise PeriodNotClosed(month=month)
    return Verified(month, closed.evidence_hash, next(_differences(conn, closed), None))


def verify_all(conn: Connection, viewer: Viewer) -> list[Verified]:
    """Every closed month, oldest first."""
    months = [each.month for each in store.periods(conn) if each.status.final]
    return [verify(conn, viewer, month) for month in reversed(months)]


def _differences(conn: Connection, closed: Period) -> Iterator[Difference]:
    """What differs, from the chain inwards: hashes first, since nothing can be recomputed from forged evidence."""
    hashes: dict[str, str] = {}
    for name, digest in store.evidence_parts(conn, closed.month).items():
        try:
            hashes[name] = sha256(_content(conn, closed, name)).hexdigest()
        except zlib.error as broken:
            yield Difference(f"evidence[{name}].content", str(broken), None)
            return
        yield from _same(f"evidence[{name}].sha256", digest.hex(), hashes[name])
    for name in (MANIFEST, RULES):
        if name not in hashes:
            yield Difference(f"evidence[{name}]", None, "present")
            return
    signed = orjson.loads(_content(conn, closed, MANIFEST))
    stored_hash = closed.evidence_hash.hex() if closed.evidence_hash else None
    yield from _same("period.evidence_hash", stored_hash, hashes.pop(MANIFEST))
    before = store.periods(conn, closed.previous_month) if closed.previous_month else []
    yield from _same("period.previous_month", closed.previous_month, signed["previous_month"])
    previous_hash = before[0].evidence_hash if before else None
    yield from _same("manifest.previous_hash", signed["previous_hash"], previous_hash.hex() if previous_hash else None)
    yield from differences("manifest.parts", signed["parts"], hashes)
    yield from _settled(conn, closed, [name for name in hashes if name.startswith(MACHINE)], signed["settlement"])


def _settled(conn: Connection, closed: Period, machines: list[str], signed_hash: str) -> Iterator[Difference]:
    """Each machine's lines recomputed beside what the tables say, then what they add up to."""
    settling, signature = Settling(read_rules(_content(conn, closed, RULES))), Signature()
    count = 0
    for name in machines:
        lines = settling.machine(read_machine(_content(conn, closed, name)))
        yield from _lines(store.lines_of(conn, closed.month, name.removeprefix(MACHINE)), lines)
        signature.add(lines)
        count += len(lines)
    shares, expected = settling.finish()
    yield from _lines(store.lines_of(conn, closed.month, None), shares)
    signature.add(shares)
    yield from _same("lines", store.count_lines(conn, closed.month), count + len(shares))
    stored = {
        "statements": [each.statement for each in store.statements(conn, _EVERYTHING, month=closed.month)],
        "pools": store.pool_results(conn, closed.month),
        "credits": store.owner_credits(conn, closed.month),
        "entries": ledger.entries(conn, closed.month),
        "metered": closed.metered or expected.metered,
        "control": closed.control or expected.control,
    }
    for name, value in stored.items():
        yield from differences(name, plain(value), plain(getattr(expected, name)))
    yield from _same("manifest.settlement", signed_hash, signature.of(expected).hex())


def _lines(stored: Iterable[Line], recomputed: Iterable[Line]) -> Iterator[Difference]:
    left, right = ({(each.member_id, each.n): each for each in lines} for lines in (stored, recomputed))
    for key in [*right, *(key for key in left if key not in right)]:
        if left.get(key) != right.get(key):
            member, n = key
            yield from differences(f"statements[{member}].lines[{n}]", _plain(left.get(key)), _plain(right.get(key)))


def _plain(line: Line | None) -> Any:
    return None if line is None else plain(line)


def _content(conn: Connection, closed: Period, part: str) -> bytes:
    return zlib.decompress(store.evidence(conn, closed.month, part) or b"")


_EVERYTHING = Viewer(None, None, frozenset({Role.AUDITOR}))


def differences(path: str, stored: Any, recomputed: Any) -> Iterator[Difference]:
    """Where two plain values differ, in order, each named by its path."""
    if isinstance(stored, Mapping) and isinstance(recomputed, Mapping):
        for key in [*recomputed, *(key for key in stored if key not in recomputed)]:
            yield from differences(f"{path}.{key}", stored.get(key), recomputed.get(key))
    elif isinstance(stored, list) and isinstance(recomputed, list):
        left, right = _labelled(stored), _labelled(recomputed)
        yield from (
            found
            for label in [*right, *(label for label in left if label not in right)]
            for found in differences(f"{path}[{label}]", left.get(label), right.get(label))
        )
    else:
        yield from _same(path, stored, recomputed)


def _labelled(items: list[Any]) -> dict[str, Any]:
    """Items of a list by what a person would call them: a statement's member, a pool's key, an account, or a number."""
    labels = [_label(item) or str(n) for n, item in enumerate(items, 1)]
    if len(set(labels)) < len(labels):
        labels = [str(n) for n in range(1, len(items) + 1)]
    return dict(zip(labels, items, strict=True))


def _label(item: Any) -> str | None:
    if not isinstance(item, Mapping) or "explanation" in item:
        return None
    return next((item[key] for key in ("account", "pool_id", "member_id") if item.get(key)), None)


def _same(path: str, stored: Any, recomputed: Any) -> Iterator[Difference]:
    if stored != recomputed:
        yield Difference(path, *(None if value is None else str(value) for value in (stored, recomputed)))
