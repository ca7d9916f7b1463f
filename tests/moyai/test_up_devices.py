"""Under `moyai up` a device gets its account on the command line, reports, and is put out."""

import threading
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import psycopg

from coop import register
from moyai.parts.broker import BrokerUser
from moyai.up import environment_of
from tests.callers import COOPERATIVE
from tests.moyai.test_parts_broker import Client
from tests.moyai.test_up import eventually, moyai, up
from tests.telemetry.plant import LONG_AGO


def test_a_device_is_let_in_and_put_out_by_the_embedded_broker(tmp_path: Path) -> None:
    with up(tmp_path):
        known = environment_of(tmp_path)
        port = urlsplit(known["MOYAI_MQTT_URL"]).port
        assert port is not None
        with psycopg.connect(known["MOYAI_DATABASE_URL"], autocommit=True) as conn:
            register.found(conn, COOPERATIVE, LONG_AGO)

            def account(*words: str) -> BrokerUser:
                done = moyai("device", *words, MOYAI_DATA_FOLDER=str(tmp_path))
                assert done.returncode == 0, done.stderr
                return BrokerUser(*done.stdout.splitlines())

            def let_in(user: BrokerUser) -> bool:
                client = Client(port, user, "plug")
                client.close()
                return not client.refused

            first = account("add", "plug-1", "--address", "cmm-1")
            assert eventually(lambda: let_in(first))
            plug = Client(port, first, "plug")
            put_out = threading.Event()
            plug.paho.on_disconnect = lambda *_: put_out.set()
            said = orjson.dumps({"value": 12})
            stored = "SELECT count(*) FROM telemetry.reading"

            def heard() -> bool:
                plug.publish("moyai/test/cmm-1/power", said)
                plug.publish("moyai/test/ct-1/power", said)
                return conn.execute(stored).fetchone() != (0,)

            assert eventually(heard)
            assert conn.execute("SELECT count(*) FROM telemetry.reject").fetchone() == (0,)
            second = account("account", "plug-1")
            assert put_out.wait(20)
            plug.close()
            assert eventually(lambda: let_in(second))
            assert not let_in(first)
            assert moyai("device", "revoke", "plug-1", MOYAI_DATA_FOLDER=str(tmp_path)).returncode == 0
            assert eventually(lambda: not let_in(second))
