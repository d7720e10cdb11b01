"""A resident says in the chat that their report got worse, with a button, a sentence or a photo."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from bot.catalogue import WORDS
from core.languages import LANGUAGES
from reports.models import Addition, Photo, Report, ReportUpdate
from reports.states import ReportState
from tests.support.chats import HERE, a_photo, aboard, filed, reports, sends
from tests.support.town import Town, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")


async def steps(town: Town) -> list[ReportUpdate]:
    async with town.database.reading() as session:
        query = select(ReportUpdate).where(col(ReportUpdate.added) != "")
        return list(await session.scalars(query.order_by(col(ReportUpdate.id))))


async def photos(town: Town) -> int:
    async with town.database.reading() as session:
        return len(list(await session.scalars(select(Photo))))


async def follows(town: Town, report: Report) -> str:
    """Somebody else who joined a report."""
    user = await aboard(town)
    news = await town.says(user, "There is a pothole")
    await town.taps(user, news, "r-no-photo")
    news = await town.is_at(user, HERE[0], HERE[1] + 0.0002)
    assert report.number in words_in(await town.taps(user, news, "r-join"))
    return user


async def test_the_button_asks_for_words_and_a_photo_and_both_reach_the_case(town: Town) -> None:
    user = await filed(town)
    [report] = await reports(town)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    news = words_in(await town.taps(user, card, "It got worse"))
    assert report.number in news and "write what is different" in news
    news = words_in(await town.says(user, "It is twice as wide and dangerous for bicycles"))
    assert "has your words" in news and report.number in news
    assert "added to report" in words_in(await sends(town, user, a_photo()))
    pressed, wrote, photo = await steps(town)
    assert (pressed.added, wrote.added, photo.added) == ("worse", "worse", "photo")
    assert wrote.said == "It is twice as wide and dangerous for bicycles"
    assert (wrote.language, wrote.grave) == ("en", "danger:danger")
    [report] = await reports(town)
    assert report.priority_why == ["danger:danger", "worse"] and report.priority == 1
    await town.says(user, "menu")
    await sends(town, user, a_photo())
    assert await photos(town) == 2, "after something else a photo is a new report"


async def test_a_sentence_about_one_of_their_reports_is_asked_about_and_kept(town: Town) -> None:
    user = await filed(town)
    [report] = await reports(town)
    news = await town.says(user, "The hole got much bigger")
    assert "Is this about one of your reports?" in words_in(news)
    assert report.number in words_in(news)
    assert await steps(town) == [], "nothing before they say which"
    assert report.number in words_in(await town.taps(user, news, "my-worse"))
    [step] = await steps(town)
    assert (step.added, step.said) == (Addition.WORSE, "The hole got much bigger")
    town.simulator.phones.unsend(user, step.said_message)
    await town.settle()
    assert [one.said for one in await steps(town) if one.added] == [""]


async def test_something_else_goes_on_as_if_nothing_had_been_asked(town: Town) -> None:
    user = await filed(town)
    news = await town.says(user, "The road got much worse at the station")
    news = await town.taps(user, news, "It is something else")
    assert await steps(town) == []
    state = await town.dialogue(user)
    assert state.name in ("report", "idle")
    assert len(await reports(town)) == 1
    stranger = await aboard(town)
    news = await town.says(stranger, "The hole got much bigger")
    assert "one of your reports" not in words_in(news), "they have none"


async def test_a_number_in_the_sentence_needs_no_question(town: Town) -> None:
    user = await filed(town)
    [report] = await reports(town)
    news = words_in(await town.says(user, f"{report.number} is dangerous now, it collapses"))
    assert "got worse" in news and report.number in news
    [step] = await steps(town)
    assert step.grave == "danger:danger"
    stranger = await aboard(town)
    await town.says(stranger, f"{report.number} is dangerous now")
    assert len(await steps(town)) == 1


async def test_who_follows_it_says_so_and_sends_a_photo(town: Town) -> None:
    await filed(town)
    [report] = await reports(town)
    user = await follows(town, report)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    await town.taps(user, card, "It got worse")
    assert "added to report" in words_in(await sends(town, user, a_photo()))
    _, worse, photo = await steps(town)
    assert (worse.by, worse.report_id, photo.report_id) == ("follower", report.id, report.id)
    async with town.database.reading() as session:
        newest = await session.scalar(select(Photo).order_by(col(Photo.id).desc()))
    assert newest is not None
    town.simulator.phones.unsend(user, newest.message_id)
    await town.settle()
    assert await photos(town) == 1, "what they take back is gone"


async def test_a_cry_for_help_is_answered_with_the_numbers_and_kept(town: Town) -> None:
    user = await filed(town)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    await town.taps(user, card, "It got worse")
    news = await town.says(user, "Help! Somebody is hurt")
    assert "tel:119" in str(news[0]), "the numbers come first"
    [report] = await reports(town)
    assert f"has your words about report {report.number}" in words_in(news)
    assert [one.said for one in await steps(town)] == ["", "Help! Somebody is hurt"]


async def test_of_a_report_that_has_ended_a_new_one_is_made(town: Town) -> None:
    user = await filed(town)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    async with town.database.writing() as session:
        [report] = await session.scalars(select(Report))
        report.state = ReportState.DONE
        session.add(report)
    news = words_in(await town.taps(user, card, "It got worse"))
    assert "report it again" in news
    assert await steps(town) == []


async def test_while_a_report_is_being_made_nothing_of_it_is_lost(town: Town) -> None:
    user = await filed(town)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    await town.says(user, "The street light is broken")
    await town.taps(user, card, "It got worse")
    await town.says(user, "cancel")
    state = await town.dialogue(user)
    assert (state.name, state.data.get("kind")) == ("report", "street-light")


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_language_has_the_words(language: str) -> None:
    for said in (
        "Thank you. The city hears now that report {number} got worse. Please write what is "
        "different, or send a photo.",
        "Is this about one of your reports?",
        "This report is closed. If it is broken again, please report it again.",
    ):
        assert WORDS.has(language, said)
