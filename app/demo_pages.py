"""The demo's own page: where everything is, what to try, and the recorded days to play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

import console
from console import charts, words
from core.errors import BadInput
from core.web import MAP_POLICY, PUBLIC_POLICY, PublicRoute, read_form, templates
from public import MAPS
from public.map_words import map_words
from simulator.agency.days import DAYS
from simulator.agency.server import RecordedDays
from simulator.mail import Mailbox

PACES = {"slow": 0.25, "own": 1.0, "fast": 4.0}
"""The speeds of a day, as multiples of its own pace."""
MAX_SPEED = 100_000.0
REPORTS = (12, 18, 9, 14, 20, 27, 34, 22)
"""Invented reports by month, for the page of components."""

router = APIRouter(route_class=PublicRoute)
_templates = templates(
    Path(__file__).parent / "templates", Path(console.__file__).parent / "templates"
)


@dataclass(frozen=True, kw_only=True)
class DemoPlaces:
    """Addresses of the demo's parts; ``app.state.demo_places``."""

    phone: str
    console: str
    public: str
    feeds: RecordedDays
    mails: Mailbox


@dataclass(frozen=True, kw_only=True)
class DayWords:
    """The title of a recorded day, and what happens on it."""

    title: str
    about: str


DAY_WORDS: Mapping[str, Mapping[str, DayWords]] = {
    "quiet": {
        "ja": DayWords(title="静かな日", about="ふだんのお知らせがひとつ届くだけの一日です。"),
        "en": DayWords(title="A quiet day", about="One item of routine news, and nothing else."),
    },
    "rainstorm": {
        "ja": DayWords(
            title="大雨の日",
            about="大雨と土砂災害の警報が、約3分でレベル2から4まで上がり、また下がります。",
        ),
        "en": DayWords(
            title="A rainstorm",
            about="Rain and landslide warnings climb from level 2 to 4 and fall again, "
            "in about 3 minutes.",
        ),
    },
    "earthquake": {
        "ja": DayWords(
            title="地震の日",
            about="震度5弱の地震です。速報、くわしい情報、市のお知らせの順に届きます。",
        ),
        "en": DayWords(
            title="An earthquake",
            about="Intensity 5 lower: the flash, then the detail, then the city's own news.",
        ),
    },
    "tsunami": {
        "ja": DayWords(
            title="津波の日",
            about="海の大きな地震です。震度、津波警報、大津波警報と続き、解除まで届きます。",
        ),
        "en": DayWords(
            title="A tsunami",
            about="A great earthquake at sea: the shaking, then warnings for the coast, "
            "up and down again.",
        ),
    },
    "typhoon": {
        "ja": DayWords(
            title="台風の日",
            about="強風、暴風、竜巻のあと、川がレベル5まで上がってあふれ、やがて収まります。",
        ),
        "en": DayWords(
            title="A typhoon",
            about="Gale, storm, a tornado watch, a river that rises to level 5 and overflows, "
            "and the calm.",
        ),
    },
    "volcano": {
        "ja": DayWords(
            title="噴火の日",
            about="火山の噴火警戒レベルが上がり、噴火して、市内に灰が降ります。",
        ),
        "en": DayWords(
            title="A volcano",
            about="The alert level rises, it erupts, and ash comes down in the city.",
        ),
    },
    "holiday": {
        "ja": DayWords(title="祝日", about="休日当番医や市場など、ふだんのお知らせが届きます。"),
        "en": DayWords(
            title="A public holiday", about="Routine news: doctors on duty, a market, a crossing."
        ),
    },
}
"""The page's own words for the days, by language; a day without any says its recorded ones."""


@router.get("/demo")
async def demo(
    request: Request, lang: Annotated[str | None, Query(max_length=8)] = None
) -> HTMLResponse:
    """Show the addresses, what to try, and the days, in Japanese or English."""
    state = request.app.state
    places: DemoPlaces = state.demo_places
    language = _language(request, lang)
    page = _templates.get_template("demo.html").render(
        language=language,
        places=places,
        accounts=state.demo_accounts,
        days={name: _words(name, language) for name in DAYS},
        playing=next(
            (name for name, day in DAYS.items() if day.title == places.feeds.playing), None
        ),
    )
    return HTMLResponse(page)


@router.get("/demo/components")
async def components(
    request: Request, lang: Annotated[str | None, Query(max_length=8)] = None
) -> HTMLResponse:
    """Show the components of which all pages are made."""
    chosen = _language(request, lang)
    months = [charts.Bar(str(n), value, said=str(value)) for n, value in enumerate(REPORTS, 1)]
    page = _templates.get_template("components_page.html").render(
        language=chosen,
        say_=partial(words.CATALOGUE.text, chosen),
        charts=charts,
        bars=months,
        map_files=MAPS,
        map_words=map_words,
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": MAP_POLICY})


@router.post("/demo/play")
async def play(request: Request) -> Response:
    """Start a recorded day, at a pace of :data:`PACES` or ``speed`` times as fast as in reality.

    At every speed there is time between two alarms to see each. The service finds them as in real
    operation.
    """
    places: DemoPlaces = request.app.state.demo_places
    try:
        form = await read_form(request)
        speed = float(form.text("speed") or 0)
    except (BadInput, ValueError) as error:
        return Response(str(error), status_code=422, media_type="text/plain")
    day, pace = form.text("day"), PACES.get(form.text("pace") or "own")
    if day not in DAYS:
        return Response("There is no such day.", status_code=404, media_type="text/plain")
    if pace is None or not 0 <= speed <= MAX_SPEED:
        return Response("There is no such pace.", status_code=422, media_type="text/plain")
    await places.feeds.play(day, speed or DAYS[day].speed * pace)
    language = _language(request, form.text("lang"))
    return RedirectResponse(f"/demo?lang={language}#days", status_code=303)


MOST_LETTERS = 200
LIST_POLICY = PUBLIC_POLICY + "; frame-src 'self'"
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""Nothing of a mail can run."""


@dataclass(frozen=True)
class Letter:
    """A mail as the page shows it."""

    to: str
    subject: str
    text: str
    html: str
    """For a frame in which nothing can run; "" for a mail without HTML."""
    number: int = 0

    @classmethod
    def of(cls, mail: EmailMessage, number: int) -> Letter:
        """Return a mail as it was taken."""
        bodies = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
        text, html = (
            "" if body is None else body.get_content().replace("\r\n", "\n")
            for body in bodies.values()
        )
        # A link opens beside the frame.
        html = html.replace("<head>", '<head><base target="_blank">', 1)
        return cls(str(mail["To"]), str(mail["Subject"]), text, html, number)


@router.get("/demo/mail")
async def mail(
    request: Request, lang: Annotated[str | None, Query(max_length=8)] = None
) -> HTMLResponse:
    """Show what the demo's mail server took, the newest first."""
    places: DemoPlaces = request.app.state.demo_places
    letters = [
        Letter.of(one, number)
        for number, one in list(reversed(list(enumerate(places.mails.mails))))[:MOST_LETTERS]
    ]
    page = _templates.get_template("demo_mail.html").render(
        language=_language(request, lang), mails=letters
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": LIST_POLICY})


@router.get("/demo/mail/{number}.html")
async def mail_as_html(request: Request, number: int) -> Response:
    """Show one mail as a mail program does: no script runs, nothing is loaded."""
    places: DemoPlaces = request.app.state.demo_places
    mails = places.mails.mails
    if not 0 <= number < len(mails):
        return Response("There is no such mail.", 404, media_type="text/plain")
    html = Letter.of(mails[number], number).html
    headers = {"Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, headers=headers)


def _language(request: Request, asked: str | None) -> str:
    """The requested language, or the browser's, or English."""
    if asked in ("ja", "en"):
        return asked
    return "ja" if request.headers.get("accept-language", "").lower().startswith("ja") else "en"


def _words(day: str, language: str) -> DayWords:
    recorded = DayWords(title=DAYS[day].title, about=DAYS[day].about)
    return DAY_WORDS.get(day, {}).get(language, recorded)
