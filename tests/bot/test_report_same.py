"""The same hole once: others are shown what is known, join it, and hear of it; owners are named."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from reports import following
from reports.models import Addition, Follower, Photo, PhotoRole, Report, ReportUpdate
from reports.photos import MAX_PHOTOS
from reports.states import ReportState
from tests.support.chats import HERE, a_photo, aboard, filed, reports, sends
from tests.support.town import Town, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")
NATIONAL_ROAD = (140.1310, 36.0800)
"""A corner of the sample's national road (owners.geojson)."""


async def additions(town: Town) -> list[str]:
    async with town.database.reading() as session:
        found = await session.scalars(select(ReportUpdate.added).order_by(col(ReportUpdate.id)))
        return [one for one in found if one]


async def test_the_same_thing_is_shown_joined_and_left_again(town: Town) -> None:
    await filed(town)
    (report,) = await reports(town)
    beside = (HERE[0], HERE[1] + 0.0002)  # 22 m
    user = await aboard(town)
    news = await town.says(user, "There is a pothole")
    await town.taps(user, news, "r-no-photo")
    news = await town.is_at(user, *beside)
    said = words_in(news)
    assert "Is it one of these?" in said and report.number in said
    assert "22 m away" in said and "Received" in said
    assert "Deep" not in said, "nothing that somebody else wrote"
    join = news
    news = await town.taps(user, join, "r-join")
    assert report.number in words_in(news)
    assert (await town.dialogue(user)).name == "idle"
    assert len(await reports(town)) == 1
    news = await town.says(user, "my reports")
    news = await town.taps(user, news, "my-report")
    assert "It is mended" not in words_in(news), "it is not their own"
    async with town.database.reading() as session:
        (again,) = await session.scalars(select(Report))
        assert len(await following.followers(session, again)) == 1
    await town.taps(user, news, "Stop following")
    async with town.database.reading() as session:
        assert list(await session.scalars(select(Follower))) == []
    assert await additions(town) == [Addition.JOINED]


async def test_something_else_at_the_same_place_is_a_report_of_its_own(town: Town) -> None:
    await filed(town)
    user = await aboard(town)
    news = await town.says(user, "There is a pothole")
    await town.taps(user, news, "r-no-photo")
    news = await town.is_at(user, *HERE)
    news = await town.taps(user, news, "It is something else")
    await town.taps(user, news, "Send")
    assert len(await reports(town)) == 2
    other = await aboard(town)
    news = await town.says(other, "The street light is broken")
    await town.taps(other, news, "r-no-photo")
    assert "one of these" not in words_in(await town.is_at(other, *HERE)), "another kind"
    far = await aboard(town)
    news = await town.says(far, "There is a pothole")
    await town.taps(far, news, "r-no-photo")
    there = (HERE[0], HERE[1] + 0.001)  # 111 m
    assert "one of these" not in words_in(await town.is_at(far, *there))


async def test_what_belongs_to_somebody_else_is_said_and_kept_with_the_report(town: Town) -> None:
    user = await aboard(town)
    news = await town.says(user, "There is a pothole")
    await town.taps(user, news, "r-no-photo")
    news = await town.is_at(user, *NATIONAL_ROAD)
    assert "National Road Office" in words_in(news[0])
    assert "tel:029-000-0001" in str(news[0])
    await town.taps(user, news, "Send")
    pole = await aboard(town)
    news = await town.says(pole, "report")
    news = await town.taps(pole, news, "Power or phone pole, wires")
    assert "tel:119" in str(news[0]), "a wire on the ground is a danger"
    assert "passes your report on" in words_in(news)
    await town.taps(pole, news, "r-no-photo")
    news = await town.is_at(pole, *HERE)
    assert "passes your report on" not in words_in(news), "it is said once"
    await town.taps(pole, await town.taps(pole, news, "Skip"), "Send")
    assert [one.owner for one in await reports(town)] == ["national-road", "poles"]


async def test_the_reporter_adds_a_photo_and_says_how_it_is_now(town: Town) -> None:
    user = await filed(town)
    (report,) = await reports(town)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    news = await town.taps(user, card, "Add a photo")
    assert report.number in words_in(news)
    news = await sends(town, user, a_photo())
    assert "added to report" in words_in(news)
    await town.taps(user, card, "It got worse")
    await town.taps(user, card, "It is mended")
    async with town.database.reading() as session:
        roles = list(await session.scalars(select(Photo.role).order_by(col(Photo.id))))
    assert roles == [PhotoRole.NEAR, PhotoRole.LATER]
    assert await additions(town) == [Addition.PHOTO, Addition.WORSE, Addition.MENDED]
    # A photo after something else is a new report.
    await town.taps(user, card, "Add a photo")
    await town.says(user, "thank you")
    assert "What is broken?" in words_in(await sends(town, user, a_photo()))


async def test_photos_that_are_added_have_a_limit(town: Town) -> None:
    user = await filed(town)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    for _ in range(following.MAX_LATER + MAX_PHOTOS - 1):
        await town.taps(user, card, "Add a photo")
        await sends(town, user, a_photo((64, 48)))
    news = await town.taps(user, card, "Add a photo")
    assert "Send the photo now" not in words_in(news)
    async with town.database.reading() as session:
        photos = list(await session.scalars(select(Photo)))
    assert len(photos) == following.MAX_LATER + MAX_PHOTOS


async def test_a_report_is_taken_back_while_nobody_has_decided_on_it(town: Town) -> None:
    user = await filed(town)
    card = await town.taps(user, await town.says(user, "my reports"), "my-report")
    sure = await town.taps(user, card, "Take it back")
    assert "erased" in words_in(sure)
    await town.taps(user, sure, "do=my-withdraw-yes&n=" + (await reports(town))[0].number)
    (report,) = await reports(town)
    assert report.state is ReportState.WITHDRAWN
    assert (report.description, report.address, report.longitude) == ("", "", None)
    async with town.database.reading() as session:
        assert list(await session.scalars(select(Photo))) == []
    other = await filed(town, (140.1500, 36.0300))
    card = await town.taps(other, await town.says(other, "my reports"), "my-report")
    async with town.database.writing() as session:
        taken = await session.scalar(select(Report).where(col(Report.number) != report.number))
        assert taken is not None
        taken.state = ReportState.ACCEPTED
        session.add(taken)
    sure = await town.taps(other, card, "Take it back")
    assert "my-withdraw-yes" not in str(sure), "the city is at work"


async def test_nobody_touches_the_report_of_somebody_else(town: Town) -> None:
    await filed(town)
    (report,) = await reports(town)
    stranger = await aboard(town)
    for do in ("my-report", "my-photo", "my-worse", "my-withdraw-yes", "my-leave", "my-odd"):
        town.simulator.phones.postback(stranger, f"do={do}&n={report.number}")
        assert "cannot be changed" in words_in(await town.news(stranger))
    town.simulator.phones.postback(stranger, f"do=r-join&n={report.number}")
    await town.settle()
    assert await additions(town) == []
    assert (await reports(town))[0].state is ReportState.NEW
