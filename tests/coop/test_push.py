"""Web push against the example that RFC 8291 prints, and keys that nobody stores."""

import base64

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from coop import push
from coop.keys import base64url, derive
from coop.push import Subscription


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(octets(text)), ec.SECP256R1())


def test_the_example_of_rfc_8291_appendix_a() -> None:
    sender = private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    public = octets("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")
    browser = Subscription(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV", public, octets("BTBZMqHH6r4Tts7J_aSIgg")
    )
    sent = push.encrypt(
        b"When I grow up, I want to be a watermelon", browser, salt=octets("DGv6ra1nlYgDCS1FRnbzlw"), ephemeral=sender
    )
    assert base64url(sent) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
        "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_the_longest_message_fits_one_record() -> None:
    browser = ec.generate_private_key(ec.SECP256R1())
    to = Subscription("https://push.example", push.point(browser.public_key()), b"0" * 16)
    longest = b"x" * push.LONGEST_MESSAGE_BYTES
    sent = push.encrypt(longest, to)
    assert len(sent) <= 4096
    assert http_ece.decrypt(sent, private_key=browser, auth_secret=to.auth) == longest
    with pytest.raises(ValueError, match="3993"):
        push.encrypt(longest + b"x", to)


def test_the_senders_key_is_the_installations_own_and_stays() -> None:
    first, again, other = (
        push.point(push.sender_key(secret).public_key()) for secret in ("a" * 32, "a" * 32, "b" * 32)
    )
    assert first == again != other
    assert push.is_point(first)
    assert not push.is_point(first[:64])
    assert derive("a" * 32, "vapid") != derive("a" * 32, "webhook 1")
