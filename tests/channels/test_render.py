"""Rendered messages: valid for LINE, readable, and a drill is never mistaken (promise 5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from linebot.v3.messaging import FlexMessage, MulticastRequest, PushMessageRequest, TextMessage

from alerts.compose import composed_of
from channels.colours import (
    AGENCY_GROUND,
    BLACK,
    LEVEL_GROUND,
    PLAIN_GROUND,
    QUIET_INK,
    WHITE,
)
from channels.line.bodies import multicast_body, push_body
from channels.line.medium import LINE
from channels.line.render import render, render_card
from channels.medium import compact_json
from channels.variants import render_all
from city.city import City
from city.folder import load_city
from core.contrast import contrast
from core.errors import BadInput
from core.languages import LANGUAGES
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from simulator.line import messages as shapes
from simulator.line.answers import LineError, read_json
from tests.support.alerts import draft_of
from tests.support.engine import make_notice, small_city, user_id

NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(PROJECT / "deploy" / "city")


def evacuation(city: City, *, level: int = 4, drill: bool = False) -> Notice:
    words = {"ja": ("", "川があふれるおそれがあります。すぐに逃げてください。")}
    draft = draft_of(NOW, drill=drill, level=level, texts=words)
    return composed_of(draft, city, actor="a@city", now=NOW).notice


def every_text(message: object) -> list[str]:
    if isinstance(message, dict):
        own = [message["text"]] if message.get("type") == "text" else []
        return own + [text for part in message.values() for text in every_text(part)]
    if isinstance(message, list):
        return [text for part in message for text in every_text(part)]
    return []


@pytest.mark.parametrize("level", range(1, 6))
@pytest.mark.parametrize("drill", [True, False])
def test_every_language_is_valid_for_line_at_every_level(
    city: City, level: int, drill: bool
) -> None:
    notice = evacuation(city, level=level, drill=drill)
    for language in city.languages:
        messages = render(notice, language, city)
        body = compact_json({"to": [user_id(1)], "messages": messages})
        read_json(body, shapes.MULTICAST_REQUEST)
        (card,) = messages
        assert len(card["altText"].encode("utf-16-le")) // 2 <= 400
        assert len(compact_json(card["contents"])) < 30_000


def test_a_drill_says_so_first_and_has_no_level_colour(city: City) -> None:
    notice = evacuation(city, drill=True)
    for language in city.languages:
        mark = drill_mark(language)
        (card,) = render(notice, language, city)
        assert card["altText"].startswith(mark)
        frame = card["contents"]["body"]
        header, body = frame["contents"][:2]
        assert header["contents"][1]["text"].startswith(mark)
        assert body["contents"][0]["text"].startswith(mark)
        assert header["backgroundColor"] not in LEVEL_GROUND.values()
        assert frame["borderColor"] not in LEVEL_GROUND.values()


def test_the_labels_of_facts_are_quieter_than_the_facts_and_nothing_is_lost(city: City) -> None:
    notice = evacuation(city)
    for language in city.languages:
        (card,) = render(notice, language, city)
        paragraphs = card["contents"]["body"]["contents"]
        (facts,) = [each for each in paragraphs if "contents" in each]
        assert "".join(span["text"] for span in facts["contents"]) == facts["text"]
        quiet = [span["text"] for span in facts["contents"] if span["color"] == QUIET_INK]
        assert len(quiet) == 2
        assert all(label.strip().endswith((":", "：", "៖")) for label in quiet), (language, quiet)
        assert contrast(QUIET_INK, WHITE) >= 4.5


@pytest.mark.parametrize("level", range(1, 6))
def test_the_first_words_are_bold_where_lives_may_depend_on_them(city: City, level: int) -> None:
    (card,) = render(evacuation(city, level=level), "en", city)
    bubble = card["contents"]
    framed = "header" not in bubble
    body = bubble["body"]["contents"][1] if framed else bubble["body"]
    first, *others = body["contents"]
    assert (first.get("weight") == "bold") is (level >= 4)
    assert not any(each.get("weight") for each in others)


def test_a_drill_whose_words_forgot_it_still_says_so(city: City) -> None:
    notice = make_notice(drill=True, now=NOW)
    notice.texts = {"ja": {"title": "避難指示", "text": "逃げてください"}}
    (card,) = render(notice, "my", city)
    # Nobody translated it, so the words and their mark are Japanese.
    assert card["altText"].startswith(drill_mark("ja"))


def test_a_real_notice_that_begins_like_a_drill_does_not_leave(city: City) -> None:
    notice = make_notice(now=NOW)
    notice.texts = {"ja": {"title": f"{drill_mark('ja')} 避難指示", "text": "逃げてください"}}
    with pytest.raises(BadInput, match="begins like a drill"):
        render(notice, "ja", city)


def test_a_long_drill_is_marked_in_each_of_its_messages() -> None:
    notice = make_notice(drill=True, now=NOW, languages=("en",))
    notice.texts["en"]["text"] = f"{drill_mark('en')} " + "Some length.\n" * 2_400
    messages = render(notice, "en", small_city())
    assert [message["type"] for message in messages] == ["text"] * len(messages)
    assert 1 < len(messages) <= 5
    assert all(message["text"].startswith(drill_mark("en")) for message in messages)
    assert all(len(message["text"]) <= 5000 for message in messages)
    read_json(compact_json({"to": [user_id(1)], "messages": messages}), shapes.MULTICAST_REQUEST)


def test_words_on_every_ground_have_a_contrast_of_at_least_4_5(city: City) -> None:
    for level in range(1, 6):
        for drill in (True, False):
            for status in (Status.ISSUED, Status.LIFTED):
                notice = evacuation(city, level=level, drill=drill)
                notice.status = status
                bubble = render(notice, "ja", city)[0]["contents"]
                parts = [bubble[name] for name in ("header", "body", "footer") if name in bubble]
                if "header" not in bubble:
                    parts = bubble["body"]["contents"]
                for part in parts:
                    ground = part["backgroundColor"]
                    for component in part["contents"]:
                        under = component.get("backgroundColor", ground)
                        words = component if component["type"] == "text" else None
                        words = words or component["contents"][0]
                        assert contrast(under, words["color"]) >= 4.5, (level, drill)
    assert contrast(BLACK, WHITE) > 20


@pytest.mark.parametrize(
    ("hazard", "kind", "intensity", "ground"),
    [
        ("earthquake", "震度５弱", "5-", "#FFE600"),
        ("earthquake", "震源・震度に関する情報", "7", "#B40068"),
        ("tsunami", "大津波警報", "", "#C800FF"),
        ("tsunami", "津波警報", "", "#FF2800"),
        ("tsunami", "津波注意報", "", "#FAF500"),
        ("tsunami", "津波予報（若干の海面変動）", "", PLAIN_GROUND),
        ("volcano", "レベル３（入山規制）", "", "#FFAA00"),
        ("storm", "暴風特別警報", "", "#0C000C"),
        ("storm", "暴風警報", "", "#FF2800"),
        ("thunder", "雷注意報", "", "#F2E700"),
        ("typhoon", "台風情報", "", PLAIN_GROUND),
    ],
)
def test_what_has_no_evacuation_level_has_the_agencys_colours(
    city: City, hazard: str, kind: str, intensity: str, ground: str
) -> None:
    notice = make_notice(now=NOW)
    notice.level, notice.hazard, notice.kind, notice.intensity = 0, hazard, kind, intensity
    header = render(notice, "ja", city)[0]["contents"]["header"]
    assert header["backgroundColor"] == ground
    assert all(contrast(ground, words["color"]) >= 4.5 for words in header["contents"])
    notice.status = Status.LIFTED
    lifted = render(notice, "ja", city)[0]["contents"]["header"]
    assert lifted["backgroundColor"] == PLAIN_GROUND
    notice.status, notice.drill = Status.ISSUED, True
    drill = render(notice, "ja", city)[0]["contents"]["body"]["contents"][0]
    assert all(drill["backgroundColor"] not in grounds.values() for grounds in AGENCY_GROUND)


def test_the_levels_have_the_cabinet_offices_colours() -> None:
    assert LEVEL_GROUND == {
        5: "#0C000C",
        4: "#AA00AA",
        3: "#FF2800",
        2: "#F2E700",
        1: "#FFFFFF",
    }


def test_an_ended_hazard_has_no_level_colour(city: City) -> None:
    notice = evacuation(city, level=4)
    notice.status = Status.LIFTED
    ground = render(notice, "ja", city)[0]["contents"]["header"]["backgroundColor"]
    assert ground not in LEVEL_GROUND.values()


def test_an_address_becomes_something_to_tap_and_is_not_read_out(city: City) -> None:
    notice = make_notice(now=NOW, languages=("ja",))
    notice.texts["ja"]["text"] = (
        "川の水が増えています。\n\n避難所：https://city.example/shelters\n出典：市"
    )
    bubble = render(notice, "ja", city)[0]["contents"]
    (link,) = bubble["footer"]["contents"]
    assert link["action"]["uri"] == "https://city.example/shelters"
    assert link["contents"][0]["text"] == "避難所"
    assert not any("https" in text for text in every_text(bubble["body"]))
    assert "出典：市" in every_text(bubble["body"])


def test_languages_with_equal_messages_share_one(city: City) -> None:
    notice = make_notice(now=NOW, languages=("ja",))
    topic = notice.topic
    shared = render_all(notice, city, LINE)
    by_heading = {rendered.messages for rendered in shared}
    # Only the topic's name above the title differs.
    assert len(by_heading) == len(shared) <= len(LANGUAGES)
    assert sorted(code for each in shared for code in each.languages) == sorted(city.languages)
    assert topic == "evacuation"


def test_hostile_words_stay_words(city: City) -> None:
    notice = make_notice(now=NOW, languages=("ja",))
    notice.texts["ja"] = {
        "title": '"},{"type":"text","text":"x" \u202e\u0000 ' + "🌊" * 300,
        "text": 'javascript:alert(1)\n見る：javascript:alert(1)\n見る：http://a.example/"><b>',
    }
    messages = render(notice, "ja", city)
    try:
        read_json(
            compact_json({"to": [user_id(1)], "messages": messages}), shapes.MULTICAST_REQUEST
        )
    except LineError as error:
        pytest.fail(str(error))
    assert "javascript:" not in json.dumps(messages[0]["contents"].get("footer", {}))


def test_a_card_of_a_digest_is_small_and_valid(city: City) -> None:
    notice = make_notice("events", level=0, now=NOW, languages=("ja",))
    notice.texts["ja"]["text"] = "長い話。" * 500
    title, bubble = render_card(notice, "ja", city)
    assert bubble["size"] == "kilo"
    assert len(compact_json(bubble)) < 5_000
    assert title


def test_bodies_are_what_line_bot_sdk_would_serialise(city: City) -> None:
    notice = evacuation(city)
    for language in ("ja", "my"):
        messages = render(notice, language, city)
        users = [user_id(number) for number in range(3)]
        ours = json.loads(multicast_body('","'.join(users), compact_json(messages)))
        theirs = MulticastRequest(to=users, messages=[_model(each) for each in messages])
        assert ours == theirs.to_dict()
        ours = json.loads(push_body(users[0], compact_json(messages), unit="todoke_n1"))
        push = PushMessageRequest(
            to=users[0],
            messages=[_model(each) for each in messages],
            customAggregationUnits=["todoke_n1"],
        )
        assert ours == push.to_dict()


def _model(message: dict[str, Any]) -> Any:
    kinds = {"flex": FlexMessage, "text": TextMessage}
    return kinds[message["type"]].from_dict(message)
