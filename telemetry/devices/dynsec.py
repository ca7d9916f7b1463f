"""Mosquitto's dynamic security: accounts and roles by commands on its control topic, each awaited and checked.

<https://github.com/eclipse-mosquitto/mosquitto/blob/master/plugins/dynamic-security/README.md>
"""

from collections.abc import Sequence
from contextlib import suppress
from threading import Condition
from typing import Any
from uuid import uuid4

import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from coop.errors import Unavailable
from coop.mqtt import Tls, introduce
from telemetry.devices.rights import Rights

CONTROL = "$CONTROL/dynamic-security/v1"
PATIENCE_SECONDS = 5.0

Command = dict[str, Any]


class BrokerAway(Unavailable):
    """The broker does not answer, or does not let our administrator in."""

    code = "telemetry.broker_away"


class BrokerRefused(Unavailable):
    """The broker does not carry out what we ask of its accounts."""

    code = "telemetry.broker_refused"


class DynamicSecurity:
    """The accounts of the broker at `url`, whose user may administer them. Every change is safe to be made twice."""

    def __init__(self, url: str, tls: Tls) -> None:
        self._url, self._tls = url, tls

    def admit(self, username: str, password: str, role: str, rights: Rights) -> None:
        """Let `username` in, with these rights: the role's other accounts get them too.

        Raises `BrokerAway` or `BrokerRefused`.
        """
        acls = _acls(rights)
        self._order(
            [{"command": "createRole", "rolename": role}],
            [{"command": "modifyRole", "rolename": role, "acls": acls}],
            [{"command": "createClient", "username": username}],
            [{"command": "modifyClient", "username": username, "password": password, "roles": [{"rolename": role}]}],
        )

    def forget(self, username: str) -> None:
        """Let `username` in no more; whoever is connected under it is put out. Raises like `admit`."""
        self._order([{"command": "deleteClient", "username": username}])

    def close_by_default(self) -> None:
        """Nobody hears anything without a right to, not even what was queued for somebody else's session."""
        kinds = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True}
        acls = [{"acltype": kind, "allow": allowed} for kind, allowed in kinds.items()]
        self._order([{"command": "setDefaultACLAccess", "acls": acls}])

    def _order(self, *batches: Sequence[Command]) -> None:
        with _Line(self._url, self._tls) as line:
            for batch in batches:
                for command, error in zip(batch, line.send(batch), strict=True):
                    if error and error not in _FINE.get(command["command"], ()):
                        raise BrokerRefused(command=command["command"], why=error)


_FINE = {
    "createRole": ("Role already exists",),
    "createClient": ("Client already exists",),
    "deleteClient": ("Client not found",),
}
"""Errors that say that it was done before."""


def _acls(rights: Rights) -> list[Command]:
    """The most specific first: a higher priority is looked at earlier."""

    def acl(kind: str, topic: str, priority: int, *, allow: bool) -> Command:
        return {"acltype": kind, "topic": topic, "priority": priority, "allow": allow}

    silent = [acl("publishClientSend", topic, 1, allow=False) for topic in rights.silent]
    publish = [acl("publishClientSend", topic, 0, allow=True) for topic in rights.publish]
    hear = [
        acl(kind, topic, 0, allow=True)
        for topic in rights.subscribe
        for kind in ("subscribePattern", "publishClientReceive")
    ]
    return [*silent, *publish, *hear]


class _Line:
    """One connection as the administrator, for the length of a block."""

    def __init__(self, url: str, tls: Tls) -> None:
        self._changed = Condition()
        self._state = ""
        self._answers: dict[str, str] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"moyai-accounts-{uuid4().hex[:12]}")
        self._address = introduce(self._client, url, tls)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> "_Line":
        try:
            self._client.connect(*self._address)
        except OSError as failure:
            raise BrokerAway(why=str(failure)) from failure
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._state, PATIENCE_SECONDS)
        if self._state != "ready":
            self.__exit__()
            raise BrokerAway(why=self._state or "no answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, commands: Sequence[Command]) -> list[str]:
        """The error of each command, empty where there was none."""
        marks = [uuid4().hex for _ in commands]
        marked = [{**each, "correlationData": mark} for each, mark in zip(commands, marks, strict=True)]
        self._client.publish(CONTROL, orjson.dumps({"commands": marked}), qos=1)
        with self._changed:
            if not self._changed.wait_for(lambda: self._answers.keys() >= set(marks), PATIENCE_SECONDS):
                raise BrokerRefused(command=commands[0]["command"], why="no answer")
            return [self._answers[mark] for mark in marks]

    def _on_connect(self, client: mqtt.Client, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        if reason.is_failure:
            self._become(str(reason))
        else:
            client.subscribe(f"{CONTROL}/response", qos=1)

    def _on_subscribe(self, _c: object, _u: object, _mid: int, reasons: list[ReasonCode], _p: object) -> None:
        self._become(str(reasons[0]) if reasons[0].is_failure else "ready")

    def _become(self, state: str) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def _on_message(self, _c: object, _u: object, message: mqtt.MQTTMessage) -> None:
        with suppress(orjson.JSONDecodeError), self._changed:
            for answer in orjson.loads(message.payload).get("responses", ()):
                self._answers[answer.get("correlationData", "")] = answer.get("error", "")
            self._changed.notify_all()
