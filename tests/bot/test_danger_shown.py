"""What residents show in a disaster: a danger, and a photo of what they need; a drill apart."""

from __future__ import annotations

from PIL import Image
from sqlmodel import col, select

from bot.my_data import kept_of
from reports.models import Danger, Follower, Report, Triage
from reports.photos import photo_path
from response import modes
from response.check_ins import check_in
from response.models import CaseState, HouseholdCase, HouseholdPhoto
from subscriptions import residents
from subscriptions.models import Resident
from tests.support.chats import HERE, a_photo, aboard, reports, sends
from tests.support.town import Town, words_in

STAFF = "desk@city.example"


async def switch(town: Town, *, drill: bool = False) -> None:
    async with town.database.writing() as session:
        now = town.context.clock.now()
        await modes.begin(session, town.city, (), now, drill=drill, actor=STAFF)


async def shown(town: Town) -> list[Danger]:
    async with town.database.reading() as session:
        return list(await session.scalars(select(Danger).order_by(col(Danger.id))))


async def photos(town: Town) -> list[HouseholdPhoto]:
    async with town.database.reading() as session:
        return list(await session.scalars(select(HouseholdPhoto)))


async def reports_danger(town: Town, user: str, button: str) -> list[str]:
    """Report from the menu: kind, photo, place, words, send; return all that was said."""
    said = []
    town.simulator.phones.postback(user, button)
    news = await town.news(user)
    for step in ("r-kind", None, "r-no-far", HERE, "Water on the road", "r-send"):
        said.append(words_in(news))
        if step is None:
            news = await sends(town, user, a_photo())
        elif step is HERE:
            news = await town.is_at(user, *HERE)
        elif str(step).startswith("r-"):
            news = await town.taps(user, news, str(step))
        else:
            news = await town.says(user, str(step))
    return [*said, words_in(news)]


async def test_in_a_disaster_a_danger_is_a_report_that_staff_look_at_at_once(town: Town) -> None:
    user = await aboard(town, "en")
    await switch(town)
    said = await reports_danger(town, user, "do=report&danger=1")
    [report] = await reports(town)
    [danger] = await shown(town)
    assert report.number in said[-1]
    assert (danger.report_id, danger.drill, danger.state) == (report.id, False, Triage.NEW)
    assert not any("DRILL" in words.upper() for words in said)


async def test_any_report_of_a_disaster_is_looked_at(town: Town) -> None:
    user = await aboard(town, "en")
    await switch(town)
    await reports_danger(town, user, "do=report")
    assert len(await shown(town)) == 1


async def test_on_an_ordinary_day_a_report_is_no_danger_of_a_disaster(town: Town) -> None:
    user = await aboard(town, "en")
    await reports_danger(town, user, "do=report")
    assert len(await reports(town)) == 1 and await shown(town) == []


async def test_in_a_drill_a_danger_is_never_a_report_and_each_question_says_so(town: Town) -> None:
    user = await aboard(town, "ja")
    await switch(town, drill=True)
    said = await reports_danger(town, user, "do=report&danger=1")
    assert await reports(town) == []
    [danger] = await shown(town)
    assert danger.drill and danger.report_id is None and danger.description == "Water on the road"
    assert len(danger.photos) == 1
    assert all(words.startswith("【訓練】") for words in said), said
    # Somebody who reports a hole meanwhile, not from the drill's menu, reports a hole.
    await reports_danger(town, user, "do=report")
    assert len(await reports(town)) == 1 and len(await shown(town)) == 1


async def test_a_drill_that_becomes_real_makes_the_report_real(town: Town) -> None:
    user = await aboard(town, "ja")
    await switch(town, drill=True)
    town.simulator.phones.postback(user, "do=report&danger=1")
    news = await town.taps(user, await town.news(user), "r-kind")
    news = await town.taps(user, news, "r-no-photo")
    news = await town.is_at(user, *HERE)
    news = await town.taps(user, news, "r-no-note")
    await switch(town)  # ends the drill
    await town.taps(user, news, "r-send")
    [report] = await reports(town)
    [danger] = await shown(town)
    assert danger.report_id == report.id and not danger.drill


async def test_a_photo_after_i_need_is_kept_with_the_answer_and_can_be_taken_back(
    town: Town,
) -> None:
    user = await aboard(town, "en")
    await switch(town)
    town.simulator.phones.postback(user, "do=safe&how=in-need")
    await town.news(user)
    news = await sends(town, user, a_photo())
    assert "1 of 4" in words_in(news)
    [photo] = await photos(town)
    stored = photo_path(town.context.settings.media_dir, photo.sha256)
    with Image.open(stored) as kept:
        assert dict(kept.getexif()) == {}, "decoded, and without what the camera wrote"
    assert await reports(town) == [], "it is no report of damage"
    news = await town.taps(user, news, "safe-done")
    assert "Photos\n1" in words_in(news)
    async with town.database.reading() as session:
        [case] = await session.scalars(select(HouseholdCase))
    assert case.state is CaseState.OPEN
    news = await town.says(user, "my data")
    assert "Photos\n1" in words_in(news)
    town.simulator.phones.unsend(user, photo.message_id)
    await town.settle()
    assert await photos(town) == []


async def test_a_hostile_photo_is_refused_and_the_answer_stays(town: Town) -> None:
    user = await aboard(town, "en")
    await switch(town, drill=True)
    town.simulator.phones.postback(user, "do=safe&how=cannot-move")
    await town.news(user)
    news = await sends(town, user, b"\x89PNG\r\n\x1a\n" + b"\0" * 500)
    assert "cannot read this file as a photo" in words_in(news)
    assert await photos(town) == []
    async with town.database.reading() as session:
        [case] = await session.scalars(select(HouseholdCase))
    assert case.drill and case.urgency == 4


async def test_my_data_has_joined_reports_and_check_ins_and_erasing_takes_all(town: Town) -> None:
    user, other = await aboard(town, "en"), await aboard(town, "en")
    await switch(town)
    await reports_danger(town, other, "do=report&danger=1")
    town.simulator.phones.postback(user, "do=safe&how=in-need")
    await town.news(user)
    await sends(town, user, a_photo())
    async with town.database.writing() as session:
        me = await residents.find(session, user)
        report = await session.scalar(select(Report))
        assert me is not None and me.id is not None and report is not None and report.id
        now = town.context.clock.now()
        session.add(Follower(report_id=report.id, resident_id=me.id, created_at=now))
        await check_in(session, me.id, town.folder.shelters[0].code, now, drill=False)
    said = words_in(await town.says(user, "my data"))
    assert "Reports of others that you follow\n1" in said
    assert "Check-ins at evacuation sites" in said
    async with town.database.reading() as session:
        me = await residents.find(session, user)
        assert me is not None
        kept = await kept_of(session, town.city, me, now)
    for table in ("check_ins", "household_answers", "household_cases", "household_photos"):
        assert len(kept["kept"][table]) == 1, table
    assert len(kept["kept"]["report_followers"]) == 1
    assert "person" not in kept["kept"]["household_cases"][0]
    town.simulator.phones.postback(user, "do=erase-yes")
    await town.settle()
    assert await photos(town) == []
    async with town.database.reading() as session:
        assert not list(await session.scalars(select(HouseholdCase)))
        assert not list(await session.scalars(select(Follower)))
        assert len(list(await session.scalars(select(Resident)))) == 1
