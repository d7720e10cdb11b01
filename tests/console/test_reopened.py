"""A resident says "no, it is not right": the case is open again, who has to hear of it hears, and
the history says which words nobody of the office wrote.
"""

from __future__ import annotations

from sqlmodel import col, select

from channels.line.medium import LINE
from console import words
from console.models import Role
from reports import answers, following, notices_to_staff, states, verdicts, work
from reports.answers import Answer, Means
from reports.models import RESIDENT, Report, ReportUpdate, StaffNotice, Verdict
from reports.notices_to_staff import Desk
from reports.photo_links import photo_links
from reports.states import ReportState
from subscriptions import residents
from tests.support.filed_reports import reported
from tests.support.office import Office

MICHI = "michi@city.example"


def means(office: Office) -> Means:
    context = office.context
    return Means(context.queue, LINE, photo_links(context.settings))


async def number_of(office: Office, user: str) -> int:
    async with office.database.reading() as session:
        found = await residents.find(session, user)
        assert found is not None and found.id is not None
        return found.id


async def ended(office: Office, report: Report) -> None:
    """Have the office end a case and tell the residents."""
    city, now = office.context.city, office.clock.now()
    async with office.database.writing() as session:
        wanted = work.Change(state=ReportState.DONE)
        changed = await work.change(session, city, report.number, wanted, by=MICHI, now=now)
        await answers.tell(session, means(office), city, changed, Answer(), by=MICHI, now=now)


async def says_no(office: Office, user: str) -> None:
    """Press "no", as the conversation does."""
    city, now, resident = office.context.city, office.clock.now(), await number_of(office, user)
    async with office.database.writing() as session:
        query = select(Verdict).where(col(Verdict.resident_id) == resident)
        key = (await session.scalars(query)).one().key
        judged = await verdicts.judge(session, city, key, resident, right=False, now=now)
        assert judged.changed is not None
        await answers.tell_by_itself(
            session,
            means(office),
            city,
            judged.changed,
            by=RESIDENT,
            now=now,
            besides={resident},
        )


async def heard(office: Office, user: str) -> str:
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    return str(office.received(user)[-1])


async def test_what_goes_out_after_a_no_is_sent_by_itself_to_the_others_and_to_the_department(
    office: Office,
) -> None:
    reporter, follower = await office.resident("en"), await office.resident("pt")
    report = await reported(office, reporter)
    async with office.database.writing() as session:
        number = await number_of(office, follower)
        await following.join(session, report.number, number, office.clock.now())
    await ended(office, report)
    await says_no(office, follower)
    reopened = states.CATALOGUE.text("en", states.REOPENED)
    assert reopened in await heard(office, reporter)
    assert states.CATALOGUE.text("pt", states.REOPENED) not in await heard(office, follower)

    [row] = await office.rows(Report)
    assert (row.state, row.ended_at) == (ReportState.ACCEPTED, None)
    steps = [one for one in await office.rows(ReportUpdate) if one.by == RESIDENT]
    said, opened, told = steps[-3:]
    assert (said.added, opened.state) == ("not-right", ReportState.ACCEPTED)
    assert reopened in told.answer and told.told == 1

    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(f"/console/reports/{report.number}")
    history = page.tree.xpath('//div[@class="case-history"]')[0].text_content()
    assert "まだ直っていないと住民から返事" in history
    assert history.count("自動で送信") == 1, "nobody of the office wrote it"
    assert reopened in history

    context = office.context
    staff = Desk(context.city, context.queue, context.settings.public_url, words.CATALOGUE)
    for _ in range(2):
        await notices_to_staff.look(office.database, staff, office.clock.now())
    notices = await office.rows(StaffNotice)
    assert [one.department for one in notices] == [row.department]
    assert report.number in notices[0].content["title"]


async def test_a_second_no_sends_nothing_more(office: Office) -> None:
    reporter, follower = await office.resident("en"), await office.resident("pt")
    report = await reported(office, reporter)
    async with office.database.writing() as session:
        number = await number_of(office, follower)
        await following.join(session, report.number, number, office.clock.now())
    await ended(office, report)
    await says_no(office, follower)
    before = len(await office.deliveries())
    resident = await number_of(office, reporter)
    async with office.database.writing() as session:
        query = select(Verdict).where(col(Verdict.resident_id) == resident)
        key = (await session.scalars(query)).one().key
        judged = await verdicts.judge(
            session, office.context.city, key, resident, right=False, now=office.clock.now()
        )
    assert (judged.heard, judged.changed) == (verdicts.Heard.IS_OPEN, None)
    assert len(await office.deliveries()) == before
