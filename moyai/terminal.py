"""How the command line speaks: in the terminal's language, one line for a failure, details in a file."""

import os
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from coop.messages import translate


def locale() -> str:
    """The language of messages in this terminal: `ja` or `en`."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ja" if named.startswith("ja") else "en"


def say(key: str, **params: object) -> str:
    """The sentence of `key` in the terminal's language."""
    return translate(key, locale(), **params)


def interruptible() -> None:
    """Let SIGTERM and a closed terminal end the process as Ctrl-C does; what a parent ignores stays ignored."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sign) is not signal.SIG_IGN:
            signal.signal(sign, signal.default_int_handler)


def fail(line: str, code: int) -> NoReturn:
    """End the process with one red line on stderr."""
    Console(stderr=True, soft_wrap=True).print(" ".join(line.split()), style="red", markup=False, highlight=False)
    sys.exit(code)


def write_down() -> Path:
    """Put the exception under way into the data folder's `errors.log`; into the temporary folder if that cannot be."""
    text = f"{datetime.now(UTC).isoformat()} moyai {' '.join(sys.argv[1:2])}\n{traceback.format_exc()}\n"
    data_folder = Path(os.environ.get("MOYAI_DATA_FOLDER", "moyai-data"))
    for folder in (data_folder, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (folder / "errors.log").open("a", encoding="utf-8") as stream:
                stream.write(text)
        except OSError:
            continue
        return (folder / "errors.log").resolve()
    return Path("-")
