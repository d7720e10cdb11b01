"""``/n/CODE``: one notice, so that anybody can check that a message or a screenshot is true."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from city.city import City
from city.context import Context
from core.languages import LANGUAGES
from core.restored import RestoreHold
from core.tallies import note
from core.web import PUBLIC_POLICY, PublicRoute, secure
from feeds.models import Notice
from feeds.notice_codes import LENGTH, read_code
from feeds.short_address import PATH, short_address, shown_address
from feeds.texts import drill_mark, moment, status_name
from public.checked import VERDICTS, Checked, Verdict, find_checked
from public.notices import reader_words
from public.pages import language_of, page, rendered
from public.portal import places_of
from public.qr import code_picture
from public.words import CATALOGUE

LONGEST_CODE = 40
"""Characters of a wrong code that the page repeats."""
MOST_DESCRIBED = 200
"""Characters of a notice in the description of a shared link."""
_SILENT_OF_DRILLS = (Verdict.OVER, Verdict.NEWS, Verdict.IN_FORCE)

router = APIRouter(route_class=PublicRoute)


@dataclass(frozen=True)
class CheckedWords:
    """What the page of a notice says, in the reader's language."""

    notice: Notice
    title: str
    text: str
    spoken: str
    """The language of title and text; another one than the reader's if nobody translated it."""
    verdict: str
    """"" for news, and for a drill that nothing became of."""
    state: str
    """The verdict's code, for its colour."""
    by: Notice | None
    places: tuple[str, ...]
    """Names of districts; none for the whole city."""


def words_of(checked: Checked, language: str, city: City) -> CheckedWords:
    """Return what the page says of a notice."""
    notice = checked.notice
    title, text, spoken = reader_words(notice, language)
    silent = notice.drill and checked.verdict in _SILENT_OF_DRILLS
    message = None if silent else VERDICTS.get(checked.verdict)
    return CheckedWords(
        notice=notice,
        title=marked(title or notice.kind, spoken, drill=notice.drill),
        text=marked(text, spoken, drill=notice.drill) if text else "",
        spoken=spoken,
        verdict=CATALOGUE.text(language, message) if message else "",
        state="drill" if notice.drill else checked.verdict.value,
        by=checked.by,
        places=places_of(notice, language, city),
    )


def marked(words: str, language: str, *, drill: bool) -> str:
    """Return words that begin with the language's 【訓練】 if they are a drill's (promise 5)."""
    mark = drill_mark(language)
    return f"{mark} {words}" if drill and not words.startswith(mark) else words


@router.get(PATH)
async def check_page(request: Request, code: str = "") -> Response:
    """Show the form for a code; with a code, lead to its page."""
    if code.strip():
        language = language_of(request, request.app.state.context.city)
        wanted = read_code(code) or code.strip()[:LONGEST_CODE]
        return RedirectResponse(f"{PATH}/{quote(wanted, safe='')}?lang={language}", 303)
    return page(request, "check.html", code_length=LENGTH)


@router.get(PATH + "/{code}")
async def notice_page(request: Request, code: str) -> Response:
    """Show what the city said with this code, and what became of it; 404 for any other code."""
    context: Context = request.app.state.context
    now = context.clock.now()
    async with context.database.reading() as session:
        checked = await find_checked(session, code, context.city.jma.municipality, now)
        hold = await session.get(RestoreHold, 1) if checked is None else None
    language = language_of(request, context.city)
    if checked is None:
        return _unknown(request, code, language, hold)
    note(request.app.state, "visit", str(checked.notice.id))
    public_url = context.settings.public_url
    words = words_of(checked, language, context.city)
    address = short_address(public_url, checked.notice)
    said = " · ".join(part for part in (words.verdict, words.title) if part)
    return page(
        request,
        "checked.html",
        words=words,
        notice=checked.notice,
        chain=[(one, *reader_words(one, language)) for one in checked.chain],
        address=address,
        shown=shown_address(address),
        code_picture=code_picture(address),
        shared_title=marked(said, words.spoken, drill=checked.notice.drill),
        shared_text=" ".join(words.text.split())[:MOST_DESCRIBED],
        language_name=LANGUAGES[words.spoken].name,
        short=lambda one: f"{PATH}/{one.code}",
        happened=status_name,
    )


def _unknown(request: Request, code: str, language: str, hold: RestoreHold | None) -> Response:
    """Answer that the city sent nothing with this code; it may be a forgery."""
    body = rendered(
        request,
        "unknown_code.html",
        language,
        path=PATH,
        code=code.strip()[:LONGEST_CODE],
        code_length=LENGTH,
        restored=moment(hold.restored_at, language) if hold is not None else "",
    )
    response = Response(body, 404, media_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    https = request.app.state.context.settings.public_url.startswith("https://")
    secure(response, PUBLIC_POLICY, https=https)
    return response
