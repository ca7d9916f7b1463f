"""Errors as RFC 9457 problem documents, in the reader's language. The one place that knows HTTP statuses."""

import logging
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from coop.database import DatabaseAway
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
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
MEDIA_TYPE = "application/problem+json"


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


def problem(error: MoyaiError, locale: str) -> dict[str, Any]:
    """The problem document of `error`: stable `type` and `code`, a title and detail for people, its parameters."""
    return {
        "type": f"/problems/{error.code}",
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
        locale = locale_of(request)
        fields = [
            {"in": ".".join(str(part) for part in each["loc"]), "code": each["type"], "detail": each["msg"]}
            for each in error.errors()
        ]
        where = ", ".join(dict.fromkeys(each["in"] for each in fields))
        body = {
            "type": "/problems/coop.malformed",
            "title": translate("kind.invalid", locale),
            "status": 422,
            "detail": translate("coop.malformed", locale, where=where),
            "code": "coop.malformed",
            "params": {"where": where},
            "errors": fields,
        }
        return JSONResponse(body, status_code=422, media_type=MEDIA_TYPE)

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> JSONResponse:
        locale = locale_of(request)
        code = f"http.{error.status_code}"
        body = {
            "type": f"/problems/{code}",
            "title": translate("kind.not_found" if error.status_code == 404 else "kind.invalid", locale),
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
            "type": "/problems/coop.unforeseen",
            "title": translate("kind.unforeseen", locale),
            "status": 500,
            "detail": translate("coop.unforeseen", locale),
            "code": "coop.unforeseen",
            "params": {},
        }
        return JSONResponse(body, status_code=500, media_type=MEDIA_TYPE)
