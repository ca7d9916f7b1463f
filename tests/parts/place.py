"""Where the parts lie, and how to know that they are complete."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def folder() -> Path:
    """`.parts` in the repository; for root in a folder that others may not enter, one under /var/cache.

    PostgreSQL refuses to run as root, so root runs it as another user, who must be able to read the binaries.
    """
    entries = (REPOSITORY, *REPOSITORY.parents)
    if os.geteuid() == 0 and not all(entry.stat().st_mode & 0o001 for entry in entries):
        return Path("/var/cache/moyai/test-parts")
    return REPOSITORY / ".parts"


def complete(part: str, recipe: str) -> bool:
    """Was this part brought here by exactly this recipe?"""
    stamp = _stamp(part)
    return stamp.is_file() and stamp.read_text() == _written(recipe)


@contextmanager
def bringing(part: str, recipe: str) -> Iterator[Path]:
    """The folder to fill, for one process at a time; stamped as complete when the block ends well."""
    folder().mkdir(mode=0o755, parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _stamp(part).unlink(missing_ok=True)
        yield folder() / part
        _stamp(part).write_text(_written(recipe))


def _stamp(part: str) -> Path:
    return folder() / f"{part}.complete"


def _written(recipe: str) -> str:
    """The path belongs to it: binaries are bound to the folder they were made for."""
    return f"{folder()}\n{recipe}\n"
