"""Requests to addresses that others gave: only public ones, the one that was looked up, not where a redirect leads."""

import socket
from typing import Any

import pytest

from coop import outward
from coop.outward import TargetAway, TargetRefused
from tests.booking.posts import program


@pytest.mark.parametrize(
    "url",
    [
        "http://factory.example/hook",
        "ftp://factory.example/hook",
        "https://user:secret@factory.example/hook",
        "https:///hook",
        "https://factory.example:99999/hook",
        "//factory.example/hook",
        "https://工場.example/hook",
        "https://factory.example/a b",
        "https://factory.example/\x00",
        "https://[::1/hook",
    ],
)
def test_only_plain_https_addresses_are_taken(url: str) -> None:
    with pytest.raises(TargetRefused):
        outward.check(url)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "fe80::1%lo", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "::"),
    ],
)
def test_nothing_private_is_called_whatever_its_name(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("93.184.215.14", address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: known)
    with pytest.raises(TargetRefused):
        outward.post("https://factory.example/hook", b"", {})


def test_the_address_that_was_looked_up_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere when it is looked up again (DNS rebinding) is not looked up again."""
    asked: list[str] = []
    with program() as called:
        port = int(called.url.rpartition(":")[2])

        def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", look_up)
            assert outward.post(f"http://factory.example:{port}/hook?a=1", b"{}", {}, private=True) == 200
        ((path, headers, body),) = called.calls
    assert "factory.example" in asked
    assert set(asked) <= {"factory.example", "127.0.0.1"}
    assert (path, headers["host"], body) == ("/hook?a=1", f"factory.example:{port}", b"{}")


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with program() as called:
        called.answers = [302, 200]
        assert outward.post(called.url, b"", {}, private=True) == 302
        assert len(called.calls) == 1


def test_who_does_not_answer_is_tried_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(TargetAway):
            outward.post(f"http://127.0.0.1:{nobody.getsockname()[1]}", b"", {}, private=True)
