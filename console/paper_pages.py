"""The project's papers as pages, for those who read more about a page of the console."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from markdown_it import MarkdownIt

from console.access import Permission
from console.help import PAPERS
from console.web import Missing, StaffRoute, Visit, visit

router = APIRouter(prefix="/console/papers", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Name = Annotated[str, Path(pattern=r"^[a-z-]{1,40}\.md$")]


@router.get("/{name}")
async def paper(visitor: Looker, name: Name) -> Response:
    """Show one paper; links from one to the next lead to their pages."""
    if not (PAPERS / name).is_file():
        raise Missing
    title, body = read_paper(name)
    return visitor.page("paper.html", title=title, body=body)


@cache
def read_paper(name: str) -> tuple[str, str]:
    """Return a paper's title, and its text as HTML, with nothing in it that could run."""
    text = (PAPERS / name).read_text("utf-8")
    title, _, rest = text.partition("\n")
    html = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(rest)
    # A wide table scrolls by itself, and can be reached with the keyboard.
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    return title.lstrip("# "), html.replace("</table>", "</table></div>")
