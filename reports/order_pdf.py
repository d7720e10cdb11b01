"""A work order as a PDF, set by Typst in a child process.

What people wrote reaches Typst as data, never as Typst's own language: nothing in it can be a
formula, a command or a mark. The child writes no files and has no network. The module imports
little, because a child of ``core.child`` imports it for every order.
"""

from __future__ import annotations

import base64
import io
import json
import re
import struct
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from core.child import Exhausted, Workshop
from core.errors import BadInput
from core.fonts import FAMILIES, FONTS, LANGUAGES, family_for, writable
from reports.reasons import reason

TEMPLATE = Path(__file__).parent / "data" / "order.typ"
PHOTO_SIDE = 1200
"""Pixels of a photo's longer side: 300 dots an inch on a sheet."""
MOST_UNBROKEN = 18
"""Letters of a word after which a line may break inside it."""
ZERO_WIDTH_SPACE = "\u200b"
_LONG_WORD = re.compile(rf"[!-~]{{{MOST_UNBROKEN + 1},}}")
_COUNT = struct.Struct(">I")


@dataclass(frozen=True, kw_only=True)
class SheetItem:
    """One place of an order, as it is printed.

    Parameters
    ----------
    facts
        Names and values, in their order.
    words
        What to do.
    map, photos
        Names of pictures.
    code
        A QR code as SVG; ``code_words`` say where it leads.
    """

    title: str
    tag: str = ""
    urgent: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    words: str = ""
    map: str = ""
    photos: tuple[tuple[str, str], ...] = ()
    code: str = ""
    code_words: str = ""
    row: tuple[str, ...] = ()
    """Its line in the list of the first page."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A work order as it is printed; all words are in the language of its reader."""

    language: str
    title: str
    city: str
    number: str
    facts: tuple[tuple[str, str], ...]
    words: str = ""
    note: str = ""
    code: str = ""
    code_words: str = ""
    map: str = ""
    columns: tuple[str, ...] = ()
    to_do: str = ""
    written_by_hand: tuple[str, ...] = ()
    """Names of the fields that are filled in on site."""
    items: tuple[SheetItem, ...] = field(default=())


def printing_workshop() -> Workshop:
    """Return where orders are set, one at a time."""
    return Workshop("reports.order_pdf:typeset", 60, 1536 * 1024 * 1024, at_once=1)


async def make_pdf(printing: Workshop, sheet: Sheet, pictures: dict[str, bytes]) -> bytes:
    """Return a work order as a PDF.

    Parameters
    ----------
    printing
        One of :func:`printing_workshop`.
    pictures
        JPEG or PNG files by the names that ``sheet`` has for them.

    Raises
    ------
    BadInput
        It cannot be set: there is too much in it.
    """
    try:
        said, content = await printing.do(_packed(sheet, pictures))
    except Exhausted as error:
        raise BadInput(reason("order.not-printed")) from error
    if not said.get("pages"):
        raise BadInput(reason("order.not-printed"))
    return content


def _packed(sheet: Sheet, pictures: dict[str, bytes]) -> bytes:
    sizes = {name: len(content) for name, content in pictures.items()}
    head = json.dumps({"sheet": asdict(sheet), "pictures": sizes}).encode()
    return b"".join([_COUNT.pack(len(head)), head, *pictures.values()])


def typeset(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return how many pages there are, and the PDF; in a child process."""
    import typst

    [length] = _COUNT.unpack_from(data)
    start = _COUNT.size + length
    head = json.loads(data[_COUNT.size : start])
    pictures = {}
    for name, size in head["pictures"].items():
        picture = _as_svg(data[start : start + size])
        if picture:
            pictures[name] = picture
        start += size
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)]
    )
    other: dict[str, str] = {}
    sheet = _printable(head["sheet"], other)
    pdf = typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=fonts,
        sys_inputs={
            "sheet": json.dumps(sheet),
            "pictures": json.dumps(pictures),
            "fonts": json.dumps({"families": FAMILIES, "languages": LANGUAGES, "other": other}),
        },
    )
    assert isinstance(pdf, bytes)
    return {"pages": max(1, pdf.count(b"/Type /Page") or 1)}, pdf


def _as_svg(content: bytes) -> str:
    """Return a picture in a frame of SVG, because Typst takes data as text alone; "" for none."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            kind = image.format or ""
            if max(image.size) > PHOTO_SIDE and kind == "JPEG":
                image.draft("RGB", (PHOTO_SIDE, PHOTO_SIDE))
                image.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
                smaller = io.BytesIO()
                image.save(smaller, "JPEG", quality=80)
                content = smaller.getvalue()
            width, height = image.size
    except (OSError, ValueError, SyntaxError):
        return ""
    data = base64.b64encode(content).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" '
        f'href="data:image/{kind.lower()};base64,{data}"/></svg>'
    )


def _printable(value: Any, other: dict[str, str]) -> Any:
    """Return the sheet with words that a font can write and that fit into their lines.

    Parameters
    ----------
    other
        Gets the lines that look best in another family than the first one, and that family.
    """
    if isinstance(value, str):
        if value.startswith("<svg"):
            return value
        words = breakable(writable(value))
        families = {line: family_for(line) for line in words.split("\n")}
        other |= {line: one for line, one in families.items() if one != FAMILIES[0]}
        return words
    if isinstance(value, dict):
        return {name: _printable(one, other) for name, one in value.items()}
    if isinstance(value, list):
        return [_printable(one, other) for one in value]
    return value


def breakable(words: str) -> str:
    """Let a line break inside a word that is too long for it, such as an address of a page."""
    return _LONG_WORD.sub(lambda found: ZERO_WIDTH_SPACE.join(found[0]), words)
