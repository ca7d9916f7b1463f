"""A document's content as a PDF/A file with its fonts embedded."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

import orjson
import typst

TEMPLATE = "document.typ"
FONTS = ("noto_cjk_sans_jp_regular", "noto_cjk_sans_jp_bold")
"""Packages that are a font each: they have the ㈱, 髙, 﨑 and 濵 of company names."""


def printed(
    content: Mapping[str, Any], now: datetime, *, package: str = __package__, template: str = TEMPLATE
) -> bytes:
    """The PDF (PDF/A-2u) of words and figures, set by a template of `package`: a document, unless it says another."""
    pdf = _press().compile(
        resources.files(package).joinpath(template).read_bytes(),
        format="pdf",
        sys_inputs={"content": orjson.dumps(content).decode()},
        pdf_standards="a-2u",
        timestamp=int(now.timestamp()),
        pdf_tags=False,
    )
    assert isinstance(pdf, bytes)
    return pdf


@cache
def _press() -> typst.Compiler:
    """The compiler with the fonts, 30 MB that are read once."""
    folders = [str(resources.files(each)) for each in FONTS]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    return typst.Compiler(font_paths=fonts, ignore_system_fonts=True)
