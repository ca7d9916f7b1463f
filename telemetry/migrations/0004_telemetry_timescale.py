"""Readings become a hypertable where TimescaleDB is; `telemetry.timescale.lay_out` may run again at any time."""

from yoyo import step

from telemetry import timescale

__depends__ = {"0004_telemetry_readings"}

step(timescale.lay_out)
