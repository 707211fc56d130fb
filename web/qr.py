"""QR codes as one path: colours come from the stylesheet, so the page's policy holds."""

from dataclasses import dataclass

import segno

BORDER = 4
"""Empty modules around it, as the standard asks."""


@dataclass(frozen=True)
class QrCode:
    """size: modules a side, border included.  path: of an SVG in that unit."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    """The code of a text."""
    matrix = segno.make(text, error="m", micro=False).matrix
    dots = [f"M{x + BORDER} {y + BORDER}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark]
    return QrCode(len(matrix) + 2 * BORDER, "".join(dots))
