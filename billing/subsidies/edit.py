"""Enter who paid for an asset."""

from datetime import datetime
from uuid import UUID

from billing.costs.entries import CostUnknown
from billing.costs.model import Asset
from billing.subsidies.model import Subsidy
from coop import audit
from coop.database import Connection
from coop.errors import Invalid
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("billing.subsidies")
SEES = (Role.OFFICE, Role.DIRECTOR, Role.AUDITOR, Role.WARD)


class AssetOfNoMachine(Invalid):
    """The report is of a machine: the asset must name one."""

    code = "billing.asset_of_no_machine"


class GrantedTooMuch(Invalid):
    """Nobody is granted more for an asset than it cost."""

    code = "billing.granted_too_much"


def put_subsidy(conn: Connection, viewer: Viewer, said: Subsidy, now: datetime) -> Subsidy:
    """Enter or, under the same grant number, correct who paid for an asset.

    Raises `CostUnknown`, `AssetOfNoMachine`, `GrantedTooMuch`.
    """
    viewer.require(Role.OFFICE)
    row = conn.execute(SQL["lock_asset"], {"id": said.asset_id}).fetchone()
    if row is None:
        raise CostUnknown()
    cost_yen, machine_id = row
    if machine_id is None:
        raise AssetOfNoMachine()
    others = [each.granted_yen for each in subsidies(conn, said.asset_id) if each.grant_number != said.grant_number]
    if sum(others) + said.granted_yen > cost_yen:
        raise GrantedTooMuch(cost_yen=cost_yen, left=cost_yen - sum(others))
    values = {name: getattr(said, name) for name in Subsidy.__slots__}
    conn.execute(SQL["put_subsidy"], values)
    detail: dict[str, object] = {name: str(value) for name, value in values.items()}
    audit.record(conn, "subsidy.entered", viewer=viewer, subject=f"asset:{said.asset_id}", now=now, detail=detail)
    return said


def subsidies(conn: Connection, asset_id: UUID | None = None) -> list[Subsidy]:
    """Who paid for assets, or for one: who gave most comes first."""
    return [Subsidy(*row) for row in conn.execute(SQL["subsidies"], {"id": asset_id})]


def subsidised(conn: Connection, viewer: Viewer, asset_id: UUID | None = None) -> list[tuple[Asset, str, str]]:
    """Assets that somebody paid for, each with its machine's Japanese and English name; or one of them."""
    viewer.require(*SEES)
    rows = conn.execute(SQL["assets"], {"id": asset_id})
    return [(Asset(*row[:11]), *row[11:]) for row in rows]
