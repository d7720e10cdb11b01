"""A pothole goes in: photo, place, kind, note, a number back, in the resident's language."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from sqlmodel import select

from bot.models import EventState
from reports.models import Photo
from reports.photos import photo_path
from reports.states import ReportState
from simulator.line.phones import Content
from tests.support.chats import HERE, a_photo, aboard, reports, sends
from tests.support.town import Town, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")


async def test_a_pothole_is_reported_photo_first(town: Town) -> None:
    user = await aboard(town)
    news = await sends(town, user, a_photo())
    assert "1 of 4" in words_in(news)
    news = await town.is_at(user, *HERE)
    news = await town.taps(user, news, town.city.report_categories[0].names["en"])
    news = await town.says(user, "Deep, at the crossing 🚲")
    assert "Is this right?" in words_in(news)
    send = news
    news = await town.taps(user, send, "Send")
    (report,) = await reports(town)
    assert report.number in words_in(news)
    assert report.state is ReportState.NEW
    assert report.description == "Deep, at the crossing 🚲"
    assert report.area == town.city.district_at(*HERE).code  # type: ignore[union-attr]
    assert report.language == "en"
    async with town.database.reading() as session:
        (photo,) = await session.scalars(select(Photo))
    stored = photo_path(town.context.settings.media_dir, photo.sha256)
    with Image.open(stored) as kept:
        assert dict(kept.getexif()) == {}
    again = await town.taps(user, send, "Send")
    assert report.number in words_in(again)
    assert len(await reports(town)) == 1


async def test_a_report_begins_with_the_word_and_asks_only_once(town: Town) -> None:
    user = await aboard(town, "ja")
    news = await town.says(user, "通報")
    assert "何が壊れていますか" in words_in(news)
    news = await town.taps(user, news, "r-kind")
    assert "写真" in words_in(news)
    news = await town.taps(user, news, "r-no-photo")
    news = await town.says(user, "中央１丁目１１９番地")
    assert "119" not in words_in(news)
    assert "ここですか" in words_in(news)
    news = await town.taps(user, news, "はい、ここです")
    news = await town.taps(user, news, "r-no-note")
    await town.taps(user, news, "r-send")
    (report,) = await reports(town)
    assert report.address == "中央一丁目（中央１丁目１１９番地）"
    assert report.area == "chuo"


async def test_a_report_can_be_cancelled_at_any_time(town: Town) -> None:
    user = await aboard(town)
    news = await sends(town, user, a_photo())
    old = await town.taps(user, news, "Cancel")
    assert "cancelled" in words_in(old)
    assert (await town.dialogue(user)).name == "idle"
    news = await town.taps(user, news, "Cancel")
    assert "older report" in words_in(news)
    assert await reports(town) == []


@pytest.mark.slow
async def test_four_photos_are_kept_and_the_same_one_once(town: Town) -> None:
    user = await aboard(town)
    first = a_photo()
    news = await sends(town, user, first)
    await sends(town, user, first)
    for _ in range(3):
        news = await sends(town, user, a_photo())
    assert "4 of 4" in words_in(news)
    news = await sends(town, user, a_photo())
    assert "not kept" in words_in(news)
    assert len((await town.dialogue(user)).data["photos"]) == 4


@pytest.mark.slow
async def test_photos_sent_together_are_asked_about_once(town: Town) -> None:
    user = await aboard(town)
    for index in (1, 2, 3):
        content = Content(a_photo(), "image/jpeg")
        town.simulator.phones.send_media(user, "image", content, image_set=("set", index, 3))
    said = words_in(await town.news(user))
    assert "3 of 4" in said
    assert said.count("What is broken?") == 1


async def test_a_place_outside_the_city_is_said_kindly(town: Town) -> None:
    user = await aboard(town)
    await sends(town, user, a_photo())
    news = await town.is_at(user, 139.7671, 35.6812)
    assert "outside" in words_in(news)
    assert (await town.dialogue(user)).step == "place"


@pytest.mark.slow
async def test_where_the_photo_was_taken_is_asked_before_it_is_used(town: Town) -> None:
    user = await aboard(town)
    news = await sends(town, user, a_photo(place=True))
    news = await town.taps(user, news, "r-kind")
    news = await town.taps(user, news, "Skip")
    assert "Shall I use that place?" in words_in(news)
    news = await town.taps(user, news, "Yes, use it")
    place = (await town.dialogue(user)).data["place"]
    assert abs(place["longitude"] - HERE[0]) < 0.01
    assert "anything to add" in words_in(news)


async def test_where_the_photo_was_taken_is_forgotten_when_refused(town: Town) -> None:
    user = await aboard(town)
    news = await sends(town, user, a_photo(place=True))
    news = await town.taps(user, news, "r-kind")
    news = await town.taps(user, news, "Skip")
    await town.taps(user, news, "No")
    dialogue = await town.dialogue(user)
    assert "place" not in dialogue.data
    assert dialogue.data["exif"] is None
    assert dialogue.step == "place"


@pytest.mark.slow
async def test_hostile_photos_are_refused_kindly(town: Town) -> None:
    """Promise 8: 200 megapixels, a web page, a broken file, an empty one."""
    user = await aboard(town)
    bomb = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(bomb, "PNG")
    for body, words in (
        (bomb.getvalue(), "too large"),
        (b"<html><script>alert(1)</script></html>", "cannot read"),
        (a_photo()[:500], "cannot read"),
        (b"", "cannot read"),
    ):
        news = await sends(town, user, body)
        assert words in words_in(news), body[:20]
    assert (await town.dialogue(user)).name == "idle"


async def test_a_photo_that_line_keeps_no_longer_is_asked_for_again(town: Town) -> None:
    user = await aboard(town)
    town.simulator.webhooks.hold()
    town.simulator.phones.send_media(user, "image", Content(a_photo(), "image/jpeg"))
    for message_id in list(town.simulator.phones.contents):
        town.simulator.phones.expire_content(message_id)
    town.simulator.webhooks.release()
    news = await town.news(user)
    assert "could not be fetched" in words_in(news)


async def test_a_cry_for_help_in_a_report_is_answered_with_119(town: Town) -> None:
    user = await aboard(town)
    await sends(town, user, a_photo())
    news = await town.says(user, "Help me, there is a fire!")
    assert "119" in words_in(news)
    assert "tel:119" in str(news)


async def test_a_report_waits_for_a_week_and_goes_on(town: Town) -> None:
    user = await aboard(town)
    await sends(town, user, a_photo())
    news = await town.says(user, "settings")
    assert "Settings" in words_in(news)
    news = await town.says(user, "report")
    assert "not finished" in words_in(news)
    assert (await town.dialogue(user)).step == "kind"


async def test_nothing_is_left_waiting(town: Town) -> None:
    user = await aboard(town)
    await sends(town, user, a_photo())
    assert await town.events(EventState.FAILED) == []
    assert await town.events(EventState.ANSWERING) == []
