"""The one picture of a machine: what is uploaded is decoded and encoded anew, small, and without what a camera adds."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from datetime import datetime

from PIL import Image, ImageOps
from psycopg import errors

from coop import audit
from coop.database import Connection
from coop.errors import Invalid, NotFound
from coop.identity import Role, Viewer
from coop.machines import MachineUnknown
from coop.queries import load

SQL = load("coop")

MOST_BYTES = 5_000_000
MOST_PIXELS = 60_000_000
"""More than a telephone's camera makes; decoded, it would fill the memory."""

FORMATS = ("JPEG", "PNG", "WEBP")
BOUND_PX = 1024
QUALITY = 80


class PictureInvalid(Invalid):
    """A picture is a JPEG, PNG or WebP file of at most 5 MB and 60 megapixels."""

    code = "coop.picture_invalid"


@dataclass(frozen=True, slots=True)
class Picture:
    """WebP of at most `BOUND_PX` pixels each way; `digest` changes with it."""

    webp: bytes
    digest: str
    width_px: int
    height_px: int


def picture(conn: Connection, machine_id: str) -> Picture:
    """What a machine looks like, for everybody signed in; raises `NotFound` where nobody has shown it."""
    row = conn.execute(SQL["picture"], {"machine_id": machine_id}).fetchone()
    if row is None:
        raise NotFound()
    return Picture(*row)


def pictured(conn: Connection) -> dict[str, str]:
    """The digest of each machine's picture, by machine."""
    return dict(conn.execute(SQL["pictured"]).fetchall())


def set_picture(conn: Connection, viewer: Viewer, machine_id: str, content: bytes, now: datetime) -> Picture:
    """Show what a machine looks like, in place of what was shown; raises `PictureInvalid` or `MachineUnknown`."""
    viewer.require(Role.OFFICE)
    drawn = redraw(content)
    values = {name: getattr(drawn, name) for name in Picture.__slots__}
    try:
        with conn.transaction():
            conn.execute(SQL["set_picture"], values | {"machine_id": machine_id, "now": now})
    except errors.ForeignKeyViolation:
        raise MachineUnknown(machine=machine_id) from None
    audit.record(conn, "machine.picture_set", viewer=viewer, subject=f"machine:{machine_id}", now=now)
    return drawn


def drop_picture(conn: Connection, viewer: Viewer, machine_id: str, now: datetime) -> None:
    """Show no picture of a machine any more; raises `NotFound`."""
    viewer.require(Role.OFFICE)
    if conn.execute(SQL["drop_picture"], {"machine_id": machine_id}).rowcount == 0:
        raise NotFound()
    audit.record(conn, "machine.picture_dropped", viewer=viewer, subject=f"machine:{machine_id}", now=now)


def redraw(content: bytes) -> Picture:
    """The picture in `content`, upright, bounded and with nothing else in the file; raises `PictureInvalid`."""
    if len(content) > MOST_BYTES:
        raise PictureInvalid()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is dropped
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise PictureInvalid()
                opened.draft("RGB", (2 * BOUND_PX, 2 * BOUND_PX))  # a JPEG is decoded no larger than it needs to be
                upright = ImageOps.exif_transpose(opened)
                upright.thumbnail((BOUND_PX, BOUND_PX))
                plain = Image.new("RGB", upright.size, "white")  # nothing of the file goes along but what one sees
                shown = upright.convert("RGBA")
                plain.paste(shown, mask=shown)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for broken files
        raise PictureInvalid() from None
    written = io.BytesIO()
    plain.save(written, "WEBP", quality=QUALITY)
    webp = written.getvalue()
    return Picture(webp, hashlib.sha256(webp).hexdigest()[:16], *plain.size)
