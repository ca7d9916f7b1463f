"""What `deploy/` configures is what `moyai doctor` wants and what keeps devices apart, on a real Mosquitto."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest

from coop.mqtt import NO_FILES
from moyai.parts.broker import BrokerUser
from moyai.parts.process import end, free_port, spawn, wait_for_port
from moyai.probe import BrokerRefused, probe
from telemetry.devices.cli import EVERYTHING
from telemetry.devices.dynsec import BrokerAway, DynamicSecurity
from telemetry.devices.rights import rights_of
from tests.moyai.test_parts_broker import Client
from tests.parts import debian

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICE, CMM = BrokerUser("moyai", "service-password"), BrokerUser("cmm-1.1", "cmm-password")
ADMIN = BrokerUser("admin", "admin-password")

pytestmark = pytest.mark.mosquitto


class Deployed:
    """Mosquitto as deployed: `deploy/mosquitto.conf` with the container's folders and ports replaced."""

    def __init__(self, folder: Path, *, defaults: bool = False, more: str = "") -> None:
        self.port, self.inner_port = free_port(), free_port()
        text = (DEPLOY / "mosquitto.conf").read_text()
        if defaults:
            text = "\n".join(line for line in text.splitlines() if not line.startswith("max_"))
        text = text.replace("/mosquitto/data/", f"{folder}/")
        text = text.replace("/usr/lib/mosquitto_dynamic_security.so", str(debian.dynamic_security()))
        text = text.replace("listener 1883", f"listener {self.port} 127.0.0.1")
        text = text.replace("listener 1884", f"user root\nlistener {self.inner_port} 127.0.0.1")
        (folder / "mosquitto.conf").write_text(f"{text}\n{more}")
        subprocess.run(debian.administrator(folder / "dynamic-security.json", ADMIN.name, ADMIN.password), check=True)
        self.log = folder / "mosquitto.log"
        self.process = spawn([debian.MOSQUITTO, "-c", folder / "mosquitto.conf"], log=self.log)
        wait_for_port(self.inner_port, self.process, part="mosquitto", log=self.log)
        self.url = f"mqtt://{SERVICE.name}:{SERVICE.password}@127.0.0.1:{self.inner_port}"
        self.admin_url = f"mqtt://{ADMIN.name}:{ADMIN.password}@127.0.0.1:{self.inner_port}"
        self.security = DynamicSecurity(self.admin_url, NO_FILES)
        for _ in range(2):  # at each start, also at a start after the first
            self.security.close_by_default()
            self.security.admit(SERVICE.name, SERVICE.password, "service", EVERYTHING)


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    broker = Deployed(tmp_path)
    yield broker
    end(broker.process)


def admit(broker: Deployed, user: BrokerUser, *, hears_commands: bool = False) -> None:
    address = user.name.partition(".")[0]
    rights = rights_of("demo", address, None, hears_commands=hears_commands)
    broker.security.admit(user.name, user.password, f"device {address}", rights)


def comes_true(what: Callable[[], bool]) -> bool:
    until = monotonic() + 10
    while not what() and monotonic() < until:
        sleep(0.02)
    return what()


def test_the_deployed_broker_neither_drops_nor_throttles(deployed: Deployed) -> None:
    found = probe(deployed.url, 1500)
    assert (found.window, found.delivered) == (1500, 1500)


def test_the_doctor_sees_what_mosquittos_defaults_would_do(tmp_path: Path) -> None:
    broker = Deployed(tmp_path, defaults=True)
    try:
        found = probe(broker.url, 1500)
        assert found.window == 20
        assert found.delivered < 1500
    finally:
        end(broker.process)


def test_a_wrong_password_is_said(deployed: Deployed) -> None:
    with pytest.raises(BrokerRefused, match=r"[Nn]ot authori[sz]ed"):
        probe(deployed.url.replace("service-password", "guess"), 1)
    with pytest.raises(BrokerAway):
        DynamicSecurity(deployed.admin_url.replace("admin-password", "guess"), NO_FILES).forget("cmm-1.1")


def test_a_device_speaks_only_under_its_own_topic_and_hears_nothing(deployed: Deployed) -> None:
    admit(deployed, CMM)
    service, device = Client(deployed.inner_port, SERVICE, "service"), Client(deployed.port, CMM, "device")
    assert service.subscribe("moyai/demo/#")
    device.publish("moyai/demo/ct-1/power", b"forged")
    device.publish("moyai/demo/cmm-10/power", b"forged")
    device.publish("moyai/demo/cmm-1/command/enable", b"forged")
    device.publish("moyai/demo/cmm-1/power", b"true")
    assert service.wait(lambda: any(payload == b"true" for _, payload in service.received))
    assert service.received == [("moyai/demo/cmm-1/power", b"true")]
    for topic in ("moyai/demo/#", "#", "moyai/demo/cmm-1/command/#", "$share/thief/moyai/#", "$CONTROL/#"):
        assert not device.subscribe(topic)
    service.publish("moyai/demo/ct-1/power", b"private")
    assert service.wait(lambda: len(service.received) == 2)
    assert device.received == []
    service.close()
    device.close()


def test_an_interlock_hears_the_commands_to_it(deployed: Deployed) -> None:
    admit(deployed, CMM, hears_commands=True)
    service, device = Client(deployed.inner_port, SERVICE, "service"), Client(deployed.port, CMM, "device")
    assert device.subscribe("moyai/demo/cmm-1/command/#")
    assert not device.subscribe("moyai/demo/ct-1/command/#")
    service.publish("moyai/demo/ct-1/command/enable", b"not for it")
    service.publish("moyai/demo/cmm-1/command/enable", b"yes")
    assert device.wait(lambda: bool(device.received))
    assert device.received == [("moyai/demo/cmm-1/command/enable", b"yes")]
    service.close()
    device.close()


def test_a_device_cannot_take_over_the_ingesters_session(deployed: Deployed) -> None:
    admit(deployed, CMM)
    ingester = Client(deployed.inner_port, SERVICE, "moyai-demo-ingest-0")
    assert ingester.subscribe("moyai/demo/#")
    ingester.close()
    other = Client(deployed.inner_port, SERVICE, "somebody")
    other.publish("moyai/demo/ct-1/power", b"kept for it")
    thief = Client(deployed.port, CMM, "moyai-demo-ingest-0")
    thief.publish("moyai/demo/cmm-1/power", b"1")
    assert thief.received == []
    back = Client(deployed.inner_port, SERVICE, "moyai-demo-ingest-0")
    assert back.wait(lambda: ("moyai/demo/ct-1/power", b"kept for it") in back.received)
    for each in (other, thief, back):
        each.close()


def test_who_is_forgotten_is_put_out_at_once(deployed: Deployed) -> None:
    admit(deployed, CMM)
    device = Client(deployed.port, CMM, "device")
    put_out = Event()
    device.paho.on_disconnect = lambda *_: put_out.set()
    for _ in range(2):
        deployed.security.forget(CMM.name)
    assert put_out.wait(10)
    device.close()
    late = Client(deployed.port, CMM, "device")
    assert late.refused
    late.close()
    admit(deployed, CMM)
    assert comes_true(lambda: not Client(deployed.port, CMM, "device").refused)
