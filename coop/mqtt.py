"""How any client of ours gets into the broker: the account in the URL, and TLS with certificates from files."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client

from coop.errors import Invalid
from coop.settings import Settings

PORT, PORT_TLS = 1883, 8883


class CertificateUnreadable(Invalid):
    """A file for TLS is not there, or is no certificate or key."""

    code = "coop.certificate_unreadable"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM. Without `ca_file` the system's authorities are trusted; certificate and key are ours."""

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings name."""
        return cls(settings.mqtt_ca_file, settings.mqtt_certificate_file, settings.mqtt_key_file)


NO_FILES = Tls()
"""The system's authorities, and no certificate of ours."""


def introduce(client: Client, url: str, tls: Tls) -> tuple[str, int]:
    """Give `client` the account in `url`, and TLS where that says `mqtts`; return host and port to connect to.

    Raises `CertificateUnreadable`.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    if parts.username is not None:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if secure:
        try:
            client.tls_set(tls.ca_file or None, tls.certificate_file or None, tls.key_file or None)
        except (OSError, ValueError) as failure:  # an SSLError is an OSError
            files = ", ".join(filter(None, (tls.ca_file, tls.certificate_file, tls.key_file)))
            raise CertificateUnreadable(files=files or "-", why=str(failure)) from failure
    return parts.hostname or "127.0.0.1", parts.port or (PORT_TLS if secure else PORT)
