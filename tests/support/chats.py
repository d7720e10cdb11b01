"""What residents do in a chat, and what a dialogue knows of them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from PIL import Image
from sqlmodel import select

from bot.dialogues.kinds import Known, NearReport, WarningShown
from bot.models import EventState, WebhookEvent
from city.folder import CityFolder
from public.pictures import Pictures
from reports.models import Report
from reports.states import ReportState
from simulator.line.phones import Content
from subscriptions.residents import Preferences
from tests.support.town import Town


def known_in(language: str, sample: CityFolder) -> Known:
    city = sample.city
    every = tuple(district.code for district in city.districts)
    return Known(
        city=city,
        preferences=Preferences(
            resident_id=1,
            following=True,
            language=language,
            language_chosen=True,
            areas=every,
            topics={topic.code: 3 for topic in city.topics},
            topics_chosen=True,
            quiet_start=1290,
            quiet_end=375,
            digest_hour=None,
            children=("2021-05", "2025-12"),
        ),
        now=datetime(2026, 6, 15, 3, 0, tzinfo=UTC),
        event_id="01HX",
        shelters=sample.shelters,
        calendar=sample.calendar,
        answers=sample.answers,
        places=sample.places,
        pictures=Pictures("https://todoke.example", "a-key"),
        children=sample.children,
        page_url=f"https://city.example.jp/settings/{'x' * 140}",
        calendar_url="https://city.example.jp/calendar",
        in_force=tuple(WarningShown("題" * 100, "文" * 3000) for _ in range(6)),
        near=(NearReport("2026-000007", "pothole", ReportState.ACCEPTED, 12.4),),
        reports=12,
        following_since=datetime(2026, 6, 1, tzinfo=UTC),
    )


HERE = (140.1115, 36.0825)


def a_photo(
    size: tuple[int, int] = (640, 480), *, place: bool = False, turned: bool = False
) -> bytes:
    image = Image.effect_noise(size, 40).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    if turned:
        exif[0x0112] = 6
    if place:
        gps = exif.get_ifd(0x8825)
        gps[1], gps[2] = "N", (36.0, 4.0, 57.0)
        gps[3], gps[4] = "E", (140.0, 6.0, 41.0)
    output = io.BytesIO()
    image.save(output, "JPEG", exif=exif)
    return output.getvalue()


def last_message(town: Town, user: str) -> str:
    """Return the id of the last message that a resident sent."""
    said = [item for item in town.simulator.users.get(user).chat if item.side == "user"]
    return str(said[-1].message["id"])


async def sends(town: Town, user: str, body: bytes) -> list[dict[str, Any]]:
    town.simulator.phones.send_media(user, "image", Content(body, "image/jpeg"))
    return await town.news(user)


async def aboard(town: Town, language: str = "en") -> str:
    """Somebody who has finished the first-time setup."""
    user = town.newcomer(language)
    news = await town.follows(user)
    await town.taps(user, news, f"do=set-language&to={language}")
    for _ in range(2):
        town.simulator.phones.postback(user, "do=skip")
        await town.settle()
    await town.news(user)
    return user


async def reports(town: Town) -> list[Report]:
    async with town.database.reading() as session:
        return list(await session.scalars(select(Report).order_by(Report.id)))  # type: ignore[arg-type]


async def hurried(town: Town) -> None:
    """Make postponed work due now, until nothing is postponed."""
    for _ in range(20):
        await town.settle()
        async with town.database.writing() as session:
            waiting = [
                event
                for event in await town.events()
                if event.state in (EventState.WAITING, EventState.ANSWERING)
            ]
            for event in waiting:
                row = await session.get(WebhookEvent, event.id)
                assert row is not None
                row.not_before = None
        if not waiting:
            return
        await town.inbox.recover()


async def filed(town: Town, place: tuple[float, float] = HERE, language: str = "en") -> str:
    """Somebody who has reported a pothole."""
    user = await aboard(town, language)
    await town.says(user, "There is a pothole")
    await sends(town, user, a_photo())
    await town.says(user, "Deep")
    news = await town.is_at(user, *place)
    await town.taps(user, news, "Send")
    return user
