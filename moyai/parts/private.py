"""Files that only their owner may read: passwords, keys, process numbers."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Put `text` into `path` with mode 0600, wholly or not at all, and on the disk when this returns."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123  # a descriptor, so that no other mode ever shows
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def secret(path: Path) -> str:
    """The secret kept in `path`; made at the first call (256 bits, safe in URLs)."""
    if not path.is_file():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()


def private_folder(path: Path) -> Path:
    """Make `path` (and its parents) a folder that only its owner may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
