"""All places on one page: where a phone's bar leads to what does not fit it."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from coop import register
from coop.door import Entrance
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/places")
def all_places(door: Entrance) -> HTMLResponse:
    """Every place of this reader, under its heading."""
    return page(door, "places.html", zone=door.run(register.cooperative).time_zone, here="places")
