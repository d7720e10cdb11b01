"""The city's emblem: drawings and pictures are taken, programs and other files are not."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from city.emblem import MOST_SVG, png_fault, svg_fault
from city.folder import check_city, load_city
from tests.support.project import SAMPLE_CITY

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '


def svg(inside: str, head: str = 'viewBox="0 0 9 9">') -> bytes:
    return f"{OPEN}{head}{inside}</svg>".encode()


def png(width: int = 256, height: int = 256, form: str = "PNG") -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (width, height), "#1b5e4b").save(drawn, form)
    return drawn.getvalue()


def test_a_drawing_is_taken() -> None:
    drawing = (
        "<title>市章</title><!-- drawn by hand -->"
        '<defs><linearGradient id="a"><stop offset="0"/></linearGradient></defs>'
        '<path d="M0 0h9v9z" fill="url(#a)"/><use href="#a"/><text>市</text>'
    )
    assert svg_fault(svg(drawing)) is None


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<path d="M0 0" onload="alert(1)"/>', "onload"),
        ('<path d="M0 0" ONCLICK="alert(1)"/>', "onclick"),
        ("<foreignObject><p/></foreignObject>", "foreignObject"),
        ('<image href="https://elsewhere.example/a.png"/>', "image"),
        ('<use href="https://elsewhere.example/a.svg#b"/>', "href"),
        ('<use xlink:href="//elsewhere.example/a.svg#b"/>', "href"),
        ('<a href="javascript:alert(1)"><path d="M0 0"/></a>', "a"),
        ("<style>@import url(https://elsewhere.example)</style>", "style"),
        ('<path d="M0 0" fill="url(https://elsewhere.example#a)"/>', "fill"),
        ('<path d="M0 0" style="background:url( \'//elsewhere.example\')"/>', "style"),
        ('<animate attributeName="href" values="javascript:alert(1)"/>', "animate"),
        ('<script xmlns="http://www.w3.org/1999/xhtml"/>', "script"),
        ('<rect xmlns="http://www.w3.org/1999/xhtml"/>', "rect"),
        ('<?xml-stylesheet href="https://elsewhere.example"?>', "<?…?>"),
    ],
)
def test_what_is_more_than_a_drawing_is_refused(inside: str, what: str) -> None:
    found = svg_fault(svg(inside))
    assert found is not None
    assert (found.code, found.values["what"]) == ("emblem.forbidden", what)


def test_what_is_no_svg_or_fits_no_page_is_refused() -> None:
    entity = b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + svg("<text>&a;</text>")
    bomb = b'<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + svg("<text>&b;</text>")
    for data, code in (
        (b"not xml", "emblem.no-svg"),
        (b"<html/>", "emblem.no-svg"),
        (svg("", head='width="9">'), "emblem.no-view-box"),
        (entity, "emblem.forbidden"),
        (bomb, "emblem.forbidden"),
        (b'<?xml-stylesheet href="https://elsewhere.example"?>' + svg(""), "emblem.forbidden"),
    ):
        found = svg_fault(data)
        assert found is not None and found.code == code, data


def test_a_png_is_a_square_of_the_right_size() -> None:
    assert png_fault(png()) is None
    for data, code in (
        (png(256, 200), "emblem.size"),
        (png(64, 64), "emblem.size"),
        (png(2000, 2000), "emblem.size"),
        (png(form="JPEG"), "emblem.no-png"),
        (png()[:200], "emblem.no-png"),
        (b"", "emblem.no-png"),
    ):
        found = png_fault(data)
        assert found is not None and found.code == code


def test_a_wrong_emblem_is_left_out_and_the_city_starts(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    assert set(load_city(folder).emblem_files) == {"svg", "png"}
    (folder / "emblem.svg").write_bytes(svg("<script/>"))
    (folder / "emblem.png").unlink()
    city = load_city(folder)
    assert city.emblem_files == {}
    assert city.emblem_path("svg", "png") == ""
    said = {fault.path.name: fault.message.code for fault in check_city(folder)}
    assert said == {"emblem.svg": "emblem.forbidden", "emblem.png": "file.unreadable"}
    (folder / "emblem.svg").write_bytes(svg(" " * MOST_SVG))
    codes = {fault.message.code for fault in check_city(folder)}
    assert "file.too-large" in codes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('svg = "emblem.svg"', 'svg = "../../etc/emblem.svg"'),
        ('colour = "#1b5e4b"', 'colour = "red"'),
        ('colour = "#1b5e4b"', 'color = "#1b5e4b"'),
    ],
)
def test_a_wrong_line_is_named_and_left_out(tmp_path: Path, before: str, after: str) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    toml = folder / "city.toml"
    text = toml.read_text("utf-8")
    assert before in text
    toml.write_text(text.replace(before, after), "utf-8")
    [fault] = check_city(folder)
    line = text[: text.index(before)].count("\n") + 1
    assert (fault.path.name, fault.line, fault.stops) == ("city.toml", line, False)
    assert load_city(folder).emblem.png == "emblem.png"
