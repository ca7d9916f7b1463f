"""Pictures of machines: always of our own making, small, upright, and without what the camera added."""

import io

import pytest
from PIL import Image

from coop.identity import Role
from coop.machines import Machine, add_machine
from coop.pictures import BOUND_PX, PictureInvalid, redraw
from tests.callers import Callers

ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825


def photo(size: tuple[int, int] = (3000, 2000), form: str = "JPEG", mode: str = "RGB") -> bytes:
    """As a telephone writes it: lying on its side, with its maker and where it was."""
    drawn = Image.new(mode, size, "red")
    said = Image.Exif()
    said[ORIENTATION], said[MAKER] = 6, "SECRET CAMERA"
    said[GPS] = {1: "N", 2: (35.0, 34.0, 1.0)}
    written = io.BytesIO()
    drawn.save(written, form, exif=said)
    return written.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_made_anew(form: str) -> None:
    assert b"SECRET" in photo(form=form)
    made = redraw(photo(form=form))
    assert (made.width_px, made.height_px) == (round(BOUND_PX * 2 / 3), BOUND_PX)  # upright
    assert b"SECRET" not in made.webp
    with Image.open(io.BytesIO(made.webp)) as shown:
        assert shown.format == "WEBP"
        assert dict(shown.getexif()) == {}
        red, green, blue = shown.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]  # three of RGB
        assert red > 240 > 20 > max(green, blue)


def test_what_is_no_picture_is_refused() -> None:
    gif = io.BytesIO()
    Image.new("P", (10, 10)).save(gif, "GIF")
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    for content in (
        b"",
        b"\x89PNG\r\n\x1a\n",
        photo()[:500],
        gif.getvalue(),
        bomb.getvalue(),
        b"<svg/>",
        b"x" * 6_000_000,
    ):
        with pytest.raises(PictureInvalid):
            redraw(content)


def test_the_office_shows_it_and_everybody_sees_it(api: Callers) -> None:
    api.member("m01")
    engineer, office = api.person(Role.ENGINEER, "m01"), api.person(Role.OFFICE)
    with api.pool.connection() as conn:
        add_machine(conn, Machine("cmm-1", "cmm", "測定機", "CMM"))
    path = "/api/v1/machines/cmm-1/picture"
    assert engineer.get(path).status_code == 404
    assert engineer.put(path, files={"file": photo()}).status_code == 403
    assert office.put(path, files={"file": b"no picture"}).json()["code"] == "coop.picture_invalid"
    assert office.put("/api/v1/machines/none/picture", files={"file": photo()}).status_code == 404
    assert office.put(path, files={"file": photo()}).status_code == 204
    shown = engineer.get(path)
    assert shown.headers["content-type"] == "image/webp"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert engineer.get(path, headers={"If-None-Match": shown.headers["etag"]}).status_code == 304
    assert office.put(path, files={"file": photo((500, 500))}).status_code == 204
    assert engineer.get(path).headers["etag"] != shown.headers["etag"]
    assert office.delete(path).status_code == 204
    assert engineer.get(path).status_code == 404
