"""Whether it is right: asked once after a completion, and what a yes and a no do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from reports import (
    answers,
    later,
    states,
    verdicts,
    work,
)
from reports.answers import Answer
from reports.later import Said
from reports.models import Report, ReportUpdate, Verdict
from reports.states import ReportState
from reports.verdicts import Heard
from reports.work import Change
from subscriptions import residents
from subscriptions.models import Resident
from tests.support.answers import (
    BY,
    changed_to,
    follows,
    joined_to,
    judged,
    means,
    number_of,
    said_to,
)
from tests.support.filed_reports import reported
from tests.support.office import Office


async def test_after_a_completion_each_is_asked_once(office: Office) -> None:
    user, follower = await office.resident("en"), await office.resident("pt")
    report = await reported(office, user)
    await follows(office, report, follower)
    await changed_to(office, report, ReportState.DONE, Answer())
    await changed_to(office, report, ReportState.IN_PROGRESS, Answer())
    await changed_to(office, report, ReportState.DONE, Answer())
    for who in (user, follower):
        questions = [m for push in await said_to(office, who) for m in push if m["type"] == "flex"]
        assert len(questions) == 1
    [question] = [m for push in office.received(follower) for m in push if m["type"] == "flex"]
    assert question["altText"] == "O local está em ordem agora?"
    async with office.database.reading() as session:
        row = await session.get_one(Report, report.id)
        assert (row.asked_at is not None, row.judged) == (True, None)


async def test_more_words_after_a_completion_ask_nobody_again(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    more = Answer(words="周りも舗装しました。")
    async with office.database.reading() as session:
        case, city = await session.get_one(Report, report.id), office.context.city
        seen = await answers.preview(session, city, case, None, more, now=office.clock.now())
    [group] = seen.groups
    assert [message["type"] for message in group.messages] == ["text"]
    await changed_to(office, report, None, more)
    first, second = await said_to(office, user)
    assert [message["type"] for message in first] == ["text", "flex"]
    assert [message["type"] for message in second] == ["text"]


async def test_a_yes_is_kept_and_a_no_of_anybody_opens_the_case_again(office: Office) -> None:
    users = [await office.resident(code) for code in ("en", "ne", "ja")]
    leader, second = await reported(office, users[0]), await reported(office, users[1])
    await joined_to(office, leader, second)
    await follows(office, leader, users[2])
    await changed_to(office, leader, ReportState.DONE, Answer())
    asked = {user: (await said_to(office, user))[-1][-1] for user in users}
    yes = await judged(office, users[0], asked[users[0]], right=True)
    assert yes.heard is Heard.RIGHT and yes.changed is None
    # Somebody else's buttons are not theirs.
    strange = await judged(office, users[2], asked[users[0]], right=False)
    assert strange.heard is Heard.OLD
    no = await judged(office, users[1], asked[users[1]], right=False)
    assert (no.heard, no.number) == (Heard.OPENED, second.number)
    again = await judged(office, users[1], asked[users[1]], right=False)
    assert (again.heard, again.changed) == (Heard.IS_OPEN, None)
    async with office.database.reading() as session:
        row = await session.get_one(Report, leader.id)
        theirs = await session.get_one(Report, second.id)
        found = await verdicts.of_case(session, row)
        waiting = await verdicts.said_no(session, 5)
    assert row.state is ReportState.ACCEPTED
    assert (row.judged, theirs.judged) == (False, False)
    assert (found.asked, found.yes, found.no) == (3, 1, 1)
    assert [one.number for one in waiting] == [leader.number]
    reopened = states.REOPENED
    for user, code in ((users[0], "en"), (users[2], "ja")):
        last = (await said_to(office, user))[-1][0]["text"]
        assert states.CATALOGUE.text(code, reopened) in last
    assert len(await said_to(office, users[1])) == 1, "who said it knows it"
    added = [one.added for one in await office.rows(ReportUpdate) if one.added]
    assert added.count("not-right") == 1 and added.count("right") == 1
    # After that no, the next completion asks again.
    await changed_to(office, leader, ReportState.DONE, Answer())
    for user in users:
        assert (await said_to(office, user))[-1][-1]["type"] == "flex"


async def test_of_two_presses_the_newer_counts_in_whatever_order_they_come(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    question = (await said_to(office, user))[0][-1]
    now = office.clock.now()
    await judged(office, user, question, right=True, said_at=now)
    late = await judged(office, user, question, right=False, said_at=now - timedelta(minutes=1))
    assert late.is_late and late.changed is None
    async with office.database.reading() as session:
        row = await session.get_one(Report, report.id)
    assert (row.state, row.judged) == (ReportState.DONE, True)


async def test_what_a_resident_wrote_goes_with_them(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    await judged(office, user, (await said_to(office, user))[0][-1], right=False)
    number, city, now = await number_of(office, user), office.context.city, office.clock.now()
    async with office.database.writing() as session:
        for who, words in ((number, Said("still a hole", "en", "m1")), (number + 1, Said("x"))):
            kept = await verdicts.add_words(session, city, report.number, who, words, now)
            assert kept is (who == number)
    async with office.database.reading() as session:
        [written] = (await verdicts.of_case(session, report)).words
    assert (written.number, written.words) == (report.number, "still a hole")
    async with office.database.writing() as session:
        assert await later.take_back(session, "") == []
        [row] = await later.take_back(session, "m1")
    assert row.id == report.id
    async with office.database.reading() as session:
        assert (await verdicts.of_case(session, report)).words == ()
    async with office.database.writing() as session:
        await residents.erase(session, office.context.city, number, office.clock.now())
    assert await office.rows(Verdict) == []


async def test_residents_row_is_never_left_without_the_answer(office: Office) -> None:
    """What is told, the questions and the new state are one transaction."""
    user = await office.resident("en")
    report = await reported(office, user)
    now = office.clock.now()
    with pytest.raises(ZeroDivisionError):
        async with office.database.writing() as session:
            changed = await work.change(
                session,
                office.context.city,
                report.number,
                Change(state=ReportState.DONE),
                by=BY,
                now=now,
            )
            await answers.tell(
                session,
                means(office.context),
                office.context.city,
                changed,
                Answer(),
                by=BY,
                now=now,
            )
            raise ZeroDivisionError
    assert await office.deliveries() == []
    assert await office.rows(Verdict) == []
    async with office.database.reading() as session:
        assert (await session.get_one(Report, report.id)).state is ReportState.NEW
        assert await session.scalar(select(Resident).where(col(Resident.line_user_id) == user))


async def test_what_residents_wrote_is_erased_in_time_and_their_no_stays(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    await judged(office, user, (await said_to(office, user))[0][-1], right=False)
    now = office.clock.now()
    async with office.database.writing() as session:
        # As Todoke kept it before words became steps of the report.
        verdict = await session.scalar(select(Verdict))
        assert verdict is not None
        verdict.words = "still a hole"
        session.add(verdict)
    assert await verdicts.forget_words(office.database, now - timedelta(days=1)) == 0
    assert await verdicts.forget_words(office.database, now + timedelta(days=1)) == 1
    [verdict] = await office.rows(Verdict)
    assert (verdict.words, verdict.said) == ("", False)
