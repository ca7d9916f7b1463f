"""A page for every kind of problem, where the `type` of a problem document leads: what it is, and what to do."""

from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from coop.door import Entrance
from coop.errors import NotFound
from coop.messages import translate
from coop.problems import codes, locale_of, title_of
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/problem-types/{code}")
def problem_type(code: str, door: Entrance) -> HTMLResponse:
    """What a code means. 404 for one that no answer has."""
    status = codes().get(code)
    if status is None:
        raise NotFound()
    locale = locale_of(door.request)
    return page(
        door,
        "problem_type.html",
        zone=ZoneInfo("UTC"),  # it says no time
        title=title_of(status, locale),
        detail=translate(code, locale),
        code=code,
        http_status=status.value,
    )
