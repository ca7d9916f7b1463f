"""What the API says of itself to programs: what holds for every route is written here once, not beside each of them."""

from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, TypeAlias

from coop.identity import Role
from coop.problems import MEDIA_TYPE
from coop.rights import Table

Schema: TypeAlias = dict[str, Any]
Endpoints: TypeAlias = Mapping[tuple[str, str], Callable[..., Any]]

ABOUT = """Times are RFC 3339 with an offset; intervals include their start and not their end. Money is whole yen.

An error is `application/problem+json` (RFC 9457): `code` and `type` are stable, `params` are what the sentence says,
`title` and `detail` are sentences in the person's own language, or that of `Accept-Language` before they sign in.

A call that creates or moves takes an `Idempotency-Key`: sent again with the same key it answers the same and changes
nothing. A change takes `If-Match` with the `ETag` that was read. A list that goes on has a `Link` with `rel="next"`."""

PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457). Some codes have further members, such as `next_free`.",
    "required": ["type", "title", "status", "detail", "code", "params"],
    "properties": {
        "type": {
            "type": "string",
            "description": "Stable; a page that says what it is.",
            "pattern": "^/problem-types/",
        },
        "title": {"type": "string", "description": "For people: what kind of problem it is."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "For people: what happened, and what to do."},
        "code": {"type": "string", "description": "Stable, for programs.", "pattern": "^[a-z]+\\.[a-z0-9_]+$"},
        "params": {
            "type": "object",
            "description": "What `detail` says in words.",
            "additionalProperties": {"type": ["string", "number"]},
        },
        "errors": {"type": "array", "description": "What is malformed, and where.", "items": {"type": "object"}},
        "reasons": {
            "type": "array",
            "description": "Every rule against a slot, with what would be allowed.",
            "items": {"type": "object"},
        },
        "conflicts": {"type": "array", "description": "What is in the way.", "items": {"type": "object"}},
        "next_free": {"type": "array", "description": "Slots that are free instead.", "items": {"type": "object"}},
    },
    "examples": [
        {
            "type": "/problem-types/booking.slot_taken",
            "title": "Conflict",
            "status": 409,
            "detail": "Somebody has cmm-1 then.",
            "code": "booking.slot_taken",
            "params": {"machine": "cmm-1"},
            "conflicts": [
                {"resource_id": "cmm-1", "starts_at": "2026-10-01T00:00:00Z", "ends_at": "2026-10-01T02:00:00Z"}
            ],
            "next_free": [
                {"machine_id": "cmm-1", "starts_at": "2026-10-01T02:00:00Z", "ends_at": "2026-10-01T04:00:00Z"}
            ],
        }
    ],
}

REFUSALS = {
    "400": "The body cannot be read at all.",
    "401": "Nobody is signed in, or the credential is no longer valid.",
    "403": "The role, the scope of the token or the viewer's own standing does not allow it.",
    "404": "There is no such thing, or the viewer may not know of it.",
    "409": "The present state does not allow it: the time is taken, or somebody was first.",
    "412": "It changed since it was read: read it again.",
    "413": "The body is larger than what is read at once.",
    "422": "Malformed, or against the rules; `errors` or `reasons` name each.",
    "428": "`If-Match` is needed.",
    "503": "A part that is needed does not answer now; to try again is safe.",
}

ANSWER_HEADERS: Mapping[str, Schema] = {
    "Location": {"description": "Where the new thing is.", "schema": {"type": "string"}},
    "ETag": {"description": "What a change sends as `If-Match`.", "schema": {"type": "string"}},
    "Link": {"description": 'The next page, as `<…>; rel="next"`; none at the end.', "schema": {"type": "string"}},
}

IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of one's own; the same request with the same key counts once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "5f0c1c9e-2b6a-4f0e-9a56-0c5d3f1a7b11",
}

EXAMPLES: Mapping[str, Any] = {
    "machine_id": "cmm-1",
    "member_id": "m07",
    "starts_at": "2026-10-01T09:00:00+09:00",
    "ends_at": "2026-10-01T11:00:00+09:00",
    "from": "2026-10-01T00:00:00+09:00",
    "to": "2026-10-08T00:00:00+09:00",
    "url": "https://factory.example/hook",
    "month": "2026-10",
}
BY_FORMAT: Mapping[str, Any] = {
    "date-time": "2026-10-01T09:00:00+09:00",
    "date": "2026-10-01",
    "time": "09:00:00",
    "uuid": "0b8f5f0e-6a52-4c39-8f0e-2d2e6f6e7a10",
    "binary": "",
}


def describe(schema: Schema, endpoints: Endpoints, rights: Table) -> Schema:
    """`schema` as FastAPI makes it, with what holds for every route: errors, headers, examples, who may come in."""
    parts = schema["components"]
    parts["schemas"] = {name: each for name, each in parts["schemas"].items() if "ValidationError" not in name}
    parts["schemas"]["Problem"] = PROBLEM
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token of one's own."},
        "session": {"type": "apiKey", "in": "cookie", "name": "moyai_session", "description": "A signed-in browser."},
    }
    schema["info"]["description"] = ABOUT
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            key = (method.upper(), path)
            _operation(operation, method, endpoints[key], parts["schemas"])
            if Role.ANONYMOUS not in rights[key]:
                operation["security"] = [{"token": []}, {"session": []}]
    return schema


def said_by(endpoint: Callable[..., Any]) -> frozenset[str]:
    """Every name and text in the code of an endpoint and of the functions of its module that it calls.

    So the document cannot forget a header that the code sets.
    """
    seen: set[CodeType] = set()

    def read(code: CodeType, names: Mapping[str, Any]) -> Iterator[str]:
        if code in seen:
            return
        seen.add(code)
        yield from code.co_names
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from read(constant, names)
            elif isinstance(constant, tuple):
                yield from (each for each in constant if isinstance(each, str))
            elif isinstance(constant, str):
                yield constant
        for name in code.co_names:
            called = names.get(name)
            if isinstance(called, FunctionType) and called.__globals__ is names:
                yield from read(called.__code__, names)

    return (
        frozenset(read(endpoint.__code__, endpoint.__globals__)) if isinstance(endpoint, FunctionType) else frozenset()
    )


def _operation(operation: Schema, method: str, endpoint: Callable[..., Any], schemas: Schema) -> None:
    said = said_by(endpoint)
    operation["summary"] = _first_sentence(operation["description"])
    if "once" in said:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            headers = {name: each for name, each in ANSWER_HEADERS.items() if name in said}
            if any(each["name"] == "cursor" for each in operation.get("parameters", ())):
                headers["Link"] = ANSWER_HEADERS["Link"]
            answer.update({"headers": answer.get("headers", {}) | headers} if headers else {})
    for status in _refusals(operation, method):
        operation["responses"][status] = {
            "description": REFUSALS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    operation["responses"] = dict(sorted(operation["responses"].items()))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "example" not in content and "examples" not in content:
            content["example"] = example_of(content["schema"], schemas)


def _refusals(operation: Schema, method: str) -> list[str]:
    """Which errors a route can answer, told from what it takes."""
    names = {each["name"].lower() for each in operation.get("parameters", [])}
    takes_something = bool(names) or "requestBody" in operation
    found = ["401", "403", "503"]
    found += ["404", "409", "422"] if takes_something or method != "get" else []
    found += ["400", "413"] if "requestBody" in operation else []
    found += ["412", "428"] if "if-match" in names else []
    return found


def _first_sentence(text: str) -> str:
    """`Reserve a machine. 409 names …` → `Reserve a machine`."""
    joined = " ".join(text.split())
    return joined.split(". ")[0].split("; ")[0].split(": ")[0].rstrip(".")


def example_of(schema: Schema, schemas: Schema, name: str = "") -> Any:
    """A value that `schema` accepts: its own example, its default, or one told from its name and form."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if name in EXAMPLES and (schema.get("type") == "string" or "examples" in schema):
        return EXAMPLES[name]
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "default" in schema:
        return schema["default"]
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            return example_of(schema[either][0], schemas, name)
    return _by_type(schema, schemas, name)


def _by_type(schema: Schema, schemas: Schema, name: str) -> Any:
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {each: example_of(properties[each], schemas, each) for each in schema.get("required", ())}
        case "array":
            return [example_of(schema["items"], schemas, name)] * schema.get("minItems", 1)
        case "integer" | "number":
            return max(int(schema.get("minimum", 1)), int(schema.get("exclusiveMinimum", 0)) + 1)
        case "boolean":
            return True
        case "string" if "format" in schema or "contentMediaType" in schema:
            return BY_FORMAT.get(schema.get("format", "binary"), "2026-10-01")
        case _:
            return EXAMPLES.get(name, "text")
