"""The form of news: what it says, and what a page shows of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news.checks import MOST_LINKS
from alerts.news.compose import notice_of
from alerts.news.models import News, Repeat, When
from alerts.news.pictures import picture_of
from alerts.news.segments import Wanted
from alerts.news.writing import Written
from channels.media import Media
from channels.medium import Readable
from channels.quiet import quiet_until
from city.city import City
from console.web import Visit
from core.clock import JAPAN, in_japan
from core.languages import LANGUAGES
from feeds.models import Notice
from feeds.news_form import PICTURES, form_of
from response.staff_messages import MOST_TEXT, MOST_TITLE, Words
from subscriptions.models import LINE_MEDIUM

YEARS = range(1900, 2200)
"""A moment beyond cannot be one that anybody means, and has no place in every time zone."""


def written_of(visitor: Visit) -> Written:
    """Return what the form of news says."""
    form, city = visitor.form, visitor.context.city
    chosen = form.all("media")
    by_rule = visitor.media.by_rule(city, form.text("topic"), 0)
    known = tuple(name for name in visitor.media.names if name in chosen)
    return Written(
        topic=form.text("topic")[:32],
        whole_city=form.text("whole_city") == "yes",
        areas=tuple(area[:32] for area in form.all("areas")),
        segment=Wanted(
            tuple(code for code in form.all("for_language") if code in LANGUAGES),
            form.number("child_from"),
            form.number("child_through"),
            _month(form.text("followed_from")),
            _month(form.text("followed_before")),
        ),
        texts={
            code: (form.get(f"title-{code}", "")[:500], form.get(f"text-{code}", "")[:20_000])
            for code in LANGUAGES
        },
        links=tuple(
            (
                form.text(f"url-{number}")[:2000],
                {code: form.get(f"label-{number}-{code}", "")[:200] for code in LANGUAGES},
            )
            for number in range(MOST_LINKS)
        ),
        as_text=form.text("form") == "text",
        picture_id=None if form.text("no_picture") == "yes" else form.number("picture_id"),
        alts={code: form.get(f"alt-{code}", "")[:1000] for code in LANGUAGES},
        when=member_of(When, form.text("when"), When.AT),
        send_at=_moment(form.text("send_at")),
        repeat=member_of(Repeat, form.text("repeat"), Repeat.ONCE),
        until=day_of(form.text("until")),
        media=None if set(known) == set(by_rule) else known,
        version=form.number("version") or 0,
    )


async def shown_as(
    session: AsyncSession, news: News, city: City, media: Media, by: Sequence[str], now: datetime
) -> Shown:
    """Return the news as each medium shows it."""
    picture = await picture_of(session, news)
    at = news.send_at or now
    notice = notice_of(news, picture, city, planned_at=at, now=now)
    return Shown(notice, city, media, tuple(by))


class Shown:
    """News as it will look."""

    def __init__(self, notice: Notice, city: City, media: Media, by: tuple[str, ...]) -> None:
        self._notice = notice
        self._city = city
        self._media = media
        self._by = by

    @property
    def by_line(self) -> bool:
        return LINE_MEDIUM in self._by

    def line(self, language: str) -> list[dict[str, Any]]:
        """Return LINE's messages; pictures come from this very service."""
        medium = self._media.get(LINE_MEDIUM)
        if medium is None or not self.by_line:
            return []
        messages = medium.render(self._notice, language, self._city)
        said = json.dumps(messages, ensure_ascii=False)
        found: list[dict[str, Any]] = json.loads(
            said.replace(f"{self._city.public_url}{PICTURES}/", f"{PICTURES}/")
        )
        return found

    def as_words(self, language: str) -> Words:
        """Return what residents read, for a test to somebody of the staff."""
        title, text = (self._notice.texts[language][part] for part in ("title", "text"))
        picture = form_of(self._notice).picture
        address = picture.address(self._city.public_url) if picture else ""
        return Words(
            title[: MOST_TITLE // 2],
            f"{title}\n\n{text}"[: MOST_TEXT - 100],
            picture=address if address.startswith("https://") else "",
        )

    def others(self, language: str) -> list[tuple[str, list[Readable]]]:
        """Return how it reads by each other medium."""
        return [
            (each.name, [each.as_read(each.render(self._notice, language, self._city))])
            for each in self._media.of(set(self._by) - {LINE_MEDIUM})
        ]


def quiet_at(news: News, city: City) -> datetime | None:
    """Return when the city's quiet hours end in which news would leave; None if in none."""
    if news.when is not When.AT or news.send_at is None:
        return None
    return quiet_until(news.send_at, city.quiet_hours, None, None)


def local(moment: datetime | None) -> str:
    """Return a moment as a form has it, in Japan's time."""
    return "" if moment is None else f"{in_japan(moment):%Y-%m-%dT%H:%M}"


def _moment(said: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    return moment.replace(tzinfo=JAPAN) if moment.tzinfo is None else moment


def day_of(said: str) -> date | None:
    """Return the day that a field has; None for none."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


def _month(said: str) -> str:
    day = day_of(f"{said}-01")
    return "" if day is None or day.year not in YEARS else f"{day:%Y-%m}"


def member_of(members: Any, said: str, otherwise: Any) -> Any:
    """Return the member of an enumeration that a field has."""
    return members(said) if said in set(members) else otherwise
