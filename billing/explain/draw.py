"""A random audit: ten uses of a closed month, drawn so that nobody can choose them and everybody can draw them again.

Each line of use has a lot: SHA-256 of the month's evidence hash, the seed, the member and the line's number. The ten
lowest lots are drawn. The hash is fixed by the close and the seed is said afterwards, so neither side alone decides.
"""

from dataclasses import dataclass
from hashlib import sha256

from billing import store
from billing.explain.line import ExplainedLine, explain
from billing.periods.settle import period
from billing.periods.verify import PeriodNotClosed
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("billing.explain")
DRAWN = 10


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line of use with the lot that drew it."""

    lot: str
    explained: ExplainedLine


@dataclass(frozen=True, slots=True)
class Audit:
    """What a seed draws from a month. `uses` is of how many."""

    month: str
    evidence_hash: bytes
    seed: str
    uses: int
    drawn: tuple[Drawn, ...]


def lot(evidence_hash: bytes, seed: str, member_id: str, n: int) -> str:
    """What decides whether a line is drawn: `printf '%s:%s:%s:%s' HASH SEED MEMBER N | sha256sum` gives the same."""
    return sha256(f"{evidence_hash.hex()}:{seed}:{member_id}:{n}".encode()).hexdigest()


def draw(conn: Connection, viewer: Viewer, month: str, seed: str) -> Audit:
    """Ten uses of a closed month by their lots, each down to its readings.

    Raises `PeriodUnknown`, `PeriodNotClosed`.
    """
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    closed = period(conn, month)
    if closed.evidence_hash is None:
        raise PeriodNotClosed(month=month)
    hashed = closed.evidence_hash
    rows = conn.execute(SQL["uses"], {"month": store.first_day(month)}).fetchall()
    lots = sorted((lot(hashed, seed, member, n), statement_id, n) for member, n, statement_id in rows)
    drawn = tuple(Drawn(each, explain(conn, viewer, statement_id, n)) for each, statement_id, n in lots[:DRAWN])
    return Audit(month, hashed, seed, len(rows), drawn)
