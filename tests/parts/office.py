"""Debian 13's LibreOffice Calc in a folder, without a screen: a spreadsheet engine that is not ours."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tests.parts import debian, place

WANTED = ("libreoffice-calc-nogui",)
RECIPE = " ".join((debian.SUITE, *WANTED, platform.machine()))
ROOT = place.folder() / "office"
HOME = ROOT / "usr/lib/libreoffice"
PROGRAM = HOME / "program/soffice.bin"
_RESTARTS = 81


def ready() -> bool:
    return place.complete("office", RECIPE)


def bring() -> None:
    """Download, unpack and bind, once; raise RuntimeError or CalledProcessError where that is impossible."""
    if ready():
        return
    print("Bringing LibreOffice Calc (about 90 MB) ...", flush=True)
    with place.bringing("office", RECIPE) as root:
        shutil.rmtree(root, ignore_errors=True)
        apt = root.with_name("apt-office")
        shutil.rmtree(apt, ignore_errors=True)
        debian.unpack(debian.download(apt, WANTED), root)
        shutil.rmtree(apt)
        registry = HOME / "share/registry/main.xcd"  # a link over /etc, which only an installation fills
        registry.unlink()
        registry.symlink_to(HOME / "share/.registry/main.xcd")
        for file in PROGRAM.parent.glob("*rc"):
            text = file.read_text().replace("file:///usr/", f"file://{ROOT}/usr/")
            file.write_text(text.replace("file:///etc/", f"file://{ROOT}/etc/"))
        debian.patchelf("--set-interpreter", next(_libraries().glob("ld-linux*.so.*")), PROGRAM)


def recalculated(file: Path, folder: Path) -> Path:
    """`file` opened, calculated and saved again into `folder`, which also takes the engine's profile."""
    paths = os.pathsep.join(str(each) for each in (PROGRAM.parent, _libraries()))
    command = [PROGRAM, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx"]
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": paths, "LC_ALL": "C.UTF-8"}
    done = _RESTARTS
    while done == _RESTARTS:  # once, after it has made its profile
        done = subprocess.run(
            [*command, "--outdir", folder, file], check=False, capture_output=True, timeout=180, env=environment
        ).returncode
    assert done == 0, f"LibreOffice ended with {done}"
    return folder / file.name


def _libraries() -> Path:
    return next((ROOT / "usr/lib").glob("*-linux-gnu"))
