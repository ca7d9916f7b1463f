"""Devices: what reports, for which machine, with which account at the broker, and whether it still does."""

from telemetry.devices.register import (
    BindingOverlaps,
    CorrectionOverlaps,
    CorrectionTooLarge,
    DeviceExists,
    DeviceInvalid,
    DeviceUnknown,
    add_device,
    bind,
    confirm_clock_correction,
    devices,
)

__all__ = [
    "BindingOverlaps",
    "CorrectionOverlaps",
    "CorrectionTooLarge",
    "DeviceExists",
    "DeviceInvalid",
    "DeviceUnknown",
    "add_device",
    "bind",
    "confirm_clock_correction",
    "devices",
]
