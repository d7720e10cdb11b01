"""Routine news from the shell: sent, listed, shown, recalled, with the checks of the console."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from app.cli.tools import (
    Json,
    by_language,
    city,
    media,
    opened_database,
    print_json,
    print_rows,
    queue_for,
    run,
    service_clock,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from alerts.news.models import News
    from alerts.news.release import Door
    from alerts.news.writing import Written
    from city.city import City

app = typer.Typer(no_args_is_help=True)
T = TypeVar("T")
Act = Callable[["AsyncSession", "Door", datetime], Awaitable[T]]
Number = Annotated[int, typer.Argument(metavar="ID", help="As `todoke news list` shows it.")]
COLUMNS = ("id", "state", "title", "topic", "when", "next_at", "repeat")


@app.command("send")
def send(
    topic: Annotated[str, typer.Option(metavar="CODE", help="Topic's code, such as events.")],
    text: Annotated[
        list[str], typer.Option(metavar="LANG=TEXT", help="What it says; Japanese is needed.")
    ],
    title: Annotated[
        list[str] | None,
        typer.Option(metavar="LANG=TITLE", help="Its title; else the text's first line."),
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="District's code; none means the whole city."),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(metavar="LANG", help="Only for readers of this language.")
    ] = None,
    child: Annotated[
        str, typer.Option(metavar="FROM-THROUGH", help="Only parents of a child of these years.")
    ] = "",
    link: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A page; https:// only, at most four.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="A picture."),
    ] = None,
    alt: Annotated[
        list[str] | None,
        typer.Option(metavar="LANG=TEXT", help="What the picture shows, in each language."),
    ] = None,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="When, in Japan: 2026-07-01T09:00; else now.")
    ] = "",
    digest: Annotated[bool, typer.Option("--digest", help="In the next digest.")] = False,
    medium: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="By this medium; else by those of the city's rules."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking.")] = False,
    json_: Json = False,
) -> None:
    """Send news, or plan it; prints its id.

    Where the city wants approval, a colleague approves it in the console.
    """
    place = city()
    written = _written(
        place, topic, text, title, area, language, child, link, alt, at, medium, digest=digest
    )

    async def work() -> dict[str, Any]:
        from dataclasses import replace

        from alerts.news import pictures, release, writing

        shrunk = None if picture is None else await pictures.shrunk(picture.read_bytes())

        async def store(session: AsyncSession, door: Door, now: datetime) -> dict[str, Any]:
            actor = _actor()
            whole = written
            if shrunk is not None:
                row = await pictures.store(session, shrunk, actor=actor, now=now)
                whole = replace(written, picture_id=row.id)
            news = writing.fill_in(writing.new_news(actor=actor, now=now), whole)
            if not yes:
                found = await release.outlook(session, news, door.city, door.media, now)
                _ask(news, found.size.about)
            await writing.store(session, news, now)
            assert news.id is not None
            await release.plan(session, door, news.id, news.version, actor=actor, now=now)
            return _row(news)

        return await _in_transaction(place, store)

    made = run(work())
    if json_:
        print_json(made)
    else:
        print(made["id"])


@app.command("list")
def list_(json_: Json = False) -> None:
    """News that is written or planned, and what was sent last."""

    async def work(session: AsyncSession, _door: Door, _now: datetime) -> list[dict[str, Any]]:
        from alerts.news.models import being_written, newest_sendings, planned

        sent = [news for _, news in await newest_sendings(session, 20)]
        every = [*await planned(session), *await being_written(session), *sent]
        return [_row(news) for news in {news.id: news for news in every}.values()]

    rows = run(_in_transaction(city(), work))
    print_rows(COLUMNS, rows, as_json=json_)


@app.command("show")
def show(news: Number, json_: Json = False) -> None:
    """All that is stored of news, and each time it left."""

    async def work(session: AsyncSession, _door: Door, _now: datetime) -> dict[str, Any]:
        from alerts.news.models import News, sendings_of
        from core.errors import BadInput

        found = await session.get(News, news)
        if found is None:
            raise BadInput(f"There is no news {news}.")
        return {
            **_row(found),
            "areas": found.areas,
            "segment": found.segment,
            "texts": found.texts,
            "links": found.links,
            "approved_by": found.approved_by,
            "sent": [
                {"at": each.sent_at.isoformat(), "notice": each.notice_id}
                for each in await sendings_of(session, news)
            ],
        }

    found = run(_in_transaction(city(), work))
    if json_:
        print_json(found)
    else:
        print_rows(
            ("what", "is"),
            [{"what": name, "is": value} for name, value in found.items()],
            as_json=False,
        )


@app.command("approve")
def approve(news: Number, json_: Json = False) -> None:
    """Let a colleague's news go.

    It is another account of the machine than the writer's.
    """

    async def work(session: AsyncSession, door: Door, now: datetime) -> dict[str, Any]:
        from alerts.news import release, writing

        version = (await writing.locked(session, news)).version
        found = await release.approve(session, door, news, version, actor=_actor(), now=now)
        return _row(found)

    row = run(_in_transaction(city(), work))
    print_rows(COLUMNS, [row], as_json=json_)


@app.command("recall")
def recall(news: Number, json_: Json = False) -> None:
    """Take back news that has not left, or stop the rest of it."""

    async def work(session: AsyncSession, _door: Door, now: datetime) -> dict[str, Any]:
        from alerts.news import release

        return _row(await release.recall(session, news, actor=_actor(), now=now))

    row = run(_in_transaction(city(), work))
    print_rows(COLUMNS, [row], as_json=json_)


async def _in_transaction(place: City, act: Act[T]) -> T:
    from alerts.news.release import Door

    by_city = media(place)
    async with opened_database() as database:
        clock = await service_clock(database)
        door = Door(queue_for(database, clock), place, by_city)
        async with database.writing() as session:
            return await act(session, door, clock.now())


def _written(
    place: City,
    topic: str,
    text: list[str],
    title: list[str] | None,
    area: list[str] | None,
    language: list[str] | None,
    child: str,
    link: list[str] | None,
    alt: list[str] | None,
    at: str,
    medium: list[str] | None,
    *,
    digest: bool,
) -> Written:
    """Return what was typed.

    Raises
    ------
    BadInput
        Something does not exist or is not of its form, in one clear sentence.
    """
    from alerts.news.models import When
    from alerts.news.segments import Wanted
    from alerts.news.writing import Written
    from core.errors import BadInput

    if topic not in place.topic_by_code:
        raise BadInput(f"The city has no topic {topic!r}; it has {', '.join(place.topic_by_code)}.")
    for code in area or ():
        if code not in place.district_by_code:
            raise BadInput(f"The city has no district {code!r}.")
    if at and digest:
        raise BadInput("Say --at or --digest, not both.")
    texts, titles = by_language(text, "--text"), by_language(title, "--title")
    youngest, oldest = _ages(child)
    return Written(
        topic=topic,
        whole_city=not area,
        areas=tuple(area or ()),
        segment=Wanted(tuple(language or ()), youngest, oldest),
        texts={
            code: (titles.get(code, words.strip().split("\n")[0][:60]), words)
            for code, words in texts.items()
        },
        links=tuple((address, {}) for address in link or ()),
        alts=by_language(alt, "--alt"),
        when=When.DIGEST if digest else When.AT if at else When.NOW,
        send_at=_time(at) if at else None,
        media=_media(place, medium),
    )


def _ages(child: str) -> tuple[int | None, int | None]:
    from core.errors import BadInput

    if not child:
        return None, None
    first, _, last = child.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise BadInput(f"--child takes years, such as 0-5, not {child!r}.")
    return int(first), int(last or first)


def _time(said: str) -> datetime:
    from core.clock import JAPAN
    from core.errors import BadInput

    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise BadInput(f"--at takes a time such as 2026-07-01T09:00, not {said!r}.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=JAPAN)


def _media(place: City, named: list[str] | None) -> tuple[str, ...] | None:
    from core.errors import BadInput

    if not named:
        return None
    known = media(place).names
    for name in named:
        if name not in known:
            raise BadInput(f"The medium {name!r} is not set up; there are {', '.join(known)}.")
    return tuple(name for name in known if name in named)


def _ask(news: News, about: int) -> None:
    where = ", ".join(news.areas) or "the whole city"
    said = f"News, {news.topic}, {where}: about {about} residents"
    typer.confirm(f"{said}. Send it?", abort=True)


def _row(news: News) -> dict[str, Any]:
    return {
        "id": news.id,
        "state": str(news.state),
        "title": news.texts.get("ja", {}).get("title", ""),
        "topic": news.topic,
        "when": str(news.when),
        "next_at": None if news.next_at is None else news.next_at.isoformat(),
        "repeat": str(news.repeat),
    }


def _actor() -> str:
    return f"shell:{getpass.getuser()}"
