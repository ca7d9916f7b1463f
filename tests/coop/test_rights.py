"""The table of rights: what is not in it does not start."""

import pytest
from fastapi import APIRouter, FastAPI

from coop.rights import ANYONE, RightsMissing, mount


def router(path: str) -> APIRouter:
    made = APIRouter()
    made.get(path)(lambda: None)
    return made


def test_a_route_without_a_row_does_not_start() -> None:
    with pytest.raises(RightsMissing, match="GET /forgotten"):
        mount(FastAPI(), router("/forgotten"), {("GET", "/known"): ANYONE})


def test_a_router_inside_a_router_cannot_hide_its_routes() -> None:
    outer = router("/known")
    outer.include_router(router("/hidden"))
    with pytest.raises(RightsMissing):
        mount(FastAPI(), outer, {("GET", "/known"): ANYONE})
