"""Draws the sample city's emblem, which is invented: a mountain with two peaks and its field.

``python deploy/city/make_emblem.py`` writes ``emblem.svg`` and ``emblem.png`` beside this file.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

HERE = Path(__file__).parent
SIDE, FINER = 512, 4
COLOUR, LIGHT = "#1b5e4b", "#bfe3d3"
MOUNTAIN = ((4, 23), (12, 9), (16, 15), (20, 7), (28, 23))
FIELD = (4, 24.5, 28, 26.5)


def svg() -> str:
    """Return the drawing, 32 units wide."""
    points = " ".join(f"{x},{y}" for x, y in MOUNTAIN)
    left, top, right, bottom = FIELD
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<circle cx="16" cy="16" r="16" fill="{COLOUR}"/><polygon points="{points}" fill="#fff"/>'
        f'<rect x="{left + 3}" y="{top}" width="{right - left - 6}" height="{bottom - top}" '
        f'fill="{LIGHT}"/></svg>\n'
    )


def png() -> Image.Image:
    """Return the same as a picture, drawn larger and made smaller for smooth edges."""
    scale = SIDE * FINER / 32
    picture = Image.new("RGBA", (SIDE * FINER, SIDE * FINER), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((0, 0, SIDE * FINER - 1, SIDE * FINER - 1), fill=COLOUR)
    draw.polygon([(x * scale, y * scale) for x, y in MOUNTAIN], fill="#fff")
    left, top, right, bottom = FIELD
    box = ((left + 3) * scale, top * scale, (right - 3) * scale, bottom * scale)
    draw.rectangle(box, fill=LIGHT)
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    (HERE / "emblem.svg").write_text(svg(), "utf-8")
    png().save(HERE / "emblem.png", optimize=True)
