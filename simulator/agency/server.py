"""A local feed server that plays recorded days, with faults as real servers have them."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from types import TracebackType
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from city.city import City
from core.clock import Clock
from simulator.agency import forms
from simulator.agency.days import BEFORE, DAYS
from simulator.agency.events import ArticleEvent, Day, Event, TelegramEvent

log = structlog.get_logger(__name__)

SHORT_FEED = RENEWED = timedelta(minutes=10)
SITE_FEEDS = {
    "/rss/news.rdf": forms.rdf,
    "/events/feed.xml": forms.rss,
    "/safety/atom.xml": forms.atom,
}
AGENCY_FEEDS = ("regular", "extra", "eqvol", "other")
LIFTING = frozenset(
    {"VPWW55", "VPWW56", "VPWW57", "VPWW58", "VPWW61", "VXKO58", "VTSE41", "VFVO50"}
)
"""Kinds for which the last telegram of a day ends what earlier ones began."""
FAULTS = ("error", "error-page", "slow", "endless-redirect", "bomb", "broken-off")


@dataclass
class Playing:
    """A day that is playing: the remaining events, and the speed."""

    day: Day
    speed: float
    left: list[Event]
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class RecordedDays:
    """The feed server. Use it as an asynchronous context manager.

    Parameters
    ----------
    clock
        All published times are from this clock.
    host, port
        Where to listen; port 0 means any free one.
    gaps
        The shortest and the longest wait between two events, in seconds, at every speed. Events
        that come faster than the sources are polled are told as one, and residents hear nothing of
        a storm that is over at once.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        gaps: tuple[float, float] = (0.0, math.inf),
        days: Mapping[str, Day] = DAYS,
    ) -> None:
        self.clock = clock
        self._gaps = gaps
        self._days = days
        self.host = host
        self.port = port
        self.requests: list[tuple[str, int]] = []
        """Path and status of every request answered, for tests."""
        self._pages: dict[str, list[forms.ListedArticle]] = {path: [] for path in SITE_FEEDS}
        self._sent: dict[str, list[forms.ListedTelegram]] = {name: [] for name in AGENCY_FEEDS}
        self._telegrams: dict[str, bytes] = {}
        self._faults: dict[str, str] = {}
        self._playing: Playing | None = None
        self._last: datetime | None = None
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()

    async def __aenter__(self) -> RecordedDays:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        for event in BEFORE:
            self._happen(event.what, self.clock.now() - event.at)
        log.info("agency.started", url=self.url)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def playing(self) -> str | None:
        """Title of the day that is happening, or None."""
        return self._playing.day.title if self._playing and self._playing.left else None

    def addresses(self, city: City) -> dict[str, str]:
        """Return this server's address for each source of a city that it can replace.

        A source has the path of its own address; ``city.folder.redirect_sources`` puts them into
        the city.
        """
        served = {*SITE_FEEDS, *(f"/developer/xml/feed/{name}.xml" for name in AGENCY_FEEDS)}
        return {
            source.code: self.url + path
            for source in city.sources
            if (path := urlsplit(source.url).path) in served
        }

    @property
    def _changed_at(self) -> datetime:
        return self._last or self.clock.now()

    # What happens.

    async def play(self, day: str, speed: float | None = None) -> None:
        """Start a day; it plays at ``speed`` times the real pace.

        Raises
        ------
        KeyError
            There is no such day.
        """
        unfinished = self._playing.left if self._playing is not None else []
        await self.stop()
        # If a day is cut short, its open alarms would make the next day's alarms no news.
        for event in unfinished:
            if isinstance(event.what, TelegramEvent) and event.what.kind in LIFTING:
                self._happen(event.what, self.clock.now())
        playing = self._start(day, speed)
        playing.task = asyncio.create_task(self._run(playing))

    def prepare(self, day: str) -> None:
        """Lay a day out for :meth:`step`, without a clock."""
        self._start(day, None)

    def step(self) -> Event | None:
        """Play the next event of the prepared day now; None if the day is over."""
        if self._playing is None or not self._playing.left:
            return None
        event = self._playing.left.pop(0)
        self._happen(event.what, self.clock.now())
        return event

    async def stop(self) -> None:
        """End the playing day; published telegrams stay."""
        if self._playing is not None and self._playing.task is not None:
            self._playing.task.cancel()
            await asyncio.gather(self._playing.task, return_exceptions=True)
        self._playing = None

    def fail(self, path: str, fault: str | None) -> None:
        """Switch a fault of :data:`FAULTS` on for a path, or off again with None."""
        if fault is None:
            self._faults.pop(path, None)
        elif fault in FAULTS:
            self._faults[path] = fault
        else:
            raise ValueError(f"faults are {', '.join(FAULTS)}")

    def release(self) -> None:
        """Release the answers that the fault ``slow`` delays."""
        self._released.set()

    def _start(self, name: str, speed: float | None) -> Playing:
        day = self._days[name]
        self._playing = Playing(day=day, speed=speed or day.speed, left=list(day.events))
        return self._playing

    async def _run(self, playing: Playing) -> None:
        elapsed = timedelta(0)
        while playing.left:
            wait = (playing.left[0].at - elapsed).total_seconds() / playing.speed
            shortest, longest = self._gaps
            await self.clock.sleep(min(longest, max(shortest, wait)))
            elapsed = playing.left[0].at
            self.step()

    def _happen(self, what: ArticleEvent | TelegramEvent, now: datetime) -> None:
        now = self._moment(now)
        if isinstance(what, ArticleEvent):
            self._publish(what, now)
        else:
            self._send(what, now)
        log.info("agency.published", name=what.name)

    def _moment(self, now: datetime) -> datetime:
        """Return ``now`` in whole seconds, later than every time before, to keep the order."""
        now = now.replace(microsecond=0)
        if self._last is not None and now <= self._last:
            now = self._last + timedelta(seconds=1)
        self._last = now
        return now

    def _publish(self, article: ArticleEvent, now: datetime) -> None:
        pages = self._pages[article.feed]
        replaced = [page for page in pages if page.path == article.path]
        shown_at = replaced[0].published_at if replaced else now
        pages[:] = [page for page in pages if page.path != article.path]
        pages.insert(
            0,
            forms.ListedArticle(
                path=article.path,
                title=article.title,
                summary=article.summary,
                category=article.category,
                published_at=shown_at,
            ),
        )

    def _send(self, event: TelegramEvent, now: datetime) -> None:
        telegram = event.write(now)
        name = f"{now.astimezone(UTC):%Y%m%d%H%M%S}_0_{event.kind}_{event.office}.xml"
        path = f"/developer/xml/data/{name}"
        self._telegrams[path] = telegram
        self._sent[event.feed].append(
            forms.ListedTelegram(
                url=self.url + path,
                title=event.title,
                office=event.author,
                headline=event.headline,
                updated=now,
            )
        )

    # The served documents.

    def app(self) -> web.Application:
        """Return the web application, for running it elsewhere than :meth:`__aenter__` does."""
        app = web.Application(client_max_size=4096)
        app.router.add_get("/", self._control_page)
        app.router.add_get("/_state", self._state)
        app.router.add_post("/_play", self._play)
        app.router.add_post("/_step", self._step)
        app.router.add_post("/_fail", self._fail)
        for path in SITE_FEEDS:
            app.router.add_get(path, self._guarded(self._site_feed))
        app.router.add_get("/developer/xml/feed/{name}.xml", self._guarded(self._agency_feed))
        app.router.add_get("/developer/xml/data/{name}", self._guarded(self._telegram))
        app.router.add_get("/{path:.*}", self._page)
        return app

    def _guarded(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            fault = self._faults.get(request.path)
            response = await (handler(request) if fault is None else self._ill(request, fault))
            self.requests.append((request.path, response.status))
            return response

        return answer

    async def _site_feed(self, request: web.Request) -> web.Response:
        body = SITE_FEEDS[request.path](self._pages[request.path], self.url)
        return _conditional(request, body, self._changed_at)

    async def _agency_feed(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        sent = self._sent.get(name.removesuffix("_l"))
        if sent is None:
            raise web.HTTPNotFound
        if not name.endswith("_l"):
            since = self.clock.now() - SHORT_FEED
            sent = [telegram for telegram in sent if telegram.updated >= since]
        # The agency renews its files whether there is news or not.
        changed = self._changed_at
        renewed = changed + max(0, (self.clock.now() - changed) // RENEWED) * RENEWED
        return _conditional(request, forms.index(name, sent, self.url, renewed), renewed)

    async def _telegram(self, request: web.Request) -> web.Response:
        try:
            return _conditional(request, self._telegrams[request.path], self._changed_at)
        except KeyError:
            raise web.HTTPNotFound from None

    async def _page(self, request: web.Request) -> web.Response:
        for pages in self._pages.values():
            for page in pages:
                if page.path == request.path:
                    text = forms.page(page.title, page.summary, page.published_at)
                    return web.Response(text=text, content_type="text/html")
        raise web.HTTPNotFound

    async def _ill(self, request: web.Request, fault: str) -> web.StreamResponse:
        """Answer with the fault that is switched on."""
        if fault == "error":
            return web.Response(status=500, text="Internal Server Error")
        if fault == "error-page":
            page = "<html><body><h1>ただいまメンテナンス中です</h1></body></html>"
            return web.Response(text=page, content_type="text/html")
        if fault == "endless-redirect":
            return web.Response(status=302, headers={"Location": request.path})
        if fault == "bomb":
            zeros = gzip.compress(b"<rss>" + b" " * 64 * 1024 * 1024 + b"</rss>", 9)
            return web.Response(
                body=zeros, headers={"Content-Encoding": "gzip"}, content_type="application/xml"
            )
        if fault == "broken-off":
            return web.Response(
                text='<rss version="2.0"><channel><item><title>途中', content_type="application/xml"
            )
        response = web.StreamResponse(headers={"Content-Type": "application/xml"})
        await response.prepare(request)
        await response.write(b"<?xml")
        await self._released.wait()
        return response

    # How it is controlled.

    async def _state(self, _request: web.Request) -> web.Response:
        playing = self._playing
        return _json(
            {
                "days": {name: day.title for name, day in DAYS.items()},
                "playing": playing.day.name if playing and playing.left else None,
                "left": [event.what.name for event in playing.left] if playing else [],
                "articles": {path: len(pages) for path, pages in self._pages.items()},
                "telegrams": {name: len(sent) for name, sent in self._sent.items()},
                "faults": self._faults,
            }
        )

    async def _play(self, request: web.Request) -> web.Response:
        wish = await _wish(request)
        day, speed = wish.get("day"), wish.get("speed")
        if not isinstance(day, str) or day not in DAYS:
            return _json({"error": f"day is one of {', '.join(DAYS)}"}, status=400)
        if speed is not None and (not isinstance(speed, int | float) or not 0 < speed <= 100_000):
            return _json({"error": "speed is a number above 0"}, status=400)
        await self.play(day, speed)
        return await self._state(request)

    async def _step(self, request: web.Request) -> web.Response:
        if self._playing is None:
            return _json({"error": "no day is laid out"}, status=409)
        event = self.step()
        return _json({"happened": event.what.name if event else None})

    async def _fail(self, request: web.Request) -> web.Response:
        wish = await _wish(request)
        path, fault = wish.get("path"), wish.get("fault")
        if not isinstance(path, str) or (fault is not None and fault not in FAULTS):
            return _json({"error": f"path, and fault: one of {', '.join(FAULTS)}"}, status=400)
        self.fail(path, str(fault) if fault is not None else None)
        return await self._state(request)

    async def _control_page(self, _request: web.Request) -> web.Response:
        buttons = "".join(
            f'<p><button data-day="{escape(name)}">{escape(day.title)}</button> '
            f"{escape(day.about)}</p>"
            for name, day in DAYS.items()
        )
        return web.Response(text=_CONTROL.replace("BUTTONS", buttons), content_type="text/html")


_CONTROL = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Recorded days</title>
<style>body{font:1rem/1.6 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
button{font-size:1rem;padding:.5rem 1rem}pre{background:#f2f2f2;padding:1rem;overflow:auto}</style>
</head><body><main><h1>Recorded days</h1><p>Let a day happen on the demo's feed server.</p>BUTTONS
<pre id="state" aria-live="polite"></pre></main><script>
async function show(){const a=await fetch('/_state');
document.getElementById('state').textContent=JSON.stringify(await a.json(),null,1)}
for(const b of document.querySelectorAll('button'))b.onclick=async()=>{await fetch('/_play',
{method:'POST',headers:{'Content-Type':'application/json'},
body:JSON.stringify({day:b.dataset.day})});show()};
show();setInterval(show,2000);</script></body></html>"""


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.json_response(
        value, status=status, dumps=lambda some: json.dumps(some, ensure_ascii=False)
    )


async def _wish(request: web.Request) -> dict[str, object]:
    """Return the JSON object a request carries.

    Only ``application/json`` is taken, which a page of another site cannot send unasked.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        wish = await request.json()
    except ValueError:
        raise web.HTTPBadRequest from None
    if not isinstance(wish, dict):
        raise web.HTTPBadRequest
    return wish


def _conditional(request: web.Request, body: bytes, changed_at: datetime) -> web.Response:
    """Answer 304 if the client has it already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    headers["Last-Modified"] = format_datetime(changed_at.astimezone(UTC), usegmt=True)
    return web.Response(body=body, content_type="application/xml", headers=headers)
