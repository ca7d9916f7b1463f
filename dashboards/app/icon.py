"""Our sign, drawn here: two rings that hold each other, as ropes do where boats are moored together (催合い).

The same few numbers give the SVG and the PNGs, so nothing is kept as a file.
"""

import io
from functools import cache

from PIL import Image, ImageDraw

INDIGO, WHITE, GREEN = "#1f4e79", "#ffffff", "#57c07a"
SIDE = 512
RADIUS, STROKE = 106, 46
LEFT, RIGHT = (188, 256), (324, 256)
FINER = 4
"""PNGs are drawn so many times larger and made small again, for smooth edges."""


@cache
def svg() -> str:
    """The sign with round corners, for a browser's tab."""
    rings = "".join(
        f'<circle cx="{x}" cy="{y}" r="{RADIUS}" stroke="{colour}"/>'
        for (x, y), colour in ((LEFT, WHITE), (RIGHT, GREEN))
    )
    over = f'<path d="M{LEFT[0]} {LEFT[1] - RADIUS}a{RADIUS} {RADIUS} 0 0 1 {RADIUS} {RADIUS}" stroke="{WHITE}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" fill="none" stroke-width="{STROKE}">'
        f'<rect width="{SIDE}" height="{SIDE}" rx="96" fill="{INDIGO}"/>{rings}{over}</svg>'
    )


@cache
def png(side_px: int) -> bytes:
    """The sign to the edges: all that counts is within the middle, so a phone may cut it to any shape (maskable)."""
    scale = side_px * FINER / SIDE
    drawn = Image.new("RGB", (side_px * FINER, side_px * FINER), INDIGO)
    pen = ImageDraw.Draw(drawn)

    def ring(centre: tuple[int, int], colour: str, start: int = 0, end: int = 360) -> None:
        outer = RADIUS + STROKE / 2
        x, y = centre
        box = [round(each * scale) for each in (x - outer, y - outer, x + outer, y + outer)]
        pen.arc(box, start, end, fill=colour, width=round(STROKE * scale))

    ring(LEFT, WHITE)
    ring(RIGHT, GREEN)
    ring(LEFT, WHITE, 270, 360)
    written = io.BytesIO()
    drawn.resize((side_px, side_px), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()
