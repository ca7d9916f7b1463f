"""Keys for one purpose each, derived from the installation's secret: none of them is stored."""

import base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(secret_key: str, purpose: str) -> bytes:
    """32 bytes for `purpose` (HKDF-SHA256, RFC 5869); another purpose gives bytes that tell nothing of these."""
    return HKDF(SHA256(), 32, salt=None, info=f"moyai {purpose}".encode()).derive(secret_key.encode())


def base64url(octets: bytes) -> str:
    """Base64 for URLs, without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
