"""Web push: a message encrypted for one browser (RFC 8291) with proof of who sends it (VAPID, RFC 8292)."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from coop.keys import base64url, derive

RECORD_BYTES = 4096
LONGEST_MESSAGE_BYTES = 3993  # RFC 8291 4: with header, padding delimiter and tag it fits one 4096 byte record
VALID = timedelta(hours=12)  # RFC 8292 allows 24 at most
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group of P-256


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser is reached and the keys it gave: an uncompressed point of P-256 and 16 bytes."""

    endpoint: str
    public_key: bytes
    auth: bytes


def sender_key(secret_key: str) -> ec.EllipticCurvePrivateKey:
    """The installation's key, derived from its secret; browsers are bound to it when they subscribe."""
    scalar = int.from_bytes(derive(secret_key, "vapid")) % (_ORDER - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """The 65 bytes by which browsers know a public key."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def is_point(octets: bytes) -> bool:
    """Whether `octets` are an uncompressed point on P-256."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets)
    except ValueError:
        return False
    return len(octets) == 65


def encrypt(
    message: bytes,
    to: Subscription,
    *,
    salt: bytes | None = None,
    ephemeral: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """`message` as one aes128gcm record (RFC 8188) that only the browser can read.

    Salt and ephemeral key are fresh; a test gives those of RFC 8291's example. Raises `ValueError` beyond
    `LONGEST_MESSAGE_BYTES`.
    """
    if len(message) > LONGEST_MESSAGE_BYTES:
        raise ValueError("a push message has 3993 bytes at most")
    salt = salt or os.urandom(16)
    ephemeral = ephemeral or ec.generate_private_key(ec.SECP256R1())
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), to.public_key)
    ours = point(ephemeral.public_key())
    shared = ephemeral.exchange(ec.ECDH(), theirs)
    secret = _expand(shared, to.auth, b"WebPush: info\x00" + to.public_key + ours, 32)
    key = _expand(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _expand(secret, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + RECORD_BYTES.to_bytes(4) + bytes([len(ours)]) + ours
    return header + AESGCM(key).encrypt(nonce, message + b"\x02", None)


def headers(key: ec.EllipticCurvePrivateKey, to: Subscription, contact: str, now: datetime) -> dict[str, str]:
    """What the push service is told: who sends (`contact` is a mail address), for how long the message is worth it."""
    parts = urlsplit(to.endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + VALID).timestamp()),
        "sub": f"mailto:{contact}",
    }
    signed = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    token = f"{signed}.{base64url(r.to_bytes(32) + s.to_bytes(32))}"
    return {
        "authorization": f"vapid t={token}, k={base64url(point(key.public_key()))}",
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(int(VALID.total_seconds())),
        "urgency": "normal",
    }


def _json(value: dict[str, object] | dict[str, str]) -> str:
    return base64url(orjson.dumps(value))


def _expand(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=salt, info=info).derive(secret)
