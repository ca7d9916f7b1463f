"""Logs: a line for a person, or a JSON object for a program, both on standard error.

Messages are written as an event's name with fields (`ingest.database_away error=%s`), so a program gets the fields by
their names and types, not a sentence to take apart.
"""

import logging
import re
from datetime import UTC, datetime
from logging.config import dictConfig
from typing import Any

import orjson

_FIELD = re.compile(r"(\w+)=%[-+ 0-9.]*[a-z]")
_PLAIN = "%(asctime)s %(levelname)s %(name)s %(message)s"


class JsonLines(logging.Formatter):
    """One object a line: `at`, `level`, `logger`, `event`, the event's fields under `fields`, `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        template = str(record.msg)
        names = _FIELD.findall(template)
        arguments = record.args if isinstance(record.args, tuple) else ()
        if names and len(names) == len(arguments):
            said["event"] = template.partition(" ")[0]
            said["fields"] = dict(zip(names, arguments, strict=True))
        else:
            said["event"] = record.getMessage()
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(said, default=str).decode()


def to_stderr(level: int, form: str) -> None:
    """Write logs of `level` and above; `form` is `json` or `plain`."""
    dictConfig(configuration(level, form))


def configuration(level: int, form: str) -> dict[str, Any]:
    """The same as `logging` and uvicorn's processes read it."""
    lines = {"()": "moyai.logs.JsonLines"} if form == "json" else {"format": _PLAIN}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": lines},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": level, "handlers": ["stderr"]},
    }
