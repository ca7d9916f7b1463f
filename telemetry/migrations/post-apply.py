"""After every migration: readings become a hypertable where TimescaleDB has come, also later than the tables."""

from yoyo import step

from telemetry.storage import timescale

step(timescale.lay_out)
