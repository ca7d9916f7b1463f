"""What `deploy/` configures is what `moyai doctor` wants, on a real Mosquitto."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from moyai.parts.broker import BrokerUser
from moyai.parts.process import end, free_port, spawn, wait_for_port
from moyai.probe import BrokerRefused, probe
from tests.moyai.test_parts_broker import Client
from tests.parts import debian

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICE, CMM = BrokerUser("moyai", "service-password"), BrokerUser("cmm-1", "cmm-password")

pytestmark = pytest.mark.mosquitto


class Deployed:
    """Mosquitto as deployed: `deploy/mosquitto.conf` with the container's folders and port replaced."""

    def __init__(self, folder: Path, *, defaults: bool = False) -> None:
        self.port = free_port()
        (folder / "acl").write_text((DEPLOY / "mosquitto.acl").read_text())
        text = (DEPLOY / "mosquitto.conf").read_text()
        if defaults:
            text = "\n".join(line for line in text.splitlines() if not line.startswith("max_"))
        text = text.replace("/mosquitto/config", str(folder)).replace("/mosquitto/data/", f"{folder}/")
        text = text.replace("listener 1883", f"listener {self.port} 127.0.0.1\nuser root")
        (folder / "mosquitto.conf").write_text(text)
        passwords = folder / "passwords"
        for option, user in (["-c", SERVICE], [None, CMM]):
            words = [debian.MOSQUITTO_PASSWD, "-b", *([option] if option else []), passwords, user.name, user.password]
            subprocess.run(words, check=True, capture_output=True)
        self.log = folder / "mosquitto.log"
        self.process = spawn([debian.MOSQUITTO, "-c", folder / "mosquitto.conf"], log=self.log)
        wait_for_port(self.port, self.process, part="mosquitto", log=self.log)
        self.url = f"mqtt://{SERVICE.name}:{SERVICE.password}@127.0.0.1:{self.port}"


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    broker = Deployed(tmp_path)
    yield broker
    end(broker.process)


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


def test_a_device_speaks_only_under_its_own_topic(deployed: Deployed) -> None:
    service, device = Client(deployed, SERVICE, "service"), Client(deployed, CMM, "device")
    assert service.subscribe("moyai/demo/#")
    device.publish("moyai/demo/ct-1/power", b"forged")
    device.publish("moyai/demo/cmm-1/power", b"true")
    assert service.wait(lambda: any(payload == b"true" for _, payload in service.received))
    assert service.received == [("moyai/demo/cmm-1/power", b"true")]
    device.subscribe("moyai/demo/#")
    service.publish("moyai/demo/ct-1/power", b"private")
    assert service.wait(lambda: len(service.received) == 2)
    assert device.received == []
    service.close()
    device.close()
