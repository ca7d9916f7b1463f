"""Settings: read once from the environment into one frozen object."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from coop.errors import Invalid


class SettingMissing(Invalid):
    """A setting that this command needs is not in the environment."""

    code = "coop.setting_missing"


class SettingInvalid(Invalid):
    """A setting in the environment cannot be read."""

    code = "coop.setting_invalid"


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between two installations. Every field is read from `MOYAI_<FIELD>`; `what` documents it.

    A secret one may also be in a file that `MOYAI_<FIELD>_FILE` names.
    """

    database_url: str = field(
        default="", metadata={"what": "PostgreSQL of the application role (moyai_app), as a URL", "secret": True}
    )
    database_owner_url: str = field(
        default="",
        metadata={"what": "PostgreSQL of the owner role (moyai_owner); only migrations use it", "secret": True},
    )
    mqtt_url: str = field(
        default="", metadata={"what": "broker, mqtt://user:password@host:port (mqtts:// for TLS)", "secret": True}
    )
    mqtt_ca_file: str = field(
        default="", metadata={"what": "PEM file of the authorities trusted for mqtts://; empty: the system's"}
    )
    mqtt_certificate_file: str = field(
        default="", metadata={"what": "PEM file of our certificate, where the broker asks for one"}
    )
    mqtt_key_file: str = field(default="", metadata={"what": "PEM file of its private key"})
    mqtt_admin_url: str = field(
        default="",
        metadata={
            "what": "account that gives devices accounts of their own at the broker (Mosquitto's dynamic security); "
            "`embedded:` for the broker of `moyai up`; empty: devices get none",
            "secret": True,
        },
    )
    mqtt_version: int = field(default=5, metadata={"what": "MQTT version: 5, or 3 for 3.1.1 (the embedded broker)"})
    secret_key: str = field(
        default="", metadata={"what": "signs links and cookies; at least 32 characters", "secret": True}
    )
    data_folder: Path = field(default=Path("moyai-data"), metadata={"what": "folder for embedded parts and logs"})
    http_host: str = field(default="127.0.0.1", metadata={"what": "address the HTTP server listens on"})
    http_port: int = field(default=8000, metadata={"what": "port of the HTTP server; 0 picks a free one"})
    https: bool = field(default=False, metadata={"what": "pages are served over HTTPS: cookies get the Secure flag"})
    second_factor_for_office: bool = field(
        default=True,
        metadata={"what": "office, directors and auditors sign in with a second factor (a code or a passkey)"},
    )
    oidc_issuer: str = field(
        default="", metadata={"what": "OpenID Connect provider by which people may sign in, as its URL; empty: none"}
    )
    oidc_client_id: str = field(default="", metadata={"what": "as what the provider knows this installation"})
    oidc_client_secret: str = field(
        default="", metadata={"what": "the secret that the provider gave with it", "secret": True}
    )
    requests_per_minute: int = field(
        default=600,
        metadata={"what": "requests of one person, program or (not signed in) place in a minute, at most; 0: no limit"},
    )
    entries_per_minute: int = field(
        default=30,
        metadata={"what": "attempts from one place in a minute to sign in, reset or accept, at most; 0: no limit"},
    )
    public_url: str = field(
        default="",
        metadata={"what": "where people reach the pages, for links in mails; empty: the address the server listens on"},
    )
    smtp_url: str = field(
        default="",
        metadata={
            "what": "mail server, smtp://user:password@host:port (smtps:// for TLS; smtp:// uses STARTTLS where "
            "offered); empty: no mail is sent",
            "secret": True,
        },
    )
    mail_from: str = field(default="moyai@localhost", metadata={"what": "sender of mails, and contact for web push"})
    private_targets: bool = field(
        default=False,
        metadata={"what": "webhooks and web push may go to private and loopback addresses, and over plain HTTP"},
    )
    log_format: str = field(
        default="plain", metadata={"what": "how logs are written: plain, or json (an object a line)"}
    )
    pool_size: int = field(default=16, metadata={"what": "database connections of one process, at most"})
    ingest_batch_messages: int = field(default=1000, metadata={"what": "messages in one ingest transaction, at most"})
    ingest_batch_ms: int = field(default=100, metadata={"what": "milliseconds until a smaller batch is written"})
    derive_pause_ms: int = field(default=100, metadata={"what": "milliseconds between two looks for new readings"})
    chunk_hours: int = field(
        default=0,
        metadata={"what": "hours of readings in one TimescaleDB chunk; 0: chosen from the number of devices"},
    )
    columnstore_after_days: int = field(
        default=14,
        metadata={"what": "days until readings turn into columns (TimescaleDB with its community licence)"},
    )
    keep_readings_months: int = field(
        default=36,
        metadata={"what": "months that readings are kept after theirs; an open month always is. 0: for ever"},
    )

    @property
    def base_url(self) -> str:
        """What links to the pages begin with."""
        return self.public_url.rstrip("/") or f"http://{self.http_host}:{self.http_port}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read `MOYAI_*`; raise `SettingInvalid` naming the variable that cannot be read."""
        environment = os.environ if environment is None else environment
        values: dict[str, object] = {}
        for each in fields(cls):
            name = f"MOYAI_{each.name.upper()}"
            file = f"{name}_FILE"
            if name in environment:
                values[each.name] = _parse(name, environment[name], type(each.default))
            elif each.metadata.get("secret") and environment.get(file):
                values[each.name] = _secret(file, environment[file])
        return cls(**values)  # type: ignore[arg-type]  # each value was parsed to the type of its field's default

    def require(self, *names: str) -> Self:
        """Return self, or raise `SettingMissing` for the first of `names` that is empty."""
        for name in names:
            if not getattr(self, name):
                raise SettingMissing(name=f"MOYAI_{name.upper()}")
        return self


def _parse(name: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.lower() in {"1", "true", "yes"}:
            return True
        if text.lower() in {"", "0", "false", "no"}:
            return False
        raise SettingInvalid(name=name, expected="true / false")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingInvalid(name=name, expected="a whole number") from None
    return Path(text) if issubclass(kind, Path) else text


def _secret(name: str, path: str) -> str:
    """What a file holds, as container platforms hand secrets in."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingInvalid(name=name, expected="a readable file") from None
