"""The city's emblem: pictures in its folder, checked so that no page can be harmed by them.

An SVG file is a program that browsers run, so only drawings without scripts, styles, links and
other files are taken. What is not allowed is not removed: the file is left out, and staff are told.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from lxml import etree
from PIL import Image

from city.city import Emblem
from city.faults import FolderFault
from city.reasons import reason
from core.reason import Reason

MOST_SVG, MOST_PNG = 20_000, 200_000
"""Bytes. Every page of the portal shows it, also on a slow line."""
LEAST_SIDE, MOST_SIDE = 192, 1024
"""Pixels of a PNG; an app on a phone has a picture of 192."""
SVG = "http://www.w3.org/2000/svg"
DRAWING = frozenset(
    {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "title"}
    | {"desc", "defs", "use", "clipPath", "linearGradient", "radialGradient", "stop", "text"}
    | {"tspan", "symbol", "mask"}
)
"""Elements that only draw."""
_ELSEWHERE = re.compile(r"url\(\s*['\"]?(?!#)|javascript:|@import|data:", re.I)


def read_emblem(folder: Path, emblem: Emblem, faults: list[FolderFault]) -> dict[str, bytes]:
    """Return the pictures that can be used, as ``svg`` and ``png``."""
    found: dict[str, bytes] = {}
    for kind, name, most in (("svg", emblem.svg, MOST_SVG), ("png", emblem.png, MOST_PNG)):
        if not name:
            continue
        path = folder / name
        try:
            data = path.read_bytes()[: most + 1]
        except OSError as error:
            why = reason("file.unreadable", error=error.strerror or error)
            faults.append(FolderFault(path, None, why))
            continue
        wrong = reason("file.too-large", limit=f"{most:,}") if len(data) > most else None
        wrong = wrong or (svg_fault(data) if kind == "svg" else png_fault(data))
        if wrong is None:
            found[kind] = data
        else:
            faults.append(FolderFault(path, None, wrong))
    return found


def svg_fault(data: bytes) -> Reason | None:
    """Return why an SVG file is not taken; None if it only draws."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        return reason("emblem.no-svg", error=str(error)[:100])
    if root.tag != f"{{{SVG}}}svg":
        return reason("emblem.no-svg", error="svg")
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs lack it
        return reason("emblem.forbidden", what="DOCTYPE")
    if "viewBox" not in root.attrib:
        return reason("emblem.no-view-box")
    around = (*root.itersiblings(preceding=True), *root.itersiblings())
    for element in (*around, *root.iter()):
        if element.tag is etree.Comment:
            continue
        name = etree.QName(element).localname if isinstance(element.tag, str) else "<?…?>"
        if not isinstance(element.tag, str) or name not in DRAWING:
            return reason("emblem.forbidden", what=name)
        if etree.QName(element).namespace != SVG:
            return reason("emblem.forbidden", what=name)
        for attribute, value in element.attrib.items():
            said = etree.QName(attribute).localname.lower()
            is_link = said == "href" and not str(value).startswith("#")
            if said.startswith("on") or is_link or _ELSEWHERE.search(str(value)):
                return reason("emblem.forbidden", what=said)
    return None


def png_fault(data: bytes) -> Reason | None:
    """Return why a PNG file is not taken; None if it is a square picture of the right size."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            width, height = picture.size
            if width != height or not LEAST_SIDE <= width <= MOST_SIDE:
                size = f"{width}×{height}"
                return reason("emblem.size", size=size, least=LEAST_SIDE, most=MOST_SIDE)
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return reason("emblem.no-png", error=str(error)[:100])
    return None
