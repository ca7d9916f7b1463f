"""Devices: what reports, for which machine, with which account at the broker, and whether it still does."""

from telemetry.devices.register import (
    BindingOverlaps,
    CorrectionOverlaps,
    CorrectionTooLarge,
    DecoderUnknown,
    DeviceExists,
    DeviceInvalid,
    DeviceUnknown,
    add_device,
    bind,
    change_device,
    confirm_clock_correction,
    devices,
)

__all__ = [
    "BindingOverlaps",
    "CorrectionOverlaps",
    "CorrectionTooLarge",
    "DecoderUnknown",
    "DeviceExists",
    "DeviceInvalid",
    "DeviceUnknown",
    "add_device",
    "bind",
    "change_device",
    "confirm_clock_correction",
    "devices",
]
