"""The embedded broker: keeps what it acknowledged, and lets a device speak only for itself."""

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import bcrypt
import paho.mqtt.client as mqtt
import psutil
import pytest

from moyai.parts.broker import BrokerUser, EmbeddedBroker, TopicUnusable
from telemetry.devices.rights import Rights, rights_of

SERVICE = BrokerUser("moyai", "service-password")
CMM = BrokerUser("cmm-1", "cmm-password", rights_of("demo", "cmm-1", None, hears_commands=False))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    part = EmbeddedBroker(tmp_path / "broker", users=(SERVICE, CMM))
    part.start()
    yield part
    part.stop()


class Client:
    """A client with a persistent session that writes down what it receives."""

    def __init__(self, port: int, user: BrokerUser, name: str) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.arrived = threading.Condition()
        self._subscribed = threading.Event()
        self.granted = False
        self.paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self.paho.username_pw_set(user.name, user.password)
        self.paho.on_message = self._on_message
        self.paho.on_subscribe = self._on_subscribe
        connected = threading.Event()
        self.refused = False
        self.paho.on_connect = lambda c, u, f, reason, p: (setattr(self, "refused", reason.is_failure), connected.set())
        self.paho.connect("127.0.0.1", port)
        self.paho.loop_start()
        assert connected.wait(5)

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        with self.arrived:
            self.received.append((message.topic, message.payload))
            self.arrived.notify_all()

    def _on_subscribe(self, client: object, userdata: object, mid: int, reasons: list, properties: object) -> None:
        self.granted = not reasons[0].is_failure
        self._subscribed.set()

    def subscribe(self, topic: str) -> bool:
        self._subscribed.clear()
        self.paho.subscribe(topic, qos=1)
        assert self._subscribed.wait(5)
        return self.granted

    def publish(self, topic: str, payload: bytes) -> None:
        sent = self.paho.publish(topic, payload, qos=1)
        sent.wait_for_publish(5)
        assert sent.is_published()

    def wait(self, enough: Callable[[], bool], seconds: float = 10) -> bool:
        with self.arrived:
            return self.arrived.wait_for(enough, seconds)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def test_a_device_speaks_only_under_its_own_topic_and_hears_nothing(broker: EmbeddedBroker) -> None:
    service, device = Client(broker.port, SERVICE, "service"), Client(broker.port, CMM, "device")
    assert service.subscribe("moyai/demo/#")
    device.publish("moyai/demo/ct-1/power", b"forged")
    device.publish("moyai/demo/cmm-10/power", b"forged")
    device.publish("moyai/demo/cmm-1/power", b"true")
    assert service.wait(lambda: any(payload == b"true" for _, payload in service.received))
    assert service.received == [("moyai/demo/cmm-1/power", b"true")]
    assert not device.subscribe("moyai/demo/#")
    service.close()
    device.close()


def test_nobody_enters_without_a_password_or_from_another_address(broker: EmbeddedBroker) -> None:
    stranger = Client(broker.port, BrokerUser("moyai", "guess"), "stranger")
    assert stranger.refused
    stranger.close()
    listening = {c.laddr.ip for c in psutil.Process(broker.pid).net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    assert (broker.folder / "broker.conf").stat().st_mode & 0o777 == 0o600
    parts = urlsplit(broker.url)
    assert (parts.username, parts.password, parts.port) == ("moyai", "service-password", broker.port)


def test_500_queued_messages_survive_kill_9(broker: EmbeddedBroker) -> None:
    absent = Client(broker.port, SERVICE, "ingester")
    assert absent.subscribe("moyai/#")
    absent.close()
    machine = Client(broker.port, CMM, "device")
    for number in range(500):
        machine.publish("moyai/demo/cmm-1/power", b"%d" % number)
    pid = broker.pid
    broker.kill()
    machine.close()
    assert not broker.alive()
    broker.start()
    assert broker.pid != pid
    back = Client(broker.port, SERVICE, "ingester")
    assert back.wait(lambda: len({payload for _, payload in back.received}) == 500, seconds=20)
    back.close()


def test_after_kill_9_of_its_owner_the_next_one_adopts_it_unless_the_users_changed(tmp_path: Path) -> None:
    program = f"""
        from pathlib import Path
        import os, signal
        from moyai.parts.broker import BrokerUser, EmbeddedBroker
        part = EmbeddedBroker(Path({str(tmp_path)!r}), users=(BrokerUser("moyai", "service-password"),))
        part.start()
        print(part.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    owner = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    heir = EmbeddedBroker(tmp_path, users=(SERVICE,))
    heir.start()
    assert heir.pid == int(owner.stdout)
    changed = EmbeddedBroker(tmp_path, users=(SERVICE, CMM))
    changed.start()
    assert changed.pid != int(owner.stdout)
    assert not heir.alive()
    changed.stop()


def test_an_interlock_hears_what_is_said_to_it_and_nothing_else(broker: EmbeddedBroker) -> None:
    hashed = bcrypt.hashpw(b"relay-password", bcrypt.gensalt(4)).decode()
    relay = BrokerUser("relay.1", hashed, rights_of("demo", "relay", None, hears_commands=True))
    broker.admit([SERVICE, relay])
    service, device = Client(broker.port, SERVICE, "service"), patiently(broker, "relay.1", "relay-password")
    assert device.subscribe("moyai/demo/relay/command/#")
    assert not device.subscribe("moyai/demo/ct-1/command/#")
    assert not device.subscribe("moyai/demo/#")
    service.publish("moyai/demo/ct-1/command/enable", b"not for it")
    service.publish("moyai/demo/relay/command/enable", b"yes")
    assert device.wait(lambda: bool(device.received))
    assert device.received == [("moyai/demo/relay/command/enable", b"yes")]
    assert service.subscribe("moyai/demo/#")
    device.publish("moyai/demo/relay/command/enable", b"from itself")
    device.publish("moyai/demo/relay/power", b"12")
    assert service.wait(lambda: ("moyai/demo/relay/power", b"12") in service.received)
    assert all(payload != b"from itself" for _, payload in service.received)
    service.close()
    device.close()


def test_an_edge_node_of_sparkplug_speaks_for_itself_and_hears_that_it_is_to_be_born_again(
    broker: EmbeddedBroker,
) -> None:
    """Its topics begin with spBv1.0, and a point means something to the broker."""
    hashed = bcrypt.hashpw(b"edge-password", bcrypt.gensalt(4)).decode()
    edge = BrokerUser("edge.1", hashed, rights_of("demo", "edge", "spBv1.0/Plant/Edge1", hears_commands=False))
    broker.admit([SERVICE, edge])
    service, node = Client(broker.port, SERVICE, "service"), patiently(broker, "edge.1", "edge-password")
    assert service.subscribe("spBv1.0/Plant/+/Edge1/#")
    assert node.subscribe("spBv1.0/Plant/NCMD/Edge1/#")
    assert not node.subscribe("spBv1.0/Plant/NDATA/Edge2/#")
    node.publish("spBv1.0/Plant/NBIRTH/Edge2", b"not its own")
    node.publish("spBv1.0/Plant/NCMD/Edge1", b"to itself")
    node.publish("spBv1.0/Plant/NBIRTH/Edge1", b"node")
    node.publish("spBv1.0/Plant/DBIRTH/Edge1/Mill", b"device")
    assert service.wait(lambda: ("spBv1.0/Plant/DBIRTH/Edge1/Mill", b"device") in service.received)
    assert [payload for _, payload in service.received] == [b"node", b"device"]
    service.publish("spBv1.0/Plant/NCMD/Edge1", b"be born")
    assert node.wait(lambda: node.received == [("spBv1.0/Plant/NCMD/Edge1", b"be born")])
    service.close()
    node.close()


def test_who_is_no_longer_admitted_is_put_out_at_once_and_the_others_stay(broker: EmbeddedBroker) -> None:
    service, device = Client(broker.port, SERVICE, "service"), Client(broker.port, CMM, "device")
    put_out = threading.Event()
    device.paho.on_disconnect = lambda *_: put_out.set()
    pid = broker.pid
    broker.admit([SERVICE])
    assert put_out.wait(10)
    device.close()
    late = Client(broker.port, CMM, "device")
    assert late.refused
    late.close()
    assert service.subscribe("moyai/#")
    assert broker.pid == pid
    service.close()


def patiently(broker: EmbeddedBroker, name: str, password: str) -> Client:
    """A client of a user that the broker is just being told of."""
    deadline = time.monotonic() + 10
    while True:
        client = Client(broker.port, BrokerUser(name, password), "device")
        if not client.refused:
            return client
        client.close()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("topic", ["moyai/demo/>", "#", "moyai/#/power", "moyai/a b", "moyai/x+/a", ""])
def test_a_topic_that_permissions_cannot_hold_is_refused(topic: str) -> None:
    with pytest.raises(TopicUnusable):
        BrokerUser("x", "y", Rights((topic,), (), ())).as_config()
