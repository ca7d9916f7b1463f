"""Who receives in tests: a real mail server, a program behind an address, and a worker that runs what is due."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import procrastinate
import psycopg
from aiosmtpd.controller import Controller
from procrastinate import App

from booking.messages import sending
from coop.database import open_pool
from coop.jobs import create_app
from coop.settings import Settings
from moyai.parts.process import free_port


@dataclass
class Mailbox:
    """What a mail server took. `refuses` maps an address to its answer."""

    url: str = ""
    letters: list[EmailMessage] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [letter for letter in self.letters if address in str(letter["To"])]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server on loopback."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Program:
    """A program that is called. `answers` says the status of each call in turn; the last one stays. Until `free` is set
    it gives no answer."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    free: threading.Event = field(default_factory=threading.Event)


@contextmanager
def program() -> Iterator[Program]:
    """A program on loopback."""
    called = Program()
    called.free.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["content-length"]))
            called.calls.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            called.free.wait()
            status = called.answers.pop(0) if len(called.answers) > 1 else called.answers[0]
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{called.url}/elsewhere")
            self.send_header("content-length", "0")
            with suppress(OSError):  # who asked may be dead
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    called.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield called
    finally:
        called.free.set()
        server.shutdown()
        thread.join()
        server.server_close()


def work(settings: Settings, register: Callable[[App], None] = sending.register) -> None:
    """Run every job that is due, as `moyai work` does, and return."""

    async def once() -> None:
        app = create_app()
        register(app)
        with (
            open_pool(settings, size=2) as pool,
            app.replace_connector(procrastinate.PsycopgConnector(conninfo=settings.database_url)) as app,
        ):
            async with app.open_async():
                await app.run_worker_async(
                    wait=False,
                    concurrency=2,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                    additional_context={"settings": settings, "pool": pool},
                )

    while _due(settings):
        asyncio.run(once())


def _due(settings: Settings) -> bool:
    with psycopg.connect(settings.database_url) as conn:
        due = conn.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs "
            "WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))"
        ).fetchone()
    return due == (True,)
