"""The bundled scripts and styles: typed, small, and built again only when a source changed."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest

import dashboards
from dashboards.shell import DIST

WEB = Path(dashboards.__file__).parent / "web"
MANIFEST: dict[str, str] = json.loads((DIST / "manifest.json").read_text())


def test_the_scripts_are_typed() -> None:
    """TypeScript's own verdict; the compiler is a native program among the packages that the build installed."""
    compilers = sorted((WEB / "node_modules" / "@typescript").glob("*/lib/tsc"))
    if not compilers:
        pytest.skip("the packages of the pages are not installed here: pip install -e . does it")
    said = subprocess.run([compilers[0], "--noEmit", "-p", WEB], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_entries_have_files_with_the_hash_of_their_content_in_their_names() -> None:
    scripts = {script.with_suffix(".js").name for script in (WEB / "src").glob("*.ts") if ".d." not in script.name}
    assert {entry for entry in MANIFEST if entry.endswith(".js")} == scripts
    assert "moyai.css" in MANIFEST
    for entry, name in MANIFEST.items():
        stem, _, suffix = entry.partition(".")
        assert name.startswith(f"{stem}-")
        assert name.endswith(f".{suffix}")
        assert (DIST / name).stat().st_size > 0


def test_what_today_loads_is_small() -> None:
    wire = sum(len(gzip.compress((DIST / MANIFEST[name]).read_bytes())) for name in ("moyai.css", "today.js"))
    assert wire < 40_000


def test_no_file_names_another_host() -> None:
    for name in MANIFEST.values():
        text = (DIST / name).read_text()
        assert "//cdn" not in text
        assert "@import" not in text
        assert "url(http" not in text


def test_licences_of_what_is_bundled_go_along() -> None:
    licences = (DIST / "LICENSES.txt").read_text()
    assert "htmx.org" in licences
    assert "uplot" in licences
    assert "MIT License" in licences
