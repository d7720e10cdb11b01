"""The city's own look: its colour, over the base that all cities share."""

from __future__ import annotations

import re
from functools import cache

from fastapi import APIRouter, Request, Response

from city.city import City
from core.contrast import AA_SHAPE, AA_TEXT, contrast, text_on
from core.web import SHARED, PublicRoute
from public.pages import cached

PAPER, DARK_PAPER = "#ffffff", "#1b222a"

router = APIRouter(route_class=PublicRoute)


@router.get("/look.css")
async def look(request: Request) -> Response:
    """Give the styles that all pages share, with the city's colour, in one small file."""
    city: City = request.app.state.context.city
    return _styles(request, shared_styles() + colours_of(city.colour))


@router.get("/city.css")
async def colours(request: Request) -> Response:
    """Give only the city's colour, for pages with a base of their own, such as screens."""
    city: City = request.app.state.context.city
    return _styles(request, colours_of(city.colour))


def _styles(request: Request, styles: str) -> Response:
    response = cached(request, styles.encode(), "text/css; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@cache
def shared_styles() -> str:
    """Return the tokens and the base without what a browser does not need."""
    files = ("design-tokens.css", "base.css")
    return "".join(shrunk((SHARED / "static" / file).read_text("utf-8")) for file in files)


def shrunk(styles: str) -> str:
    """Return a style sheet without comments and without space that means nothing."""
    styles = re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL)
    styles = re.sub(r"\s+", " ", styles)
    return re.sub(r" ?([{};,]) ?|(?<=[\w-]:) ", r"\1", styles).replace(";}", "}").strip()


def colours_of(colour: str) -> str:
    """Return the properties of a colour.

    ``--city-colour`` is the colour as it is, for what is no text. ``--city-colour-text`` is read on
    it. ``--city-ink`` is for words on paper: the colour where it is read well there, else the ink.
    ``--city-edge`` is for lines that must be seen on paper.
    """

    def readable(paper: str, least: float, instead: str) -> str:
        return colour if contrast(colour, paper) >= least else instead

    def inks(paper: str) -> str:
        return (
            f"--city-ink:{readable(paper, AA_TEXT, 'var(--ink)')};"
            f"--city-edge:{readable(paper, AA_SHAPE, 'var(--edge)')}"
        )

    return (
        f":root{{--city-colour:{colour};--city-colour-text:{text_on(colour)};{inks(PAPER)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{inks(DARK_PAPER)}}}}}\n"
    )
