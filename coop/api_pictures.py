"""Pictures of machines over HTTP."""

from fastapi import APIRouter, Response, UploadFile

from coop import pictures
from coop.database import Connection
from coop.door import Door, Entrance
from coop.pictures import MOST_BYTES, Picture

router = APIRouter(tags=["coop"])

NOT_CHANGED = 304


@router.get(
    "/machines/{machine_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}, NOT_CHANGED: {"description": "As it was"}},
)
def get_picture(machine_id: str, door: Entrance) -> Response:
    """What a machine looks like, as WebP."""
    return served(door, machine_id)


@router.put("/machines/{machine_id}/picture", status_code=204, response_class=Response)
def set_picture(machine_id: str, file: UploadFile, door: Entrance) -> None:
    """Show what a machine looks like: a JPEG, PNG or WebP file. It is made small; what a camera adds is left out."""
    content = file.file.read(MOST_BYTES + 1)

    def show(conn: Connection) -> None:
        pictures.set_picture(conn, door.viewer, machine_id, content, door.now)

    door.run(show)


@router.delete("/machines/{machine_id}/picture", status_code=204, response_class=Response)
def drop_picture(machine_id: str, door: Entrance) -> None:
    """Show no picture of a machine any more."""
    door.run(lambda conn: pictures.drop_picture(conn, door.viewer, machine_id, door.now))


def served(door: Door, machine_id: str) -> Response:
    """The picture, kept by the browser of whoever is signed in and asked for anew with its digest."""

    def look(conn: Connection) -> Picture:
        return pictures.picture(conn, machine_id)

    found = door.run(look)
    headers = {
        "ETag": f'"{found.digest}"',
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "inline",
    }
    if door.request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=NOT_CHANGED, headers=headers)
    return Response(found.webp, media_type="image/webp", headers=headers)
