"""Reservations that repeat (RFC 5545): looked at first, reserved together, changed together."""
