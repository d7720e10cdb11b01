"""After a completion a resident says in the chat whether it is right, and what is not."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlmodel import col, select

from channels.line.medium import LINE
from channels.models import Delivery
from channels.planner import SEND
from core.languages import LANGUAGES
from reports import answer_words, answers, following, verdicts, work
from reports.answers import Answer, Means
from reports.models import Photo, Report, ReportUpdate, Verdict
from reports.photo_links import photo_links
from reports.register import Draft, create_report
from reports.states import ReportState
from reports.work import Change
from subscriptions import residents
from tests.support.chats import HERE, a_photo, aboard, sends
from tests.support.town import Town, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")


async def _nothing(_key: str) -> None:
    """Pushes are stored; the engine has tests of its own."""


@pytest.fixture
def town(town: Town) -> Town:
    town.queue.register(SEND, _nothing)
    return town


async def number_of(town: Town, user: str) -> int:
    async with town.database.reading() as session:
        found = await residents.find(session, user)
        assert found is not None and found.id is not None
        return found.id


async def mended(town: Town, user: str, *followers: str) -> Report:
    """A report of this resident that the city has completed, and asked about."""
    now = town.context.clock.now()
    async with town.database.writing() as session:
        draft = Draft(category="pothole", origin=f"r-{user}", longitude=HERE[0], latitude=HERE[1])
        found = await residents.find(session, user)
        assert found is not None
        report = await create_report(
            session, town.city, draft, resident_id=found.id, language=found.language, now=now
        )
        for one in followers:
            await following.join(session, report.number, await number_of(town, one), now)
    async with town.database.writing() as session:
        changed = await work.change(
            session, town.city, report.number, Change(state=ReportState.DONE), by="a@b", now=now
        )
        means = Means(town.context.queue, LINE, photo_links(town.context.settings))
        await answers.tell(session, means, town.city, changed, Answer(), by="a@b", now=now)
    return report


async def presses(town: Town, user: str, *, right: bool, key: str = "") -> str:
    """Press a button of the newest question; return what is said to it."""
    async with town.database.reading() as session:
        asked = await session.scalar(
            select(Verdict)
            .where(col(Verdict.resident_id) == await number_of(town, user))
            .order_by(col(Verdict.id).desc())
        )
    key = key or (asked.key if asked else "")
    data = urlencode({"do": "judge", "k": key, "right": "1" if right else "0"})
    town.simulator.phones.postback(user, data)
    return words_in(await town.news(user))


async def state_of(town: Town, report: Report) -> Report:
    async with town.database.reading() as session:
        return await session.get_one(Report, report.id)


async def deliveries(town: Town) -> int:
    async with town.database.reading() as session:
        return len(list(await session.scalars(select(Delivery))))


async def test_a_yes_is_thanked_for_and_a_no_asks_for_a_photo(town: Town) -> None:
    user = await aboard(town)
    report = await mended(town, user)
    assert "all right" in await presses(town, user, right=True)
    assert (await state_of(town, report)).judged is True
    said = await presses(town, user, right=False)
    assert "look at it again" in said
    after = await state_of(town, report)
    assert (after.state, after.judged) == (ReportState.ACCEPTED, False)
    news = await sends(town, user, a_photo())
    assert report.number in words_in(news) and "added" in words_in(news)
    async with town.database.reading() as session:
        [photo] = await session.scalars(select(Photo))
    assert photo.report_id == report.id
    # Pressed again: nothing happens twice.
    before = await deliveries(town)
    assert "already" in await presses(town, user, right=False)
    assert await deliveries(town) == before


async def test_what_they_write_after_a_no_is_kept_and_goes_when_it_is_taken_back(
    town: Town,
) -> None:
    user = await aboard(town)
    report = await mended(town, user)
    await presses(town, user, right=False)
    news = await town.says(user, "The hole is still there, left of the bridge")
    assert report.number in words_in(news)
    async with town.database.reading() as session:
        row = await session.get_one(Report, report.id)
        found = await verdicts.of_case(session, row)
    [written] = found.words
    words = "The hole is still there, left of the bridge"
    assert (written.number, written.words) == (report.number, words)
    # The next sentence is a question like any other.
    await town.says(user, "menu")
    async with town.database.reading() as session:
        [step] = await session.scalars(select(ReportUpdate).where(col(ReportUpdate.said) != ""))
    assert (step.said, step.language) == (words, "en")
    town.simulator.phones.unsend(user, step.said_message)
    await town.settle()
    async with town.database.reading() as session:
        assert (await verdicts.of_case(session, row)).words == ()


async def test_another_question_is_not_taken_for_what_is_not_right(town: Town) -> None:
    user = await aboard(town)
    await mended(town, user)
    await presses(town, user, right=False)
    await town.says(user, "Where is the nearest shelter?")
    async with town.database.reading() as session:
        said = await session.scalars(select(ReportUpdate.said).where(col(ReportUpdate.said) != ""))
        assert list(said) == []


async def test_a_follower_who_says_no_writes_and_a_photo_is_a_report_of_its_own(
    town: Town,
) -> None:
    reporter, follower = await aboard(town), await aboard(town)
    report = await mended(town, reporter, follower)
    before = await deliveries(town)
    await presses(town, follower, right=False)
    assert await deliveries(town) == before + 1, "the reporter is told that work begins again"
    news = words_in(await sends(town, follower, a_photo()))
    assert "added to report" not in news
    async with town.database.reading() as session:
        assert list(await session.scalars(select(Photo))) == []
    assert (await state_of(town, report)).state is ReportState.ACCEPTED


async def test_nobody_answers_with_the_key_of_another_or_with_nonsense(town: Town) -> None:
    reporter, stranger = await aboard(town), await aboard(town)
    report = await mended(town, reporter)
    async with town.database.reading() as session:
        [verdict] = await session.scalars(select(Verdict))
    for key in (verdict.key, "x" * 250, "'; --", "\0", verdict.key + "="):
        assert "no longer open" in await presses(town, stranger, right=False, key=key), key
    assert (await state_of(town, report)).state is ReportState.DONE


async def test_an_old_question_is_closed(town: Town) -> None:
    """The case was declined meanwhile: a no does not open it."""
    user = await aboard(town)
    report = await mended(town, user)
    now = town.context.clock.now() + timedelta(minutes=1)
    async with town.database.writing() as session:
        for state, why in ((ReportState.ACCEPTED, ""), (ReportState.DECLINED, "no-damage")):
            wanted = Change(state=state, reason=why)
            await work.change(session, town.city, report.number, wanted, by="a@b", now=now)
    assert "no longer open" in await presses(town, user, right=False)
    assert (await state_of(town, report)).state is ReportState.DECLINED


async def test_each_language_has_a_question_whose_buttons_can_be_told_apart(town: Town) -> None:
    for code in LANGUAGES:
        words = [
            answer_words.CATALOGUE.text(code, one)
            for one in (answer_words.RIGHT, answer_words.NOT_RIGHT, answer_words.IS_IT_RIGHT)
        ]
        assert len(set(words)) == 3, code
        assert answer_words.CATALOGUE.has(code, answer_words.RIGHT), code
