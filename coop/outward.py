"""Requests from us to an address that somebody gave: never into our own network, never led elsewhere."""

import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2

from coop.errors import Invalid

TIMEOUT_SECONDS = 10.0
_GRAPHIC = re.compile(r"[!-~]+")


class TargetRefused(Invalid):
    """We do not call this address: it is not https, or it is private."""

    code = "coop.target_refused"


class TargetAway(Exception):
    """The address did not answer; trying again later is right."""


def check(url: str, *, private: bool = False) -> None:
    """Raise `TargetRefused` unless `url` is https and written without credentials; `private` also allows http."""
    try:
        httpx2.URL(url)  # what it cannot read it could not call
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, httpx2.InvalidURL):
        raise TargetRefused() from None
    schemes = {"https", "http"} if private else {"https"}
    if (
        parts.scheme not in schemes
        or not parts.hostname
        or "@" in parts.netloc
        or port == 0
        or not _GRAPHIC.fullmatch(url)
    ):
        raise TargetRefused()


def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool = False) -> int:
    """POST `body` and return the status of the answer; redirects are not followed and the answer is not read.

    The name is looked up once and that very address is called, so that no second look-up can lead into our network.
    Raises `TargetRefused`, or `TargetAway` if nobody answers within 10 s.
    """
    check(url, private=private)
    parts = urlsplit(url)
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(parts.hostname, port, private=private)
    pinned = httpx2.URL(url).copy_with(host=address, port=port)
    extensions = {"sni_hostname": parts.hostname} if parts.scheme == "https" else {}
    try:
        with (
            httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST", pinned, content=body, headers={**headers, "Host": parts.netloc}, extensions=extensions
            ) as answer,
        ):
            return answer.status_code
    except httpx2.HTTPError as away:
        raise TargetAway(type(away).__name__) from away


def _address(host: str, port: int, *, private: bool) -> str:
    """The first address of `host`, if all of them are public; raises `TargetRefused` or `TargetAway`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise TargetAway("name not found") from unknown
    addresses = [str(each[4][0]) for each in found]
    if not private and not all(_public(address) for address in addresses):
        raise TargetRefused()
    return addresses[0]


def _public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if inner or parsed in _NAT64:
            return False
    return parsed.is_global and not parsed.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
