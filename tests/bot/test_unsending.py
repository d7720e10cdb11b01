"""送信取消: a photo, a place or words that a resident takes back go, before and after sending."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from bot.models import WebhookEvent
from reports.models import Photo, Report, ReportUpdate
from tests.support.chats import HERE, a_photo, aboard, last_message, reports, sends
from tests.support.town import Town, words_in


async def unsends(town: Town, user: str, message_id: str) -> list[dict[str, Any]]:
    town.simulator.phones.unsend(user, message_id)
    return await town.news(user)


async def photos(town: Town) -> list[Photo]:
    async with town.database.reading() as session:
        return list(await session.scalars(select(Photo)))


async def updates(town: Town) -> list[str]:
    async with town.database.reading() as session:
        found = await session.scalars(select(ReportUpdate).order_by(col(ReportUpdate.id)))
        return [update.withdrawn for update in found]


async def filed(town: Town, user: str) -> tuple[Report, dict[str, str]]:
    """Make a report; return it and the messages that said its photo, place and words."""
    ids = {}
    await sends(town, user, a_photo())
    ids["photo"] = last_message(town, user)
    news = await town.is_at(user, *HERE)
    ids["place"] = last_message(town, user)
    await town.taps(user, news, town.city.report_categories[0].names["en"])
    news = await town.says(user, "Deep, beside my house")
    ids["words"] = last_message(town, user)
    await town.taps(user, news, "Send")
    (report,) = await reports(town)
    return report, ids


async def test_a_photo_taken_back_after_the_report_goes_and_staff_see_that_it_was_there(
    town: Town,
) -> None:
    user = await aboard(town)
    _, ids = await filed(town, user)
    assert len(await photos(town)) == 1
    assert await unsends(town, user, ids["photo"]) == []
    assert await photos(town) == []
    assert await updates(town) == ["", "photo"]
    # LINE may bring the event again, and may name a message that nobody knows.
    for message_id in (ids["photo"], "999999999"):
        town.simulator.phones.raw_event(
            {
                "type": "unsend",
                "source": {"type": "user", "userId": user},
                "unsend": {"messageId": message_id},
            }
        )
    assert await town.news(user) == []
    assert await updates(town) == ["", "photo"]


async def test_place_and_words_taken_back_go_from_the_report_and_from_what_is_stored(
    town: Town,
) -> None:
    user = await aboard(town)
    _, ids = await filed(town, user)
    await unsends(town, user, ids["place"])
    await unsends(town, user, ids["words"])
    (report,) = await reports(town)
    assert (report.longitude, report.latitude, report.area, report.address) == (
        None,
        None,
        None,
        "",
    )
    assert report.description == ""
    assert await updates(town) == ["", "place", "words"]
    async with town.database.reading() as session:
        payloads = list(await session.scalars(select(WebhookEvent.payload)))
    assert not any("Deep, beside my house" in payload for payload in payloads)


@pytest.mark.slow
async def test_a_photo_taken_back_before_the_report_is_sent_is_asked_for_again(town: Town) -> None:
    user = await aboard(town)
    await sends(town, user, a_photo(place=True))
    photo = last_message(town, user)
    news = await town.taps(user, await town.is_at(user, *HERE), "Pothole")
    summary = await town.says(user, "Deep")
    assert "Is this right?" in words_in(summary)
    await unsends(town, user, photo)
    data = (await town.dialogue(user)).data
    assert data["photos"] == []
    assert not data.get("exif")
    asked = await town.taps(user, summary, "Send")
    assert "send a photo of the damage" in words_in(asked)
    assert await reports(town) == []
    await town.taps(user, asked, "No photo")
    await town.taps(user, summary, "Send")
    (report,) = await reports(town)
    assert report.description == "Deep"
    assert await photos(town) == []
    assert news


async def test_a_place_read_from_a_photo_goes_with_the_photo(town: Town) -> None:
    user = await aboard(town)
    news = await sends(town, user, a_photo(place=True))
    photo = last_message(town, user)
    news = await town.taps(user, await town.taps(user, news, "r-kind"), "Skip")
    await town.taps(user, news, "Yes, use it")
    assert "place" in (await town.dialogue(user)).data
    await unsends(town, user, photo)
    data = (await town.dialogue(user)).data
    assert "place" not in data
    assert data["photos"] == []


async def test_an_unsend_that_comes_before_its_message_still_takes_it_back(town: Town) -> None:
    user = await aboard(town)
    source = {"type": "user", "userId": user}
    town.simulator.phones.raw_event(
        {"type": "unsend", "source": source, "unsend": {"messageId": "4711"}}
    )
    await town.settle()
    town.simulator.phones.raw_event(
        {
            "type": "message",
            "source": source,
            "message": {"id": "4711", "type": "text", "text": "my secret"},
        }
    )
    assert await town.news(user) == []
    async with town.database.reading() as session:
        payloads = list(await session.scalars(select(WebhookEvent.payload)))
    assert not any("my secret" in payload for payload in payloads)


async def test_somebody_unknown_who_takes_something_back_is_not_made_a_resident(town: Town) -> None:
    user = town.newcomer("en")
    town.simulator.phones.raw_event(
        {
            "type": "unsend",
            "source": {"type": "user", "userId": user},
            "unsend": {"messageId": "12"},
        }
    )
    assert await town.news(user) == []
