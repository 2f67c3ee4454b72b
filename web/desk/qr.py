"""QR codes as SVG that stands in the page: no other request, and no style that the page's policy would refuse."""

from __future__ import annotations

from io import BytesIO

from markupsafe import Markup
from segno import make


def svg(link: str) -> Markup:
    """A link as a picture; its size is the style sheet's.  Medium correction: paper gets folded."""
    drawn = make(link, error="m", micro=False).svg_inline(svgclass=None, lineclass=None, omitsize=True, border=4)
    return Markup(drawn)  # drawn by the library from numbers alone


def picture(link: str) -> bytes:
    """The same as an SVG file of its own, for an <img>: dark on white in any theme."""
    drawn = BytesIO()
    make(link, error="m", micro=False).save(drawn, kind="svg", light="white", omitsize=True, border=4)
    return drawn.getvalue()
