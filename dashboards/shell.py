"""Around every page: the templates, the bundled assets, the places, the language, and what a browser may load."""

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from coop.door import Door
from coop.problems import locale_of
from dashboards.nav import Group, groups_of
from dashboards.say import Say, moment, part, position

DIST = Path(str(resources.files("dashboards") / "static" / "dist"))
ASSETS = "/assets"

HEADERS = {
    # Everything comes from this host; scripts and styles only from files, never from the page itself.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class AssetsMissing(RuntimeError):
    """The bundled scripts and styles are not there: the package was not built."""


def page(
    door: Door, template: str, *, zone: ZoneInfo, here: str = "", status: int = 200, **values: Any
) -> HTMLResponse:
    """The page or fragment of `template` for this reader, with the headers that every page has."""
    body = render(template, locale_of(door.request), zone, groups_of(door.viewer), here, door.request, **values)
    return HTMLResponse(body, status_code=status, headers=HEADERS)


def render(
    template: str, locale: str, zone: ZoneInfo, places: list[Group], here: str, request: Request, **values: Any
) -> str:
    """The text of `template`; `say` speaks the reader's language in the cooperative's time zone."""
    return (
        templates()
        .get_template(template)
        .render(
            say=Say(locale, zone),
            places=places,
            here=here,
            language_switch=_language_switch(locale, request),
            **values,
        )
    )


@cache
def templates() -> Environment:
    """The one environment: everything is escaped, and a name that was not given is an error."""
    environment = Environment(
        loader=PackageLoader("dashboards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": asset, "position": position, "moment": moment, "part": part}
    environment.filters["json"] = lambda value: Markup.escape(json.dumps(value, ensure_ascii=False))
    return environment


def asset(name: str) -> str:
    """The address of a bundled file by its entry name; raises `AssetsMissing` before the package was built."""
    return f"{ASSETS}/{asset_file(name)}"


def asset_file(name: str) -> str:
    """The name of the bundled file in `DIST`; raises `AssetsMissing`."""
    return _manifest()[name]


@cache
def _manifest() -> dict[str, str]:
    file = DIST / "manifest.json"
    if not file.is_file():
        raise AssetsMissing("dashboards/static/dist is missing: install the package again (pip install -e .)")
    manifest: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return manifest


def _language_switch(locale: str, request: Request) -> dict[str, str]:
    other, name = ("en", "English") if locale == "ja" else ("ja", "日本語")
    back = request.url.path + (f"?{request.url.query}" if request.url.query and request.method == "GET" else "")
    return {
        "locale": other,
        "name": name,
        "href": str(request.url_for("switch_language", locale=other).path) + f"?next={back}",
    }
