"""What is too large is refused before it fills memory or disk."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from coop.body import BodyLimit

CHUNK = b"x" * 100


async def _count(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


APPLICATION = BodyLimit(Starlette(routes=[Route("/", _count, methods=["POST"])]), most_bytes=1000)


def send(chunks: int, **headers: str) -> tuple[int, int]:
    """The status of the answer to so many chunks, and how many of them were read."""
    read = 0
    answers: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": CHUNK, "more_body": read < chunks}

    async def answered(message: Any) -> None:
        answers.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": named}
    asyncio.run(APPLICATION(scope, receive, answered))
    return answers[0]["status"], read


@pytest.mark.parametrize(
    ("chunks", "declared", "expected"),
    [
        (10, None, (200, 10)),
        (10, "1000", (200, 10)),
        (1_000_000, None, (413, 11)),
        (1_000_000, "1001", (413, 0)),
        (1_000_000, "9" * 5000, (413, 0)),
        (1_000_000, "10", (413, 11)),  # it lies
        (1_000_000, "-1", (413, 11)),
    ],
)
def test_no_more_is_read_than_may_come(chunks: int, declared: str | None, expected: tuple[int, int]) -> None:
    headers = {"content_length": declared} if declared else {}
    assert send(chunks, **headers) == expected
