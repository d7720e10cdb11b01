"""Promise 8: one hostile resident changes nothing for the others."""

from __future__ import annotations

import csv
import io

import pytest
from sqlmodel import select

from bot.models import EventState
from reports.exports import Wording, begin_export, export_csv
from reports.models import Photo
from reports.photos import MAX_PHOTOS
from simulator.line.phones import Content
from tests.support.chats import HERE, a_photo, aboard, reports, sends
from tests.support.town import Town, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")
FORMULAS = ('=HYPERLINK("http://x","y")', "+1+1", "-1", "@SUM(A1)", "＝1+1", " \t=1")


@pytest.mark.slow
async def test_sixty_photos_at_once_leave_the_others_their_answers(town: Town) -> None:
    hostile, other = await aboard(town), await aboard(town)
    photos = [a_photo((64, 48)) for _ in range(60)]
    for body in photos:
        town.simulator.phones.send_media(hostile, "image", Content(body, "image/jpeg"))
    assert "Hello" in words_in(await town.says(other, "hello"))
    kept = (await town.dialogue(hostile)).data["photos"]
    assert len(kept) == MAX_PHOTOS
    assert await town.events(EventState.FAILED) == []


@pytest.mark.slow
async def test_fifty_messages_a_second_are_each_answered_and_delay_nobody(town: Town) -> None:
    hostile, other = await aboard(town), await aboard(town)
    for number in range(50):
        town.simulator.phones.send_text(hostile, f"report {number}")
    assert "Hello" in words_in(await town.says(other, "hello"))
    for state in (EventState.FAILED, EventState.WAITING, EventState.ANSWERING):
        assert await town.events(state) == []
    assert await reports(town) == []


async def test_formulas_stay_words_in_what_staff_open(town: Town) -> None:
    user = await aboard(town)
    for n, formula in enumerate(FORMULAS):
        news = await town.says(user, "report")
        news = await town.taps(user, news, "Park equipment")
        await town.taps(user, news, "r-no-photo")
        await town.taps(user, await town.says(user, f"{formula} {n}"), "Keep my words")
        await town.taps(user, await town.says(user, formula), "Send")
    assert len(await reports(town)) == len(FORMULAS)
    async with town.database.reading() as session:
        export = await begin_export(session)
    wording = Wording(town.city)
    text = "".join([part async for part in export_csv(town.database, export, wording)])
    for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))):
        for cell in row.values():
            assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝")), row


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(0, 90), (0, -90), (180, 0), (-180, 0), (0, 0), (140, 89.999999)]
)
async def test_the_poles_are_outside_the_city(
    town: Town, longitude: float, latitude: float
) -> None:
    user = await aboard(town)
    news = await town.says(user, "There is a pothole")
    await town.taps(user, news, "r-no-photo")
    assert "outside" in words_in(await town.is_at(user, longitude, latitude))
    town.simulator.phones.postback(user, "do=repairs-place")
    await town.settle()
    assert "outside" in words_in(await town.is_at(user, longitude, latitude))
    assert await town.events(EventState.FAILED) == []


async def test_a_huge_text_is_cut_and_answered_at_each_step(town: Town) -> None:
    user = await aboard(town)
    news = await town.says(user, "report")
    for huge in ("あ" * 10_000, "1-" * 5_000, "一" * 10_000, "ー" * 10_000, "a\u0301" * 5_000):
        assert await town.says(user, huge)
    news = await town.taps(user, news, "Park equipment")
    await town.taps(user, news, "r-no-photo")
    for huge in ("中央" * 5_000, "1-" * 5_000, "十" * 10_000, "\u202e" * 10_000):
        assert await town.says(user, huge)
    await town.is_at(user, *HERE)
    assert await town.events(EventState.FAILED) == []
    assert len(str((await town.dialogue(user)).data)) < 4_000


async def test_photos_in_the_middle_of_anything_are_answered(town: Town) -> None:
    user = await aboard(town)
    for before in ("do=repairs-place", "do=my-photo&n=2026-999999", "do=shelters", "do=r-far"):
        town.simulator.phones.postback(user, before)
        await town.settle()
        assert await sends(town, user, a_photo((64, 48))), before
    async with town.database.reading() as session:
        assert list(await session.scalars(select(Photo))) == []
