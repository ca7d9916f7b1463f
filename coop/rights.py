"""One declarative table of route x role, enforced for every route; the table itself is `moyai/rights.py`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute

from coop.door import admit
from coop.identity import Role

Table: TypeAlias = Mapping[tuple[str, str], frozenset[Role]]

ANYONE = frozenset(Role)
UNASKED = frozenset({"HEAD", "OPTIONS"})
SIGNED_IN = frozenset(Role) - {Role.ANONYMOUS, Role.MACHINE, Role.WARD}
"""Who takes part in the cooperative. The ward is told sums only: it is named where it may come in."""


class RightsMissing(Exception):
    """A route is not in the table of rights."""


def mount(app: FastAPI, router: APIRouter, table: Table, prefix: str = "") -> None:
    """Add a room's routes below `prefix`, each admitted by its row of `table`.

    Raises `RightsMissing` for a route without a row, so that such an application does not start.
    """
    for key in routes(router, prefix):
        if key not in table:
            raise RightsMissing(f"the table of rights does not say who may call {' '.join(key)}")
    app.include_router(router, prefix=prefix, dependencies=[Depends(_guard(table, prefix))])


def routes(router: APIRouter, prefix: str = "") -> list[tuple[str, str]]:
    """Every (method, path) of `router` that a person or program can call.

    Raises `RightsMissing` for a router or application mounted inside `router`, whose routes no row could name.
    """
    return list(answering(router, prefix))


def answering(router: APIRouter, prefix: str = "") -> dict[tuple[str, str], Callable[..., Any]]:
    """The endpoints of `routes`, by the same keys."""
    found = {}
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise RightsMissing(f"{route!r} is not a route of its own: mount it beside the others")
        for method in sorted(route.methods or ()):
            if method not in UNASKED:
                found[method, prefix + route.path] = route.endpoint
    return found


def _guard(table: Table, prefix: str) -> Callable[[Request], None]:
    def admitted(request: Request) -> None:
        method = "GET" if request.method == "HEAD" else request.method
        admit(request, table[(method, prefix + request.scope["route"].path)])

    return admitted
