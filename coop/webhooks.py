"""Signatures of webhooks, by the Standard Webhooks specification (symmetric, v1)."""

import base64
import hashlib
import hmac
from datetime import datetime

from coop.keys import derive


def signing_key(secret_key: str, webhook_id: str) -> bytes:
    """The key of one webhook, derived from the installation's secret."""
    return derive(secret_key, f"webhook {webhook_id}")


def shown(key: bytes) -> str:
    """A key as receivers configure it: `whsec_…`."""
    return "whsec_" + base64.b64encode(key).decode()


def headers(key: bytes, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """What a receiver checks: HMAC-SHA256 over `id.timestamp.body`. A retry keeps `webhook-id`, so it counts once."""
    timestamp = str(int(now.timestamp()))
    signed = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }
