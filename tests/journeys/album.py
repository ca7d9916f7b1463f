"""`python -m tests.journeys.album`: the example with its whole month, and a picture of every page to look through.

Each page on a phone and in the office, in both languages, light and dark by turns, in `.artifacts/album`.
"""

import html
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from coop.interval import month_of
from moyai.parts.process import free_port
from tests.journeys.looking import ARTIFACTS, LOOKS, Eyes, name_of, photograph
from tests.journeys.screens import SCREENS
from tests.journeys.town import ZONE, Town
from tests.parts.chromium import chromium

ALBUM = ARTIFACTS / "album"


def main() -> None:
    ALBUM.mkdir(parents=True, exist_ok=True)
    for old in ALBUM.glob("*.png"):
        old.unlink()
    with _demo() as town, chromium() as browser:
        eyes = Eyes(browser, town)
        shown = [_shown(eyes, path) for path in SCREENS]
        eyes.close()
    (ALBUM / "index.html").write_text(_index(shown), encoding="utf-8")
    print(ALBUM / "index.html")


@contextmanager
def _demo() -> Iterator[Town]:
    """`moyai demo`, once it serves."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="moyai-album-") as folder:
        Path(folder).chmod(0o711)
        command = [sys.executable, "-m", "moyai", "demo", "--data", f"{folder}/data", "--port", str(port)]
        environment = os.environ | {"COLUMNS": "200"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
            assert demo.stdout is not None
            try:
                for line in demo.stdout:
                    print(line, end="", flush=True)
                    if "Ctrl-C" in line:
                        break
                else:
                    raise SystemExit("the example did not come up")
                last = month_of(month_of(datetime.now(UTC), ZONE).start - timedelta(days=1), ZONE)
                yield Town(f"http://127.0.0.1:{port}", {}, f"{last.start.astimezone(ZONE):%Y-%m}")
            finally:
                demo.send_signal(signal.SIGINT)


def _shown(eyes: Eyes, path: str) -> tuple[str, str]:
    """Photograph a page in all its looks; its path and the name of its pictures."""
    screen = SCREENS[path]
    address = screen.address(path, eyes.visitor(screen.asks or screen.who))
    for look in LOOKS:
        page = eyes.page(screen.who, look)
        page.goto(address)
        photograph(page, address, look, ALBUM)
        page.close()
    print(path, flush=True)
    return path, name_of(address)


def _index(shown: list[tuple[str, str]]) -> str:
    """A contact sheet: a row for each page, a column for each look."""

    def row(path: str, name: str) -> str:
        pictures = [
            f"<td><a href={name}-{look}.png><img src={name}-{look}.png loading=lazy></a></td>" for look in LOOKS
        ]
        return f"<tr><th>{html.escape(path)}</th>{''.join(pictures)}</tr>"

    head = "".join(f"<th>{each}</th>" for each in ("", *LOOKS))
    style = "th{font:14px monospace;text-align:left;vertical-align:top}img{width:20vw;border:1px solid #999}"
    start = f"<!doctype html><meta charset=utf-8><title>Screens</title><style>{style}</style>"
    return f"{start}<table><tr>{head}</tr>{''.join(row(*each) for each in shown)}</table>"


if __name__ == "__main__":
    main()
