"""Look into what an inspection shows; each look is on the audit trail."""

from datetime import datetime
from uuid import UUID

from billing.inspections.grant import SQL, inspection
from billing.inspections.model import Evidence, MaskedUse, MonthSum, Standing, masks
from billing.subsidies.edit import subsidised
from billing.year.gauge import months_of, rule
from billing.year.model import fiscal_year
from coop import audit
from coop.database import Connection
from coop.disclosure import told_sums_only
from coop.errors import Forbidden
from coop.identity import Viewer
from coop.interval import Interval
from coop.register import cooperative


class InspectionNotOpen(Forbidden):
    """An inspection is open from its approval until it expires or is revoked."""

    code = "billing.inspection_not_open"


def look(conn: Connection, viewer: Viewer, inspection_id: UUID, now: datetime) -> Evidence:
    """The uses of the asset in the year with masks for names, and the sums of its months' statements.

    The ward's own person while it is open, the house always, as the ward sees it. Raises `NotFound`,
    `InspectionNotOpen`.
    """
    of = inspection(conn, viewer, inspection_id)
    if told_sums_only(viewer) and of.standing is not Standing.OPEN:
        raise InspectionNotOpen()
    [(asset, ja, en)] = subsidised(conn, viewer, of.asset_id)
    first = rule(conn).fiscal_first_month
    within = fiscal_year(of.fiscal_year, first, cooperative(conn).time_zone)
    values = {"machine_id": asset.machine_id, "start": within.start, "end": within.end}
    rows = conn.execute(SQL["uses"], values).fetchall()
    mask = masks(of.id, [member for *_, member, _ in rows])
    sums = conn.execute(SQL["sums"], values | months_of(of.fiscal_year, first))
    audit.record(conn, "inspection.looked", viewer=viewer, subject=f"inspection:{of.id}", now=now)
    return Evidence(
        of,
        ja,
        en,
        tuple(
            MaskedUse(Interval(start, end), running, is_member, mask[member])
            for start, end, running, member, is_member in rows
        ),
        tuple(MonthSum(f"{month:%Y-%m}", statements, yen) for month, statements, yen in sums),
    )
