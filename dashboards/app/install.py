"""What a browser asks for to put Moyai on a phone's first screen. None of it is personal."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, JSONResponse

from coop import register
from coop.door import Door, Entrance
from coop.errors import NotFound
from coop.identity import ANONYMOUS
from coop.messages import translate
from coop.problems import locale_of
from dashboards.app import icon
from dashboards.shell import DIST, asset_file, page

router = APIRouter(include_in_schema=False)

A_DAY = {"Cache-Control": "public, max-age=86400"}
ASK_AGAIN = {"Cache-Control": "no-cache"}
WORKS = ASK_AGAIN | {"Content-Security-Policy": "default-src 'none'; connect-src 'self'"}
"""The worker fetches what it keeps from this host, and nothing from elsewhere."""
SIDES = {"icon-192.png": 192, "icon-512.png": 512, "apple-touch-icon.png": 180, "favicon.png": 32}
PAPER = "#fafaf7"


@router.get("/manifest.webmanifest")
def manifest(door: Entrance) -> JSONResponse:
    """What the app is called in the reader's language, how it looks, and where it begins."""
    locale = locale_of(door.request)
    icons = [{"src": "/icons/icon.svg", "sizes": "any", "type": "image/svg+xml"}]
    icons += [
        {"src": f"/icons/icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png", "purpose": purpose}
        for side in (192, 512)
        for purpose in ("any", "maskable")
    ]
    said = {
        "id": "/",
        "name": translate("app.name", locale),
        "short_name": translate("shell.brand", locale),
        "description": translate("app.description", locale),
        "lang": locale,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": icon.INDIGO,
        "icons": icons,
        "shortcuts": [
            {"name": translate(f"place.{key}", locale), "url": address}
            for key, address in (("reservations", "/reservations"), ("machines", "/machines"))
        ],
    }
    return JSONResponse(said, media_type="application/manifest+json", headers=ASK_AGAIN | {"Vary": "Cookie"})


@router.get("/icons/{name}")
def get_icon(name: str) -> Response:
    """Our sign, in the sizes that browsers ask for."""
    if name == "icon.svg":
        return Response(icon.svg(), media_type="image/svg+xml", headers=A_DAY)
    if name not in SIDES:
        raise NotFound()
    return Response(icon.png(SIDES[name]), media_type="image/png", headers=A_DAY)


@router.get("/favicon.ico")
def favicon() -> Response:
    """For who asks without having read the page."""
    return Response(icon.png(SIDES["favicon.png"]), media_type="image/png", headers=A_DAY)


@router.get("/service-worker.js")
def service_worker() -> Response:
    """The script that keeps the bundled files and answers without a connection; from here it looks after all pages."""
    return Response((DIST / asset_file("service-worker.js")).read_bytes(), media_type="text/javascript", headers=WORKS)


@router.get("/offline")
def offline(door: Entrance) -> HTMLResponse:
    """What is shown without a connection, whoever reads it: nothing on it is anybody's."""
    nobody = Door(door.request, ANONYMOUS, door.now)
    return page(nobody, "app/offline.html", zone=door.run(register.cooperative).time_zone)
