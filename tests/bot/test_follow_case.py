"""A resident follows one case of the public page: by a message with its number, in any language."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from core.languages import LANGUAGES
from public import following
from reports.models import Follower, Report, ReportUpdate
from reports.states import ReportState
from tests.support.chats import HERE, a_photo, aboard, reports, sends
from tests.support.town import Town, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")


async def taken_up(town: Town, state: ReportState = ReportState.ACCEPTED) -> tuple[str, Report]:
    """A reported pothole in a state, and who reported it."""
    user = await aboard(town)
    await town.says(user, "There is a pothole")
    await sends(town, user, a_photo())
    await town.says(user, "Deep")
    news = await town.is_at(user, *HERE)
    await town.taps(user, news, "Send")
    report = (await reports(town))[-1]
    async with town.database.writing() as session:
        found = await session.get_one(Report, report.id)
        found.state = state
    return user, report


async def followers(town: Town) -> list[Follower]:
    async with town.database.reading() as session:
        return list(await session.scalars(select(Follower)))


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_message_of_the_page_is_understood(language: str) -> None:
    said = following.message("2026-000123", language)
    assert following.asked_to_follow(said) == "2026-000123"
    assert following.asked_to_follow(said.replace("2026-000123", "")) is None


@pytest.mark.parametrize(
    "said",
    [
        "2026-000123",
        "2026-000123 is on fire",
        "rubbish on 2026-11-30",
        "0298-830-1111",
        "follow me",
        "フォロー",
    ],
)
def test_nothing_else_is(said: str) -> None:
    assert following.asked_to_follow(said) is None


async def test_a_case_is_followed_listed_and_left(town: Town) -> None:
    _, report = await taken_up(town)
    for language in ("en", "my"):
        user = await aboard(town, language)
        news = await town.says(user, following.message(report.number, language))
        assert report.number in words_in(news)
    (one, _) = await followers(town)
    assert one.report_id == report.id and not one.saw
    async with town.database.reading() as session:
        again = await session.get_one(Report, report.id)
        assert again.reporters == 1, "to read of it is not to report it"
        added = await session.scalars(select(ReportUpdate.added).order_by(col(ReportUpdate.id)))
        assert not any(added)
    user = await aboard(town)
    await town.says(user, f"follow {report.number}")
    assert len(await followers(town)) == 3
    await town.says(user, f"follow {report.number}")
    assert len(await followers(town)) == 3
    news = await town.says(user, "my data")
    assert "Reports of others that you follow" in words_in(news)
    news = await town.says(user, report.number)
    await town.taps(user, news, "Stop following")
    assert len(await followers(town)) == 2
    async with town.database.reading() as session:
        assert (await session.get_one(Report, report.id)).reporters == 1


async def test_a_number_alone_is_answered_with_how_it_is(town: Town) -> None:
    _, report = await taken_up(town, ReportState.IN_PROGRESS)
    user = await aboard(town)
    news = await town.says(user, f"What about {report.number}?")
    said = words_in(news)
    assert "Being mended" in said and "Deep" not in said
    assert await followers(town) == []
    await town.taps(user, news, "follow-case")
    assert len(await followers(town)) == 1


@pytest.mark.parametrize("state", [ReportState.NEW, ReportState.DECLINED, ReportState.WITHDRAWN])
async def test_what_is_not_public_is_not_followed(town: Town, state: ReportState) -> None:
    _, report = await taken_up(town, state)
    user = await aboard(town)
    for number in (report.number, "2026-999999"):
        news = await town.says(user, f"follow {number}")
        assert "No public case has this number" in words_in(news)
    assert await followers(town) == []


async def test_a_hidden_case_is_not_followed(town: Town) -> None:
    _, report = await taken_up(town)
    async with town.database.writing() as session:
        (await session.get_one(Report, report.id)).hidden = True
    user = await aboard(town)
    news = await town.says(user, f"follow {report.number}")
    assert "No public case has this number" in words_in(news)
    assert await followers(town) == []


async def test_the_reporter_sees_their_own(town: Town) -> None:
    owner, report = await taken_up(town)
    news = await town.says(owner, f"follow {report.number}")
    assert "It got worse" in words_in(news)
    assert await followers(town) == []


async def test_another_question_that_is_open_takes_no_message_of_the_page(town: Town) -> None:
    """After "it got worse", and in the middle of a report, it is no answer to what was asked."""
    _, report = await taken_up(town)
    follow = following.message(report.number, "en")
    user = await aboard(town)
    await town.says(user, "The mirror is broken")
    news = await town.says(user, follow)
    assert f"tell you what becomes of report {report.number}" in words_in(news)
    assert "send a photo of the damage" in words_in(news), "the open question comes again"
    card = await town.says(user, report.number)
    assert "Stop following" in words_in(card) and "send a photo of the damage" in words_in(card)
    assert follow not in str((await town.dialogue(user)).data)
    await town.says(user, "cancel")
    news = await town.taps(user, await town.says(user, report.number), "It got worse")
    assert "write what is different" in words_in(news)
    card = await town.says(user, report.number)
    assert "Stop following" in words_in(card) and "has your words" not in words_in(card)
    await town.taps(user, card, "It got worse")
    news = await town.says(user, f"The hole beside {report.number} is open again")
    assert "has your words" in words_in(news)
