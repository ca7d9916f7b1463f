"""MQTT over TLS with certificates on both sides: who has none of ours stays out, and so does a wrong broker."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import monotonic, sleep

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coop.mqtt import NO_FILES, CertificateUnreadable, Tls
from coop.settings import Settings
from moyai.parts.process import end, free_port
from moyai.probe import BrokerRefused, probe
from moyai.publish import BrokerUnreachable, publish_trace
from moyai.replay import Message
from telemetry.devices.dynsec import DynamicSecurity
from telemetry.devices.rights import rights_of
from tests.moyai.test_deploy import Deployed
from tests.parts.databases import Database
from tests.telemetry.plant import found, ingesting

pytestmark = pytest.mark.mosquitto
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "mqtt-over-tls.md"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Authority:
    """A certificate authority of the test's own; `issue` writes a certificate and its key into `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._built(self._name, self._key.public_key(), ca=True).sign(self._key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = self._built(subject, key.public_key(), ca=False).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        certificate_file, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate = built.sign(self._key, hashes.SHA256())
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate_file, key_file

    def _built(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)


@dataclass(frozen=True, slots=True)
class Secured:
    """The deployed broker as the how-to adds TLS to it, and what our processes are given."""

    url: str
    admin_url: str
    device_port: int
    tls: Tls
    stranger: Authority


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    ours, stranger = Authority(tmp_path, "ours"), Authority(tmp_path, "stranger")
    broker_certificate, broker_key = ours.issue("broker")
    certificate, key = ours.issue("moyai")
    device_port, port = free_port(), free_port()
    documented = HOW_TO.read_text().split("```\n")
    more = next(block for block in documented if block.startswith("listener 8883"))
    for written, here in {
        "listener 8883": f"listener {device_port} 127.0.0.1",
        "listener 8884": f"listener {port} 127.0.0.1",
        "/mosquitto/certs/ca.pem": ours.file,
        "/mosquitto/certs/broker.pem": broker_certificate,
        "/mosquitto/certs/broker.key": broker_key,
    }.items():
        assert written in more
        more = more.replace(written, str(here))
    broker = Deployed(tmp_path, more=more)
    tls = Tls(str(ours.file), str(certificate), str(key))
    yield Secured(_secure(broker.url, port), _secure(broker.admin_url, port), device_port, tls, stranger)
    end(broker.process)


def _secure(url: str, port: int) -> str:
    return f"mqtts{url.removeprefix('mqtt').rpartition(':')[0]}:{port}"


def test_readings_come_over_tls_with_our_certificate(secured: Secured, database: Database) -> None:
    found(database.app_url, "tls")
    tls = secured.tls
    settings = Settings(
        database_url=database.app_url,
        mqtt_url=secured.url,
        mqtt_ca_file=tls.ca_file,
        mqtt_certificate_file=tls.certificate_file,
        mqtt_key_file=tls.key_file,
    )
    with ingesting(settings) as ingester:
        until = monotonic() + 20
        while not ingester.metrics.connected and monotonic() < until:
            sleep(0.05)
        messages = [Message("moyai/tls/cmm-1/power", b'{"value": %d}' % n, NOW) for n in range(20)]
        publish_trace(messages, secured.url, tls=tls)
        while ingester.metrics.acknowledged < 20 and monotonic() < until:
            sleep(0.05)
        assert ingester.metrics.readings_committed == 20


def test_the_doctor_measures_over_tls(secured: Secured) -> None:
    assert probe(secured.url, 5, secured.tls).delivered == 5


def test_a_device_gets_its_account_and_comes_with_certificate_and_password(secured: Secured) -> None:
    security = DynamicSecurity(secured.admin_url, secured.tls)
    security.admit("cmm-1.1", "device-password", "device cmm-1", rights_of("tls", "cmm-1", None, hears_commands=False))
    message = Message("moyai/tls/cmm-1/power", b"{}", NOW)
    url = f"mqtts://cmm-1.1:device-password@127.0.0.1:{secured.device_port}"
    assert publish_trace([message], url, tls=secured.tls).messages == 1
    with pytest.raises(BrokerUnreachable, match="Not authorized"):
        publish_trace([message], url.replace("device-password", "guess"), tls=secured.tls)


def test_who_has_no_certificate_of_ours_stays_out(secured: Secured) -> None:
    certificate, key = secured.stranger.issue("thief")
    for files in (Tls(secured.tls.ca_file), Tls(secured.tls.ca_file, str(certificate), str(key))):
        with pytest.raises(BrokerRefused):
            probe(secured.url, 1, files)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves the refused socket open
def test_a_broker_that_our_authority_did_not_sign_is_not_spoken_to(secured: Secured) -> None:
    tls = secured.tls
    for files in (NO_FILES, Tls(str(secured.stranger.file), tls.certificate_file, tls.key_file)):
        with pytest.raises(BrokerUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            publish_trace([], secured.url, tls=files)


def test_a_file_that_cannot_be_read_is_named(secured: Secured) -> None:
    for wrong in (Tls("/nowhere/ca.pem"), Tls(secured.tls.ca_file, secured.tls.ca_file, secured.tls.key_file)):
        with pytest.raises(CertificateUnreadable) as refused:
            probe(secured.url, 1, wrong)
        assert wrong.ca_file in str(refused.value.params["files"])
