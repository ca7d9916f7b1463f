"""A month of readings as Parquet files, one folder a month and machine, as DuckDB, Spark and pandas read them.

The database's rows go through as a stream: memory does not depend on how many there are. A file appears whole.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from coop import machines, register
from coop.database import Connection
from coop.interval import Interval, month, parse_month
from coop.queries import load
from telemetry.storage.speakers import Speaker, speakers

SQL = load("telemetry.storage")

BLOCK_BYTES = 8 << 20  # of text, some 120,000 readings: what is held at once, and one row group of the file

_MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    {
        "device": pa.dictionary(pa.int32(), pa.string()),
        "channel": pa.dictionary(pa.int32(), pa.string()),
        "at": _MOMENT,
        "device_at": _MOMENT,
        "received_at": _MOMENT,
        "value": pa.float64(),
        "text": pa.string(),
    }
)
"""`at` is the true time, `device_at` what the device stated; they differ where a person corrected its clock."""

_COPIED = {
    "at": pa.int64(),
    "device_at": pa.int64(),
    "received_at": pa.int64(),
    "value": pa.float64(),
    "text": pa.string(),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """One machine's file; `path` is None for a machine without readings."""

    machine_id: str
    readings: int
    path: Path | None


def export(
    conn: Connection, month_wanted: str, folder: Path, progress: Callable[[str, int], None] = lambda *_: None
) -> Iterator[Exported]:
    """Write `folder/month=YYYY-MM/machine=ID/readings.parquet` for each machine that said something in the local month.

    `progress` hears the machine and how many readings of it are written so far. Readings of devices that spoke for no
    machine are in no file. Raises `MonthInvalid`.
    """
    window = month(*parse_month(month_wanted), register.cooperative(conn).time_zone)
    for machine in machines.machines(conn):
        target = folder / f"month={month_wanted}" / f"machine={machine.id}" / "readings.parquet"
        written = _write(conn, machine.id, window, target, progress)
        yield Exported(machine.id, written, target if written else None)


def _write(
    conn: Connection, machine_id: str, window: Interval, target: Path, progress: Callable[[str, int], None]
) -> int:
    unfinished = target.with_suffix(".unfinished")
    written = 0
    with ExitStack() as stack:
        writer = None
        for speaker in speakers(conn, machine_id, window):
            for batch in _batches(conn, speaker):
                if writer is None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    writer = stack.enter_context(pq.ParquetWriter(unfinished, SCHEMA, compression="zstd"))
                writer.write_batch(batch)
                written += batch.num_rows
                progress(machine_id, written)
    if written:
        unfinished.replace(target)
    else:
        target.unlink(missing_ok=True)
    return written


def _batches(conn: Connection, speaker: Speaker) -> Iterator[pa.RecordBatch]:
    """A channel's readings in order of its device's time."""
    with conn.cursor() as cursor, cursor.copy(SQL["readings_of"], speaker.values) as copy:
        stream = _Stream(iter(copy))
        if not stream.fill():
            return
        with pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(column_names=list(_COPIED), block_size=BLOCK_BYTES, use_threads=False),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=_COPIED, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        ) as reader:
            for batch in reader:
                yield _named(batch, speaker)


def _named(batch: pa.RecordBatch, speaker: Speaker) -> pa.RecordBatch:
    same = pa.array([0] * batch.num_rows, pa.int32())
    columns: list[Any] = [
        pa.DictionaryArray.from_arrays(same, [speaker.device_id]),
        pa.DictionaryArray.from_arrays(same, [speaker.channel]),
        *(batch.column(name).cast(_MOMENT) for name in ("at", "device_at", "received_at")),
        batch.column("value"),
        batch.column("text"),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


class _Stream(RawIOBase):
    """What COPY sends, as a file to read from."""

    def __init__(self, blocks: Iterator[bytes | bytearray | memoryview]) -> None:
        self._blocks, self._left = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def fill(self) -> bool:
        """Whether there is more to read."""
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._left = memoryview(block)
        return True

    def readinto(self, buffer: Any) -> int:
        into, total = memoryview(buffer), 0
        while total < len(into) and self.fill():
            taken = self._left[: len(into) - total]
            into[total : total + len(taken)] = taken
            self._left = self._left[len(taken) :]
            total += len(taken)
        return total
