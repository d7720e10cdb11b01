"""News with a picture and links, as each medium shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.news.checks import MOST_ADDRESS, MOST_LABEL, MOST_LINKS
from alerts.news.compose import notice_of
from alerts.news.writing import Written, fill_in, new_news
from channels.email.render import render as mail_of
from channels.line import render as line
from channels.medium import compact_json
from channels.webpush.render import render as push_of
from city.city import City
from city.folder import load_city
from feeds.models import Notice
from feeds.news_form import NewsPicture
from simulator.line import messages as shapes
from simulator.line.answers import read_json
from tests.support.engine import user_id
from tests.support.project import SAMPLE_CITY
from tests.support.town import actions_in, words_in

NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
SERVED = "https://todoke.city.example"
ADDRESS = f"{SERVED}/pictures/abc.jpg"
PAGE = "https://www.city.example/festival"
SHOWS = {"ja": "提灯の絵", "en": "A picture of lanterns"}
WORDS = Written(
    "events",
    whole_city=True,
    texts={"ja": ("まつり", "まつりがあります。"), "en": ("Festival", "There is a festival.")},
    links=((PAGE, {"ja": "申し込む", "en": "Sign up"}), (f"{PAGE}/map", {})),
)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY).served_at(SERVED)


def news(city: City, *, height: int = 512, **changes: Any) -> Notice:
    """Return the notice of news with a picture."""
    row = fill_in(new_news(actor="a@city.example", now=NOW), replace(WORDS, **changes))
    picture = NewsPicture("abc", 1024, height, SHOWS)
    return notice_of(row, picture, city, planned_at=NOW, now=NOW)


def taken_by_line(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages after LINE's own rules were applied to them."""
    read_json(compact_json({"to": [user_id(1)], "messages": messages}), shapes.MULTICAST_REQUEST)
    return messages


def test_a_card_has_the_picture_and_a_button_for_each_link(city: City) -> None:
    for language, label, more in (("ja", "申し込む", "詳しく"), ("en", "Sign up", "More")):
        [message] = taken_by_line(line.render(news(city), language, city))
        assert message["contents"]["hero"]["url"] == ADDRESS
        assert message["contents"]["hero"]["action"]["label"] == SHOWS[language]
        assert SHOWS[language] in message["altText"]
        called = {action["label"]: action["uri"] for action in actions_in([message])}
        assert called[label] == PAGE
        assert any(uri == f"{PAGE}/map" and more in name for name, uri in called.items())


def test_a_language_without_words_hears_what_the_picture_shows(city: City) -> None:
    [message] = taken_by_line(line.render(news(city), "my", city))
    assert message["contents"]["hero"]["action"]["label"] == SHOWS["ja"]
    assert "日本語" in words_in([message])


def test_a_plain_message_has_the_picture_before_it_and_its_words_in_it(city: City) -> None:
    picture, text = taken_by_line(line.render(news(city, as_text=True), "ja", city))
    assert picture["originalContentUrl"] == picture["previewImageUrl"] == ADDRESS
    assert SHOWS["ja"] in text["text"]
    assert PAGE in text["text"]


def test_a_picture_that_is_too_high_for_line_is_still_taken(city: City) -> None:
    taken_by_line(line.render(news(city, height=40_000), "ja", city))


def test_several_news_of_a_digest_keep_their_pictures(city: City) -> None:
    [message] = taken_by_line(line.digest_messages([news(city), news(city)], "ja", city))
    assert [one["hero"]["url"] for one in message["contents"]["contents"]] == [ADDRESS] * 2


def test_line_gets_no_picture_from_an_address_that_it_does_not_take() -> None:
    plain = load_city(SAMPLE_CITY).served_at("http://127.0.0.1:8000")
    [message] = taken_by_line(line.render(news(plain), "ja", plain))
    assert "hero" not in message["contents"]


def test_a_mail_has_the_picture_with_its_words(city: City) -> None:
    [mail] = mail_of(news(city), "en", city)
    assert f'<img src="{ADDRESS}" alt="A picture of lanterns"' in mail["html"]
    assert "[A picture of lanterns]" in mail["plain"]
    assert PAGE in mail["plain"]


def test_a_notification_has_the_picture(city: City) -> None:
    [message] = push_of(news(city), "en", city, f"{SERVED}/")
    assert message["payload"]["picture"] == ADDRESS


def test_what_staff_may_write_is_what_a_card_shows() -> None:
    shown = (line.MOST_LINKS, line.MOST_LABEL, line.MOST_ADDRESS)
    assert shown == (MOST_LINKS, MOST_LABEL, MOST_ADDRESS)
