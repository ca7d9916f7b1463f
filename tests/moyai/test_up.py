"""`moyai up`: everything in one folder, once, and again after every kind of end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx2
import orjson
import psutil
import psycopg
import pytest

from coop.identity import Role
from coop.people import add_person, viewer_of_token
from coop.settings import Settings
from moyai.parts.process import alive, listens, recall
from moyai.parts.supervisor import Backoff
from moyai.up import AlreadyUp, environment_of, running
from tests.parts.databases import Database
from tests.parts.mosquitto import Mosquitto

SERVICES = ("work", "ingest", "serve")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MOYAI_")} | {"LANG": "C"}


def moyai(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "moyai", *words], env=ENVIRONMENT | variables, capture_output=True, text=True, timeout=60
    )


@contextmanager
def up(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real `moyai up` and its URL."""
    command = [sys.executable, "-m", "moyai", "up", "--data", str(folder), "--port", "0"]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert "http://" in line, line + process.stderr.read()
            yield process, next(word for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()
            process.wait(60)


def eventually(so: Callable[[], object], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


def services(folder: Path) -> dict[str, psutil.Process | None]:
    return {name: recall(folder / "run" / f"{name}.pid") for name in SERVICES}


def test_a_cooperatives_evening(tmp_path: Path) -> None:
    """One story, because each start costs seconds: up, refused, killed, up again with its data, stopped in order."""
    folder = tmp_path / "data"
    with up(folder) as (first, url):
        assert ready(url)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
        reached = environment_of(folder)
        with psycopg.connect(reached["MOYAI_DATABASE_OWNER_URL"]) as conn:
            conn.execute("CREATE TABLE coop.kept AS SELECT 42 AS x")

        second = moyai("up", "--data", str(folder))
        assert second.returncode == 1
        assert str(first.pid) in second.stderr
        assert url in second.stderr
        assert len(second.stderr.splitlines()) == 1

        told = moyai("doctor", "--json", MOYAI_DATA_FOLDER=str(folder))
        assert told.returncode == 0, told.stdout + told.stderr
        levels = {line["check"]: line["level"] for line in orjson.loads(told.stdout)}
        assert {"database", "roles", "clock", "migrations", "broker", "broker.wide", "files"} <= levels.keys()
        assert "wrong" not in levels.values()

        broker = recall(folder / "broker" / "broker.pid")
        orphans = services(folder)
        assert broker is not None
        assert None not in orphans.values()
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert ready(url), "orphans go on until somebody ends them"

    with up(folder) as (heir, url):
        assert ready(url)
        assert recall(folder / "broker" / "broker.pid") == broker, "the broker was adopted"
        now = services(folder)
        for name in SERVICES:
            assert now[name] is not None
            assert now[name] != orphans[name]
            assert not alive(orphans[name])
        with psycopg.connect(environment_of(folder)["MOYAI_DATABASE_URL"]) as conn:
            assert conn.execute("SELECT count(*) FROM pg_class WHERE relname = 'kept'").fetchone() == (1,)
        ports = [int(environment_of(folder)["MOYAI_DATABASE_URL"].rsplit(":", 1)[1].split("/")[0])]
        heir.send_signal(signal.SIGINT)
        assert heir.wait(60) == 0
        assert services(folder) == dict.fromkeys(SERVICES)
        assert not any(listens(port) for port in ports)
        assert environment_of(folder) == {}


def test_what_is_killed_is_started_again(tmp_path: Path) -> None:
    settings = replace(Settings(), data_folder=tmp_path / "data", http_port=0)
    with running(settings) as everything:
        assert everything.settings.mqtt_version == 3
        with pytest.raises(AlreadyUp), running(settings):
            pass
        before = {name: part.pid for name, part in everything.parts.items()}
        for name in ("postgres", "broker", "serve"):
            os.kill(before[name], signal.SIGKILL)
        assert eventually(lambda: all(part.alive() for part in everything.parts.values()))
        assert eventually(lambda: ready(everything.http_url))
        after = {name: part.pid for name, part in everything.parts.items()}
        assert {name for name in before if before[name] != after[name]} >= {"postgres", "broker", "serve"}
    assert not ready(everything.http_url)


def test_on_a_database_and_a_broker_that_are_there(
    database: Database, own_mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with psycopg.connect(database.app_url) as conn:
        conn.execute(
            "INSERT INTO coop.cooperative (slug, name, time_zone, founded_at) VALUES ('demo', 'x', 'Asia/Tokyo', now())"
        )
    settings = Settings(
        database_url=database.app_url,
        database_owner_url=database.owner_url,
        mqtt_url=own_mosquitto.url,
        data_folder=tmp_path / "data",
        http_port=0,
    )
    with running(settings) as everything:
        assert set(everything.parts) == set(SERVICES)
        everything.wait_until_ready()
        taken = moyai(
            "serve", "--port", str(everything.settings.http_port), MOYAI_DATABASE_URL="x", MOYAI_SECRET_KEY="x"
        )
        assert (taken.returncode, len(taken.stderr.splitlines())) == (1, 1)
        assert str(everything.settings.http_port) in taken.stderr


def test_a_part_that_keeps_failing_is_tried_less_and_less_often() -> None:
    backoff = Backoff()
    starts = [at / 10 for at in range(2000) if backoff.may_start(at / 10)]
    pauses = [round(later - earlier, 1) for earlier, later in pairwise(starts)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30]
    assert backoff.may_start(starts[-1] + 60), "a minute without a failure: as at first"
    assert backoff.may_start(starts[-1] + 60.5)


@pytest.mark.parametrize(
    ("words", "variables", "code", "said"),
    [
        (["nonsense"], {}, 2, "No such command 'nonsense'."),
        (["up", "--port", "many"], {}, 2, "--port"),
        (["serve"], {}, 1, "MOYAI_DATABASE_URL"),
        (["serve"], {"LANG": "ja_JP.UTF-8", "MOYAI_HTTP_PORT": "x"}, 1, "設定 MOYAI_HTTP_PORT"),
        (["migrate"], {"MOYAI_DATABASE_OWNER_URL": "postgresql://nobody@127.0.0.1:1/x"}, 1, "database does not answer"),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(
    words: list[str], variables: dict[str, str], code: int, said: str, tmp_path: Path
) -> None:
    done = moyai(*words, MOYAI_DATA_FOLDER=str(tmp_path / "data"), **variables)
    assert (done.returncode, len(done.stderr.splitlines()), done.stdout) == (code, 1, ""), done.stderr
    assert said in done.stderr


def test_what_nobody_foresaw_is_written_to_a_file_that_the_line_names(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "run" / "environment.json").mkdir(parents=True)
    (folder / "up.lock").mkdir()
    done = moyai("up", "--data", str(folder), "--port", "0")
    assert done.returncode == 70
    assert done.stderr.strip().endswith(str(folder / "errors.log"))
    assert "IsADirectoryError" in (folder / "errors.log").read_text()


@pytest.mark.parametrize("command", ["up", "serve", "ingest", "work", "migrate", "doctor", "token", "replay"])
def test_help_says_what_it_does_with_an_example(command: str) -> None:
    done = moyai(command, "--help", COLUMNS="100")
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert f"moyai {command}" in done.stdout


def test_the_doctor_says_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    done = moyai("doctor", "--json", MOYAI_DATA_FOLDER=str(folder), MOYAI_MQTT_URL="mqtt://127.0.0.1:1")
    assert done.returncode == 1
    wrong = {line["check"]: line["fix"] for line in orjson.loads(done.stdout) if line["level"] == "wrong"}
    assert wrong.keys() == {"files.open", "database.unset", "broker.away"}
    assert wrong["files.open"] == f"chmod 700 {folder}"


def test_a_token_is_made_for_a_person_and_opens_the_door(database: Database) -> None:
    email = "sato@factory.example"
    with psycopg.connect(database.app_url) as conn:
        add_person(conn, name="佐藤", email=email, roles=[Role.OFFICE])
    made = moyai("token", email, "--read-only", "--days", "1", MOYAI_DATABASE_URL=database.app_url)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("moyai_")
    with psycopg.connect(database.app_url) as conn:
        viewer = viewer_of_token(conn, secret, datetime.now(UTC))
    assert viewer.scopes == {"read"}
    unknown = moyai("token", "nobody@example.org", MOYAI_DATABASE_URL=database.app_url)
    assert (unknown.returncode, unknown.stdout, len(unknown.stderr.splitlines())) == (1, "", 1)
