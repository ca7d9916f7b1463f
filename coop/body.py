"""How much a request may send: refused by what it declares, or as soon as more has come; nothing more is kept of it."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Around an application: whoever reads a larger body than `most_bytes` is told 413 in its place.

    FastAPI's own limit answers in plain text; what is raised here is answered as a problem document.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with its body counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        refused = declared.isascii() and declared.isdecimal() and int(declared[:20]) > self.most_bytes
        come = 0

        async def counted() -> Message:
            nonlocal come
            if refused:
                raise HTTPException(413)
            message = await receive()
            come += len(message.get("body", b""))
            if come > self.most_bytes:
                raise HTTPException(413)
            return message

        await self.app(scope, counted, send)
