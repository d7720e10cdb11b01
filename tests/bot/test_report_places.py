"""Where the damage is: an address or a landmark becomes a pin that the resident confirms."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest
from PIL import Image
from sqlmodel import select

from city.folder import CityFolder
from core.places import PlaceGroup
from public import drawing
from public.map_pages import router
from public.pictures import MapAddresses, Pictures, pictures
from reports.models import Photo, PhotoRole
from tests.support.chats import HERE, a_photo, aboard, reports, sends
from tests.support.serving import served
from tests.support.town import Town, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")


def test_readings_are_in_hiragana_for_easy_japanese(sample: CityFolder) -> None:
    (station,) = sample.places.find("中央駅").places
    assert station.shown("ja-x-easy") == "中央駅（ちゅうおうえき）"
    assert station.shown("my") == "Chuo Station (中央駅)"
    assert station.shown("ja") == "中央駅"


async def asked_where(town: Town, language: str = "en", *, sentence: str = "") -> str:
    """Somebody whose report lacks the place and the note."""
    user = await aboard(town, language)
    news = await town.says(user, sentence or "There is a pothole")
    await town.taps(user, news, "r-no-photo")
    return user


def maps_in(part: Any) -> list[str]:
    """Return the addresses of the maps in messages."""
    if isinstance(part, list):
        return [found for each in part for found in maps_in(each)]
    if not isinstance(part, dict):
        return []
    own = [part["url"]] if "/map/" in str(part.get("url", "")) else []
    return own + [found for value in part.values() for found in maps_in(value)]


async def test_a_sentence_names_the_kind_and_a_landmark_the_place(town: Town) -> None:
    user = await aboard(town, "ja")
    news = await town.says(user, "街灯が切れています")
    assert "写真" in words_in(news), "the kind is known already"
    await town.taps(user, news, "r-no-photo")
    news = await town.says(user, "ちゅうおうえき")
    assert "中央駅" in words_in(news) and "ここですか" in words_in(news)
    (shown,) = maps_in(news)
    place = MapAddresses(town.context.settings.secret_key).place(shown[-36:-4])
    assert place == (140.1115, 36.0825)
    news = await town.taps(user, news, "はい、ここです")
    light = next(one for one in town.context.city.report_categories if one.code == "street-light")
    assert light.questions[0].names["ja"] in words_in(news), "the kind's own question comes next"


async def test_several_places_of_a_name_are_buttons_and_one_is_confirmed(town: Town) -> None:
    user = await asked_where(town)
    news = await town.says(user, "中央")
    assert "Which place do you mean?" in words_in(news)
    news = await town.taps(user, news, "Chuo 2 (中央二丁目)")
    assert "Is it here?" in words_in(news)
    news = await town.taps(user, news, "Another place")
    assert "Where is it?" in words_in(news)
    news = await town.says(user, "Chuo 2-3")
    news = await town.taps(user, news, "Yes, it is here")
    await town.taps(user, news, "Send")
    (report,) = await reports(town)
    assert report.address == "中央二丁目3番（Chuo 2-3）"
    assert report.longitude is not None and report.area == "chuo"


async def test_another_city_and_an_unknown_place_are_said_to_be_so(town: Town) -> None:
    user = await asked_where(town)
    assert "outside" in words_in(await town.says(user, "土浦市大町1-1"))
    news = await town.says(user, "the old oak behind the barn")
    assert "cannot find" in words_in(news)
    news = await town.taps(user, news, "Keep my words")
    await town.taps(user, news, "Send")
    (report,) = await reports(town)
    assert (report.address, report.longitude) == ("the old oak behind the barn", None)


async def test_photos_say_whether_they_are_from_near_or_from_afar(town: Town) -> None:
    user = await aboard(town)
    news = await town.says(user, "There is a pothole")
    news = await sends(town, user, a_photo())
    assert "farther away" in words_in(news)
    news = await sends(town, user, a_photo())
    assert "Where is it?" in words_in(news)
    await town.taps(user, await town.is_at(user, *HERE), "Send")
    async with town.database.reading() as session:
        roles = list(await session.scalars(select(Photo.role).order_by(Photo.id)))  # type: ignore[arg-type]
    assert roles == [PhotoRole.NEAR, PhotoRole.FAR]


async def test_what_endangers_people_shows_the_emergency_numbers_first(town: Town) -> None:
    user = await aboard(town)
    news = await town.says(user, "report")
    news = await town.taps(user, news, "Road cave-in")
    assert "tel:119" in str(news[0])
    assert "photo" not in words_in(news[0])
    assert "photo" in words_in(news[1])


async def test_a_map_is_drawn_for_its_own_address_alone(
    town: Town, sample: CityFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi import FastAPI

    app = FastAPI()
    app.state.context, app.state.folder = town.context, sample
    app.include_router(router)
    own = MapAddresses(town.context.settings.secret_key).name(HERE)
    foreign = MapAddresses("another key").name(HERE)
    async with served(app) as url, aiohttp.ClientSession() as http:
        async with http.get(f"{url}/map/{own}.png") as answer:
            assert answer.status == 200 and "noindex" in answer.headers["X-Robots-Tag"]
            with Image.open(io.BytesIO(await answer.read())) as drawn:
                assert drawn.size == (1040, 676)
        for name in (foreign, own[:-1], own + "x", "x", "%2e%2e", "é"):
            async with http.get(f"{url}/map/{name}.png") as answer:
                assert answer.status == 404, name
        # Maps and the calendars' pictures wait for the same places.
        monkeypatch.setattr(drawing, "_places", PlaceGroup("drawing", 0, 0))
        async with http.get(f"{url}/map/{own}.png") as answer:
            assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0


def test_line_gets_pictures_from_https_alone(town: Town) -> None:
    """LINE refuses a whole answer in which a picture has another address."""
    settings = town.context.settings
    given = {**settings.__dict__, "line_api_url": "https://api.line.me"}
    for public, shown in (("http://127.0.0.1:8000", False), ("https://city.example", True)):
        ours = pictures(type(settings)(**{**given, "public_url": public}))
        assert bool(ours.of_kind("pothole")) is shown
        assert bool(ours.of_map(*HERE)) is shown
    assert Pictures().of_map(*HERE) == ""
    drawn = Pictures("https://city.example", "key")
    assert drawn.of_kind("nothing we drew").endswith("/other.png")
