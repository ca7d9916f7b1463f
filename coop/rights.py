"""One declarative table of route x role, enforced for every route; the table itself is `moyai/rights.py`."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute

from coop.door import admit
from coop.identity import Role

Table: TypeAlias = Mapping[tuple[str, str], frozenset[Role]]

ANYONE = frozenset(Role)
SIGNED_IN = frozenset(Role) - {Role.ANONYMOUS, Role.MACHINE}


def unlisted(app: FastAPI, table: Table) -> list[tuple[str, str]]:
    """Routes of `app` that the table does not name."""
    return [key for key in routes(app) if key not in table]


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every (method, path) of `app` that a person or program can call."""
    return [
        (method, route.path)
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
        if method not in {"HEAD", "OPTIONS"}
    ]


def guard(table: Table) -> Callable[[Request], None]:
    """The application-wide dependency that admits a request by the table, or raises."""

    def admitted(request: Request) -> None:
        method = "GET" if request.method == "HEAD" else request.method
        admit(request, table[(method, request.scope["route"].path)])

    return admitted
