"""`moyai telemetry rejects` and `replay-rejects`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from coop import database
from coop.identity import SYSTEM
from coop.paging import Slice
from coop.settings import Settings
from telemetry.ingest import rejects as kept
from telemetry.ingest.replay import replay

TEXT_CHARACTERS = 100


def rejects(
    device: Annotated[str | None, typer.Option(help="Only of this device.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 20,
) -> None:
    """List the messages that could not be taken: when, from whom, why, and how they begin. Needs MOYAI_DATABASE_URL.

    **Examples**

        moyai telemetry rejects
        moyai telemetry rejects --device plug-cmm-1 --limit 100
    """
    with database.open_pool(Settings.from_environment(), size=1) as pool:
        found = database.run(pool, lambda conn: kept.rejects(conn, SYSTEM, device, Slice(limit=limit)))
    for each in found:
        text = each.payload[:TEXT_CHARACTERS].decode("utf-8", "replace")
        why = f"{each.reason} {each.detail}".strip()
        typer.echo("\t".join([each.received_at.isoformat(), each.device_id or "-", each.topic, why, repr(text)]))


def replay_rejects() -> None:
    """Decode the kept messages again, after a device, a decoder or a mapping was put right. Needs MOYAI_DATABASE_URL.

    What is understood now becomes readings, at the time it was received then; the rest stays. Twice is harmless.

    **Example**

        moyai telemetry replay-rejects
    """
    settings = Settings.from_environment()
    with database.open_pool(settings, size=1) as pool:
        done = database.run(pool, lambda conn: replay(conn, SYSTEM, datetime.now(UTC)))
    typer.echo(f"messages={done.messages} readings={done.readings} left={done.left}")
