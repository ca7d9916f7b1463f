"""The HTTP door: who comes in, in which transaction, and how often a request may count."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from coop import database, people
from coop.accounts import sessions
from coop.accounts.cookies import session_in
from coop.accounts.sessions import Signed
from coop.accounts.throttle import source_of
from coop.database import Connection, Pool
from coop.errors import Conflict, Forbidden, Invalid, Unauthenticated
from coop.identity import ANONYMOUS, Role, Viewer
from coop.queries import load
from coop.rate import Rate

SQL = load("coop")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Result = TypeVar("Result")


class OtherOrigin(Forbidden):
    """A form was sent from another site with this browser's cookie."""

    code = "coop.other_origin"


class ScopeMissing(Forbidden):
    """The API token may not do this."""

    code = "coop.scope_missing"


class SecondFactorWanted(Unauthenticated):
    """The password was right; a second factor is still to be given or set up."""

    code = "coop.second_factor_wanted"


class RequestInFlight(Conflict):
    """Another request with the same Idempotency-Key is being answered right now."""

    code = "coop.request_in_flight"


class KeyReused(Invalid):
    """The Idempotency-Key was used before for another request."""

    code = "coop.key_reused"


class KeyInvalid(Invalid):
    """An Idempotency-Key has 1 to 255 characters."""

    code = "coop.key_invalid"


def identify(request: Request) -> Viewer:
    """Who sends this request: an API token, a browser's session, or nobody; remembered on the request.

    A cookie counts for a changing request only when the browser says that it comes from our own pages.
    """
    pool: Pool = request.app.state.pool
    now = datetime.now(UTC)
    authorization = request.headers.get("authorization", "")
    cookie = session_in(request)
    if request.method not in SAFE_METHODS and not authorization and _other_site(request):
        raise OtherOrigin()
    viewer = ANONYMOUS
    if authorization:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated()
        viewer = database.run(pool, lambda conn: people.viewer_of_token(conn, secret.strip(), now))
    elif cookie:
        if request.method not in SAFE_METHODS and not _same_origin(request):
            raise OtherOrigin()
        both = request.app.state.settings.second_factor_for_office
        signed = database.run(pool, lambda conn: sessions.signed_in(conn, cookie, now, second_factor_for_office=both))
        request.state.signed = signed
        if signed is not None and signed.lacking is None:
            viewer = signed.viewer
    request.state.viewer = viewer
    return viewer


def signed_of(request: Request) -> Signed | None:
    """The browser's session, also while it lacks a second factor; None for programs and for nobody."""
    signed: Signed | None = getattr(request.state, "signed", None)
    return signed


def admit(request: Request, allowed: frozenset[Role]) -> None:
    """Let the sender in or raise: `Unauthenticated` for nobody, `Forbidden` for the wrong role or token scope."""
    viewer = identify(request)
    _slow_down(request, viewer, allowed)
    if viewer.person_id is None and Role.ANONYMOUS not in allowed:
        raise SecondFactorWanted() if signed_of(request) is not None else Unauthenticated()
    if viewer.person_id is not None and not viewer.has(*allowed) and Role.ANONYMOUS not in allowed:
        raise Forbidden()
    scope = "read" if request.method in SAFE_METHODS else "write"
    if viewer.person_id is not None and scope not in viewer.scopes:
        raise ScopeMissing(scope=scope)


def _slow_down(request: Request, viewer: Viewer, allowed: frozenset[Role]) -> None:
    rate: Rate = request.app.state.rate
    source = source_of(request.client.host if request.client else None)
    rate.request(str(viewer.person_id or source))
    if Role.ANONYMOUS in allowed and request.method not in SAFE_METHODS:
        rate.entry(source)


def _other_site(request: Request) -> bool:
    """Whether a browser says that the request comes from another site; a program says nothing of it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    sent_from = request.headers.get("origin") or request.headers.get("referer")
    return sent_from is not None and urlsplit(sent_from).netloc == request.headers.get("host")


@dataclass(frozen=True, slots=True)
class Door:
    """What an endpoint needs: the viewer, the time, and a transaction to run a use case in."""

    request: Request
    viewer: Viewer
    now: datetime

    def run(self, use_case: Callable[[Connection], Result]) -> Result:
        """Run `use_case` in one transaction, retried after a deadlock."""
        return database.run(self.request.app.state.pool, use_case)

    def once(
        self,
        use_case: Callable[[Connection], BaseModel | None],
        *,
        asked: BaseModel | None = None,
        status: int = 200,
        headers: Callable[[Any], dict[str, str]] = lambda _: {},
    ) -> Response:
        """Run `use_case` so that a retry with the same Idempotency-Key gets the first answer and changes nothing.

        `asked` is the request's body. Raises `RequestInFlight`, `KeyReused` or `KeyInvalid`.
        """
        key = self.request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= 255:
            raise KeyInvalid()

        def answer(conn: Connection) -> tuple[int, dict[str, str], bytes]:
            if key is None:
                return _answer(use_case(conn), status, headers)
            fingerprint = f"{self.request.method} {self.request.url.path}\n"
            fingerprint += asked.model_dump_json() if asked is not None else ""
            values = {
                "person_id": self.viewer.person_id,
                "key": key,
                "request_hash": hashlib.sha256(fingerprint.encode()).digest(),
                "created_at": self.now,
            }
            taken = conn.execute(SQL["try_lock_request"], values | {"person_id": str(self.viewer.person_id)}).fetchone()
            if taken is None or not taken[0]:
                raise RequestInFlight()
            before = conn.execute(SQL["answered_before"], values).fetchone()
            if before is not None:
                if before[0] != values["request_hash"]:
                    raise KeyReused()
                return before[1], before[2] | {"Idempotent-Replayed": "true"}, before[3]
            given = _answer(use_case(conn), status, headers)
            conn.execute(
                SQL["remember_answer"], values | {"status": given[0], "headers": Jsonb(given[1]), "body": given[2]}
            )
            return given

        code, extra, body = self.run(answer)
        return Response(body, status_code=code, headers=extra, media_type="application/json" if body else None)


def _answer(
    result: BaseModel | None, status: int, headers: Callable[[Any], dict[str, str]]
) -> tuple[int, dict[str, str], bytes]:
    body = b"" if result is None else result.model_dump_json().encode()
    return status, headers(result), body


def _door(request: Request) -> Door:
    return Door(request, getattr(request.state, "viewer", ANONYMOUS), datetime.now(UTC))


Entrance = Annotated[Door, Depends(_door)]
"""What an endpoint declares to get its `Door`: `def create(body: Wanted, door: Entrance)`."""
