"""What every answer tells a browser, whoever made it: to trust nothing that is not said, and to keep to HTTPS."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""For answers that say nothing else; pages say what they need."""
OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class SafeHeaders:
    """Around an application: answers without these headers get them."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and add to the answer's headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted = ALWAYS | (OVER_HTTPS if self.https or scope["scheme"] == "https" else {})

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in wanted.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, completed)
