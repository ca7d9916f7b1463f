"""Errors as RFC 9457 problem documents, in the reader's language. The one place that knows HTTP statuses."""

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from coop.database import DatabaseAway
from coop.door import identify
from coop.errors import Invalid, Kind, MoyaiError
from coop.messages import DEFAULT, LOCALES, translate

log = logging.getLogger("coop.problems")


class ValueRefused(Invalid):
    """A value is none that the database could hold: a NUL character, or a number beyond all bounds."""

    code = "coop.value_refused"


STATUS = {
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.PRECONDITION_FAILED: HTTPStatus.PRECONDITION_FAILED,
    Kind.PRECONDITION_REQUIRED: HTTPStatus.PRECONDITION_REQUIRED,
    Kind.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
MEDIA_TYPE = "application/problem+json"
TYPES = "/problem-types/"
"""Where each kind of problem is explained to people: a page for every code."""
MALFORMED, UNFORESEEN = "coop.malformed", "coop.unforeseen"
BY_HTTP = (400, 404, 405, 413)
"""The statuses that are answered before any route is asked."""


def locale_of(request: Request) -> str:
    """The reader's language: what this browser chose (`lang` cookie), their own setting, Accept-Language, Japanese."""
    viewer = getattr(request.state, "viewer", None)
    chosen = request.cookies.get("lang")
    if chosen not in LOCALES and viewer is not None and viewer.person_id is not None:
        return str(viewer.locale)
    wanted = chosen or request.headers.get("accept-language", "")
    for part in wanted.split(","):
        language = part.split(";")[0].strip()[:2].lower()
        if language in LOCALES:
            return language
    return DEFAULT


def reader_of(request: Request) -> str:
    """`locale_of` where a request was refused before anybody asked who sends it: its body, or its path."""
    if not hasattr(request.state, "viewer"):
        with suppress(MoyaiError, psycopg.Error, PoolTimeout):
            identify(request)
    return locale_of(request)


def codes() -> dict[str, HTTPStatus]:
    """Every code that a problem document can have, with its status."""
    found = {f"http.{status.value}": status for status in (HTTPStatus(each) for each in BY_HTTP)}
    found |= {MALFORMED: HTTPStatus.UNPROCESSABLE_ENTITY, UNFORESEEN: HTTPStatus.INTERNAL_SERVER_ERROR}
    kinds = [MoyaiError]
    while kinds:
        kind = kinds.pop()
        found[kind.code] = STATUS[kind.kind]
        kinds += kind.__subclasses__()
    return found


def title_of(status: HTTPStatus, locale: str) -> str:
    """What kind of problem it is, for people."""
    kind = next((kind.value for kind, of in STATUS.items() if of is status), None)
    return translate(f"kind.{kind or ('unforeseen' if status >= 500 else 'invalid')}", locale)


def problem(error: MoyaiError, locale: str) -> dict[str, Any]:
    """The problem document of `error`: stable `type` and `code`, a title and detail for people, its parameters."""
    return {
        "type": f"{TYPES}{error.code}",
        "title": translate(f"kind.{error.kind.value}", locale),
        "status": STATUS[error.kind].value,
        "detail": translate(error.code, locale, **error.params),
        "code": error.code,
        "params": {
            name: value if isinstance(value, int | float) else str(value) for name, value in error.params.items()
        },
        **error.extra,
    }


def respond(request: Request, error: MoyaiError) -> JSONResponse:
    """The HTTP answer that says `error`."""
    body = problem(error, locale_of(request))
    headers = {"WWW-Authenticate": "Bearer"} if error.kind is Kind.UNAUTHENTICATED else {}
    if error.kind is Kind.UNAVAILABLE:
        headers["Retry-After"] = "2"
    elif error.kind is Kind.THROTTLED:
        headers["Retry-After"] = str(error.params.get("retry_after_seconds", 60))
    return JSONResponse(body, status_code=body["status"], headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let `app` answer every error as a problem document."""

    @app.exception_handler(MoyaiError)
    def moyai_error(request: Request, error: MoyaiError) -> JSONResponse:
        return respond(request, error)

    @app.exception_handler(psycopg.OperationalError)
    @app.exception_handler(PoolTimeout)
    def database_away(request: Request, error: Exception) -> JSONResponse:
        log.warning("database.away error=%s", type(error).__name__)
        return respond(request, DatabaseAway())

    @app.exception_handler(psycopg.DataError)
    def not_storable(request: Request, error: psycopg.DataError) -> JSONResponse:
        log.warning("value.refused path=%s sqlstate=%s", request.url.path, error.sqlstate)
        return respond(request, ValueRefused())

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        locale = reader_of(request)
        fields = [
            {"in": ".".join(str(part) for part in each["loc"]), "code": each["type"], "detail": each["msg"]}
            for each in error.errors()
        ]
        where = ", ".join(dict.fromkeys(each["in"] for each in fields))
        body = {
            "type": f"{TYPES}{MALFORMED}",
            "title": translate("kind.invalid", locale),
            "status": 422,
            "detail": translate(MALFORMED, locale, where=where),
            "code": MALFORMED,
            "params": {"where": where},
            "errors": fields,
        }
        return JSONResponse(body, status_code=422, media_type=MEDIA_TYPE)

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> JSONResponse:
        locale = reader_of(request)
        code = f"http.{error.status_code}"
        body = {
            "type": f"{TYPES}{code}",
            "title": title_of(HTTPStatus(error.status_code), locale),
            "status": error.status_code,
            "detail": translate(code, locale),
            "code": code,
            "params": {},
        }
        return JSONResponse(body, status_code=error.status_code, headers=error.headers, media_type=MEDIA_TYPE)

    @app.exception_handler(Exception)
    def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("request.failed path=%s", request.url.path, exc_info=error)
        locale = locale_of(request)
        body = {
            "type": f"{TYPES}{UNFORESEEN}",
            "title": translate("kind.unforeseen", locale),
            "status": 500,
            "detail": translate(UNFORESEEN, locale),
            "code": UNFORESEEN,
            "params": {},
        }
        return JSONResponse(body, status_code=500, media_type=MEDIA_TYPE)
