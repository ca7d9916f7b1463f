"""The embedded PostgreSQL: quick to start, closed to others, and there again after every kind of end."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from moyai.parts.postgres import EmbeddedPostgres
from moyai.parts.process import alive, listens


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    part = EmbeddedPostgres(tmp_path / "postgres")
    part.start()
    yield part
    part.start()
    part.stop()


def answers(url: str) -> bool:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT 1").fetchone() == (1,)


def test_the_cluster_has_our_two_roles_and_the_extension_for_conflicts(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
        owner.execute("CREATE EXTENSION btree_gist")
        row = owner.execute(
            "SELECT current_user, current_database(), current_setting('fsync'), current_setting('TimeZone'),"
            " pg_encoding_to_char(encoding), pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'moyai'"
        ).fetchone()
    assert row == ("moyai_owner", "moyai", "on", "UTC", "UTF8", "moyai_owner")
    with psycopg.connect(postgres.app_url) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE public.mine (x int)")


def test_only_the_right_password_opens_it_and_only_on_the_loopback_address(postgres: EmbeddedPostgres) -> None:
    wrong = postgres.owner_url.replace("moyai_owner:", "moyai_owner:x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres")
    process = psutil.Process(postgres.pid)
    assert {c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    for name in ("moyai_owner.password", "moyai_app.password"):
        assert (postgres.folder / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_as_root_it_runs_as_somebody_else_below_a_folder_closed_to_them(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    part = EmbeddedPostgres(closed / "postgres")
    part.start()
    try:
        assert psutil.Process(part.pid).uids().effective != 0
        assert answers(part.app_url)
    finally:
        part.stop()


def test_committed_rows_survive_kill_9_of_the_server(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.owner_url) as owner:
        owner.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS x")
        owner.commit()
        owner.execute("INSERT INTO kept SELECT generate_series(1001, 2000)")
        url, before = postgres.owner_url, postgres.pid
        postgres.kill()
        owner.close()
    assert (postgres.cluster / "postmaster.pid").exists()
    postgres.start()
    assert postgres.pid != before
    assert postgres.owner_url == url
    with psycopg.connect(url) as owner:
        assert owner.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_after_kill_9_of_its_owner_the_next_one_adopts_it(tmp_path: Path) -> None:
    program = f"""
        from pathlib import Path
        import time
        from moyai.parts.postgres import EmbeddedPostgres
        part = EmbeddedPostgres(Path({str(tmp_path / "postgres")!r}))
        part.start()
        print(part.pid, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    heir = EmbeddedPostgres(tmp_path / "postgres")
    heir.start()
    try:
        assert heir.pid == pid
        assert answers(heir.app_url)
    finally:
        heir.stop()
    assert not listens(heir.port)


def test_a_lock_file_that_names_somebody_elses_process_does_not_stop_it(postgres: EmbeddedPostgres) -> None:
    """After a reboot the number in postmaster.pid may be anybody's; here a live process of the server's own user."""
    lock = postgres.cluster / "postmaster.pid"
    uid = psutil.Process(postgres.pid).uids().real
    text = lock.read_text()
    postgres.kill()
    with subprocess.Popen(["sleep", "60"], user=uid) as stranger:
        lock.write_text(str(stranger.pid) + text[text.index("\n") :])
        postgres.start()
        assert postgres.alive()
        assert alive(psutil.Process(stranger.pid)), "a stranger was ended"
        stranger.kill()


def test_a_port_taken_meanwhile_is_given_up(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    taken = postgres.port
    postgres.stop()
    other = EmbeddedPostgres(tmp_path / "other", port=taken)
    other.start()
    try:
        postgres.start()
        assert postgres.port != taken
        assert answers(postgres.app_url)
    finally:
        other.stop()
