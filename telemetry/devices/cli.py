"""`moyai device` and `moyai broker`: devices and their accounts on the command line."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from coop import database, people
from coop.database import Connection, Result
from coop.identity import SYSTEM, Viewer
from coop.messages import translate
from coop.mqtt import Tls
from coop.settings import Settings
from telemetry.devices import accounts, register
from telemetry.devices.accounts import Issued
from telemetry.devices.dynsec import DynamicSecurity
from telemetry.devices.rights import Rights
from telemetry.model import Device

app = typer.Typer(no_args_is_help=True, help="Devices: enter them, give them accounts at the broker, move them.")

Name = Annotated[str, typer.Argument(help="The device's key.")]
Person = Annotated[
    str | None, typer.Option("--as", help="E-mail address of who does this, for the audit trail.", metavar="EMAIL")
]
Language = Annotated[str, typer.Option("--lang", help="Language of what is printed: ja or en.")]
EVERYTHING = Rights(("#",), (), ("#",))


@app.command()
def add(
    device: Name,
    address: Annotated[str | None, typer.Option(help="Level of its topics; the key if not said.")] = None,
    machine: Annotated[str | None, typer.Option(help="The machine it speaks for from now on.")] = None,
    decoder: Annotated[str, typer.Option(help="How its messages are read.")] = "json",
    topic: Annotated[str | None, typer.Option(help="With what its topics begin, if not with ours.")] = None,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="Which channel a name of its own is.", metavar="NAME=CHANNEL")
    ] = None,
    every: Annotated[int, typer.Option(min=1, max=86_400, help="It reports at least once in so many seconds.")] = 60,
    interlock: Annotated[bool, typer.Option("--interlock", help="It may hear the commands to it.")] = False,
    person: Person = None,
    language: Language = "ja",
) -> None:
    """Enter a device, and print its account at the broker: once. Needs MOYAI_DATABASE_URL and MOYAI_MQTT_ADMIN_URL.

    **Examples**

        moyai device add plug-cmm-1 --address cmm-1 --machine cmm-1
        moyai device add plug-2 --decoder shelly --machine ct-1 --every 30
        moyai device add lamp-1 --decoder contact --map di/1=lamp_green --map 'di/2=!contact'
    """
    settings, now = Settings.from_environment(), datetime.now(UTC)
    names = dict(each.rpartition("=")[::2] for each in mapped or ())
    broker = accounts.broker_of(settings)

    def added(conn: Connection) -> Issued:
        viewer = _viewer(conn, person)
        register.add_device(conn, viewer, Device(device, address or device, decoder, topic, names), now)
        register.change_device(conn, viewer, device, now, expected_seconds=every, hears_commands=interlock)
        if machine is not None:
            register.bind(conn, viewer, device, machine, now, now)
        return accounts.issue(conn, viewer, device, broker, now)

    _show(_run(settings, added), language)


@app.command()
def account(
    device: Name,
    keep_old: Annotated[int, typer.Option("--keep-old", min=0, help="Minutes that the old one still holds.")] = 0,
    person: Person = None,
    language: Language = "ja",
) -> None:
    """Give a device a new account instead of its old one, and print it: once.

    **Examples**

        moyai device account plug-cmm-1
        moyai device account plug-cmm-1 --keep-old 60
    """
    settings, now, overlap = Settings.from_environment(), datetime.now(UTC), timedelta(minutes=keep_old)
    broker = accounts.broker_of(settings)
    issued = _run(
        settings, lambda conn: accounts.issue(conn, _viewer(conn, person), device, broker, now, overlap=overlap)
    )
    _show(issued, language)


@app.command()
def revoke(device: Name, person: Person = None, language: Language = "ja") -> None:
    """Take a device's accounts away: it is put out at once, and its messages come no more.

    **Example**

        moyai device revoke plug-cmm-1
    """
    settings, now = Settings.from_environment(), datetime.now(UTC)
    broker = accounts.broker_of(settings)
    _run(settings, lambda conn: accounts.revoke(conn, _viewer(conn, person), device, broker, now))
    typer.echo(translate("telemetry.device.revoked", language, device=device))


@app.command()
def bind(
    device: Name,
    machine: Annotated[str, typer.Argument(help="The machine's key.")],
    since: Annotated[
        str | None, typer.Option(help="From when on, RFC 3339 with an offset.", show_default="now", metavar="TIME")
    ] = None,
    person: Person = None,
    language: Language = "ja",
) -> None:
    """From a moment on a device speaks for this machine; what follows is derived anew.

    **Example**

        moyai device bind plug-1 ct-1 --since 2026-11-20T13:00:00+09:00
    """
    settings, now = Settings.from_environment(), datetime.now(UTC)
    at = now if since is None else _moment(since)
    _run(settings, lambda conn: register.bind(conn, _viewer(conn, person), device, machine, at, now))
    typer.echo(translate("telemetry.device.bound", language, device=device, machine=machine, since=at.isoformat()))


def broker() -> None:
    """Prepare Mosquitto's dynamic security: the service's account, and nothing for anybody else. Safe to run again.

    The account is the one in MOYAI_MQTT_URL; MOYAI_MQTT_ADMIN_URL may administer.

    **Example**

        moyai broker
    """
    settings = Settings.from_environment().require("mqtt_url", "mqtt_admin_url")
    service = urlsplit(settings.mqtt_url)
    security = DynamicSecurity(settings.mqtt_admin_url, Tls.of(settings))
    security.close_by_default()
    security.admit(unquote(service.username or ""), unquote(service.password or ""), "service", EVERYTHING)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("RFC 3339, as 2026-11-20T13:00:00+09:00") from None
    if at.tzinfo is None:
        raise typer.BadParameter("a time needs its offset, as +09:00")
    return at


def _viewer(conn: Connection, person: str | None) -> Viewer:
    return SYSTEM if person is None else people.viewer_by_email(conn, person)


def _run(settings: Settings, use_case: Callable[[Connection], Result]) -> Result:
    with database.open_pool(settings, size=1) as pool:
        return database.run(pool, use_case)


def _show(issued: Issued, language: str) -> None:
    """User name and password alone on standard output; what they may do beside it."""
    typer.echo(f"{issued.username}\n{issued.password}")
    for name, topics in (("publish", issued.rights.publish), ("subscribe", issued.rights.subscribe)):
        if topics:
            said = translate(f"telemetry.device.may_{name}", language, topics=", ".join(topics))
            typer.echo(said, err=True)
