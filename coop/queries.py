"""Named SQL: the `queries.sql` of a room or of one of its topics, one sentence of meaning over each statement."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_HEADER = re.compile(r"^-- (?P<name>[a-z][a-z0-9_]*): (?P<meaning>\S.*)$", re.MULTILINE)


@cache
def load(package: str) -> Mapping[str, str]:
    """The statements of `package`'s `queries.sql` by name.

    A statement begins at a line `-- name: what it means.`; raises `ValueError` on a name given twice or an empty body.
    """
    text = resources.files(package).joinpath("queries.sql").read_text(encoding="utf-8")
    headers = list(_HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    statements: dict[str, str] = {}
    for header, end in zip(headers, ends, strict=True):
        name, body = header["name"], text[header.end() : end].strip()
        if name in statements or not body:
            raise ValueError(f"{package}/queries.sql: {name} is empty or given twice")
        statements[name] = body
    return statements
