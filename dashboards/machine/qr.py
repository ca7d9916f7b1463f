"""The sheet that hangs at a machine: its name, the QR code that proves that one is there, and what to do with it."""

from typing import Annotated, Literal

import segno
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from booking.presence.check_in import code_of
from coop import machines, register
from coop.database import Connection
from coop.door import Entrance
from coop.machines import Machine
from coop.register import Cooperative
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

QUIET_ZONE = 4  # modules of white around it, as ISO/IEC 18004 asks


@router.get("/machines/{machine_id}/qr")
def sheet(machine_id: str, door: Entrance, size: Annotated[Literal["a5", "a4"], Query()] = "a5") -> HTMLResponse:
    """To be printed and hung up, in both languages."""
    settings = door.request.app.state.settings

    def ask(conn: Connection) -> tuple[Cooperative, Machine, str]:
        machine = machines.machine(conn, machine_id)
        return register.cooperative(conn), machine, code_of(conn, settings.secret_key, machine_id)

    cooperative, machine, code = door.run(ask)
    return page(
        door,
        "machine/qr.html",
        zone=cooperative.time_zone,
        here="machines",
        cooperative=cooperative.name,
        machine=machine,
        size=size,
        drawn=drawn(f"{settings.public_url}/m/{machine_id}?code={code}"),
    )


def drawn(address: str) -> Markup:
    """The code as SVG, black on white whatever the page's colours are; a quarter of it may be scratched (level Q)."""
    code = segno.make(address, error="q", micro=False)
    return Markup(code.svg_inline(border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr"))  # noqa: S704 - our own SVG
