"""A month of readings in Parquet, as others read it."""

from datetime import UTC, datetime, timedelta
from math import inf, isnan, nan
from pathlib import Path

import pandas as pd
import psycopg
import pyarrow.dataset as ds
import pytest
import typer
from typer.testing import CliRunner

from coop.database import Connection
from coop.identity import SYSTEM
from coop.interval import Interval, MonthInvalid
from telemetry.devices.register import confirm_clock_correction
from telemetry.storage import cli
from telemetry.storage.export import export
from tests.parts.databases import Database
from tests.telemetry.signals import MACHINE, Signal, at, attach, signal

OCTOBER = datetime(2026, 9, 30, 15, tzinfo=UTC)  # begins in Japan
NOVEMBER = datetime(2026, 10, 31, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def written(conn: Connection, folder: Path) -> pd.DataFrame:
    """The month as pandas reads it, with all that it finds in the folder's names."""
    assert [each.readings for each in export(conn, "2026-10", folder)]
    return pd.read_parquet(folder, engine="pyarrow")


def test_a_local_month_comes_back_as_it_was_stored(conn: Connection, tmp_path: Path) -> None:
    cmm = signal(conn)
    cmm.send([(OCTOBER - SECOND, 1.0), (OCTOBER, 2.0), (at(1), -0.1 + 0.3), (NOVEMBER - SECOND, 4.0), (NOVEMBER, 5.0)])
    frame = written(conn, tmp_path)
    assert frame["value"].tolist() == [2.0, -0.1 + 0.3, 4.0]
    assert frame["at"].tolist() == [OCTOBER, at(1), NOVEMBER - SECOND]
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    assert set(zip(frame["month"], frame["machine"], frame["device"], frame["channel"], strict=True)) == {
        ("2026-10", MACHINE, f"{MACHINE}-plug", "power")
    }


def test_every_text_and_every_number_survives(conn: Connection, tmp_path: Path) -> None:
    cmm = signal(conn)
    words = ["", "ACTIVE", "a,b", 'said "no"', "two\nlines", "測定中", "NULL", "\\N", " "]
    numbers = [0.0, -0.0, 1e300, 5e-324, inf, -inf, nan, 1 / 3]
    cmm.send([(at(n), word) for n, word in enumerate(words)])
    cmm.send([(at(100 + n), number) for n, number in enumerate(numbers)])
    frame = written(conn, tmp_path)
    assert frame["text"].tolist()[: len(words)] == words
    assert frame["value"].tolist()[: len(words)] != words
    assert frame["value"].isna().sum() == len(words) + 1  # pandas reads "not a number" as nothing
    values = frame["value"].tolist()[len(words) :]
    assert [value for value in values if not isnan(value)] == [number for number in numbers if not isnan(number)]


def test_each_machine_has_its_own_folder_and_true_time(conn: Connection, tmp_path: Path) -> None:
    cmm = signal(conn)
    room = Signal(conn, attach(conn, "thermometer", MACHINE, "room_temperature"))
    cmm.send([(at(0), 5.0)])
    room.send([(at(0), 20.5), (NOVEMBER + SECOND, 21.5)])
    confirm_clock_correction(conn, SYSTEM, "thermometer", Interval(NOVEMBER, NOVEMBER + 2 * SECOND), -60, at(0))
    [done] = export(conn, "2026-10", tmp_path)
    assert done.path == tmp_path / "month=2026-10" / "machine=cmm-1" / "readings.parquet"
    frame = ds.dataset(tmp_path, partitioning="hive").to_table(filter=ds.field("channel") == "room_temperature")
    assert frame["at"].to_pylist() == [at(0), NOVEMBER - 59 * SECOND]
    assert frame["device_at"].to_pylist() == [at(0), NOVEMBER + SECOND]


def test_a_second_export_takes_the_place_of_the_first(conn: Connection, tmp_path: Path) -> None:
    cmm = signal(conn)
    cmm.send([(at(0), 5.0)])
    assert len(written(conn, tmp_path)) == 1
    cmm.send([(at(1), 5.0)])
    assert len(written(conn, tmp_path)) == 2
    conn.execute("DELETE FROM telemetry.reading")
    assert [(each.readings, each.path) for each in export(conn, "2026-10", tmp_path)] == [(0, None)]
    assert not list(tmp_path.rglob("*.*t*"))
    with pytest.raises(MonthInvalid):
        list(export(conn, "October", tmp_path))


def test_memory_does_not_grow_with_the_month(conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.storage.export.BLOCK_BYTES", 1 << 16)
    cmm = signal(conn)
    conn.execute(
        "INSERT INTO telemetry.reading SELECT %s, %s + n * interval '1 second', 0, n, NULL, now()"
        " FROM generate_series(1, 50000) n",
        [cmm.channel_id, at(0)],
    )
    steps: list[int] = []
    [done] = export(conn, "2026-10", tmp_path, lambda machine_id, readings: steps.append(readings))
    assert done.readings == steps[-1] == 50000
    assert max(after - before for before, after in zip([0, *steps], steps, strict=False)) < 2000


def test_the_command_writes_and_says_what(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOYAI_DATABASE_URL", database.app_url)
    with psycopg.connect(database.app_url) as conn:
        signal(conn).send([(at(0), 5.0), (at(1), 6.0)])
    app = typer.Typer()
    app.add_typer(cli.app, name="telemetry")
    done = CliRunner().invoke(app, ["telemetry", "export", "--month", "2026-10", "--to", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}/month=2026-10/machine=cmm-1/readings.parquet\t2\n")
