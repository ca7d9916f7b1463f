"""The HTTP application: every room's API and pages behind one table of rights."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from prometheus_client.core import Metric

import billing.api
import billing.bank.api
import billing.bank.api_receipts
import billing.costs.api
import billing.costs.api_compare
import billing.costs.api_entries
import billing.disputes.api
import billing.documents.api
import billing.explain.api
import billing.inspections.api
import billing.ledger.api
import billing.ledger.api_books
import billing.periods.api
import billing.periods.api_refusals
import billing.periods.api_so_far
import billing.subsidies.api
import billing.tariffs.api
import billing.tariffs.api_consumables
import billing.year.api
import booking.api
import booking.fitness.api
import booking.messages.api
import booking.messages.api_feeds
import booking.presence.api
import booking.rules.api
import booking.search.api
import booking.series.api
import booking.services.api
import booking.services.api_outages
import booking.services.api_resources
import booking.tables.api
import booking.tables.api_rows
import booking.training.api
import booking.waitlist.api
import coop.accounts.api
import coop.accounts.api_proof
import coop.api
import coop.api_pictures
import coop.api_trail
import telemetry.api
import telemetry.devices.api
import telemetry.ingest.api
import telemetry.problems.api
import telemetry.thresholds.api
from billing.tariffs import quote
from coop import database, problems, tables
from coop.body import BodyLimit
from coop.database import Connection
from coop.door import Entrance
from coop.headers import SafeHeaders
from coop.migrate import TablesMissing, missing
from coop.openapi import describe
from coop.rate import Rate
from coop.rights import answering, mount
from coop.settings import Settings
from dashboards import live, pages
from moyai import metrics
from moyai.rights import RIGHTS

API = "/api/v1"
MOST_BODY_BYTES = tables.MOST_BYTES + 100_000
"""The largest table that is read, with the form around it."""
health = APIRouter(tags=["health"])


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application on `settings` (read from the environment when none are given).

    Raises `RightsMissing` when a route has no row in `moyai/rights.py`.
    """
    settings = settings or Settings.from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with database.open_pool(settings) as app.state.pool:
            async with live.listening(app, settings.database_url):
                yield

    app = FastAPI(
        title="Moyai",
        version=_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.settings = settings
    app.state.rate = Rate(settings.requests_per_minute, settings.entries_per_minute)
    app.add_middleware(BodyLimit, most_bytes=MOST_BODY_BYTES)
    app.state.quote = quote.at_most
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)  # it leaves event streams alone
    app.add_middleware(SafeHeaders, https=settings.https)
    problems.install(app)
    for router, prefix in ROUTERS:
        mount(app, router, RIGHTS, prefix)
    pages.install(app)
    return app


@health.get("/healthz")
def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@health.get("/readyz")
def readyz(request: Request) -> dict[str, str]:
    """The process can do its work: the database answers and has this version's tables. 503 otherwise."""
    left = database.run(request.app.state.pool, missing)
    if left:
        raise TablesMissing(count=len(left), first=left[0])
    return {"status": "ready"}


@health.get("/metrics", include_in_schema=False)
def tell_prometheus(door: Entrance) -> Response:
    """What Prometheus is told of the installation and of this process. It comes with a token, as any program."""

    def ask(question: Callable[[Connection], list[Metric]]) -> list[Metric]:
        return door.run(question)

    return Response(metrics.exposition(metrics.OfInstallation(ask)), media_type=metrics.CONTENT_TYPE)


@health.get(f"{API}/openapi.json", include_in_schema=False)
def openapi(request: Request) -> dict[str, Any]:
    """The description of this API for programs."""
    app: FastAPI = request.app
    if not hasattr(app.state, "openapi"):
        app.state.openapi = describe(deepcopy(app.openapi()), endpoints(), RIGHTS)
    described: dict[str, Any] = app.state.openapi
    return described


def endpoints() -> dict[tuple[str, str], Callable[..., Any]]:
    """What answers each (method, path)."""
    return {key: endpoint for router, prefix in ROUTERS for key, endpoint in answering(router, prefix).items()}


def _version() -> str:
    try:
        return version("moyai")
    except PackageNotFoundError:
        return "0"


ROUTERS: tuple[tuple[APIRouter, str], ...] = (
    (health, ""),
    (coop.api.router, API),
    (coop.api_pictures.router, API),
    (coop.accounts.api.router, API),
    (coop.api_trail.router, API),
    (coop.accounts.api_proof.router, API),
    (booking.api.router, API),
    (booking.waitlist.api.router, API),
    (booking.presence.api.router, API),
    (booking.messages.api_feeds.router, API),
    (booking.messages.api_feeds.public, ""),
    (booking.messages.api.router, API),
    (booking.rules.api.router, API),
    (booking.fitness.api.router, API),
    (booking.training.api.router, API),
    (booking.services.api_resources.router, API),
    (booking.services.api_outages.router, API),
    (booking.search.api.router, API),
    (booking.series.api.router, API),
    (booking.tables.api.router, API),
    (booking.tables.api_rows.router, API),
    (booking.services.api.router, API),
    (telemetry.api.router, API),
    (telemetry.devices.api.router, API),
    (telemetry.ingest.api.router, API),
    (telemetry.thresholds.api.router, API),
    (telemetry.problems.api.router, API),
    (billing.api.router, API),
    (billing.periods.api.router, API),
    (billing.periods.api_so_far.router, API),
    (billing.periods.api_refusals.router, API),
    (billing.disputes.api.router, API),
    (billing.explain.api.router, API),
    (billing.tariffs.api.router, API),
    (billing.tariffs.api_consumables.router, API),
    (billing.costs.api.router, API),
    (billing.costs.api_entries.router, API),
    (billing.costs.api_compare.router, API),
    (billing.year.api.router, API),
    (billing.subsidies.api.router, API),
    (billing.inspections.api.router, API),
    (billing.documents.api.router, API),
    (billing.ledger.api.router, API),
    (billing.ledger.api_books.router, API),
    (billing.bank.api.router, API),
    (billing.bank.api_receipts.router, API),
    *((router, "") for router in pages.ROUTERS),
)
"""Every room's routes and where they stand; the walking test reads this too."""
