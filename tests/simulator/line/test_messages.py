"""Every request is checked: requests that LINE would refuse are refused, with LINE's words for the
place.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linebot.v3 import messaging as sdk

from simulator.line import messages
from simulator.line.answers import LineError, read_json
from simulator.line.measure import grapheme_clusters, utf16_units
from tests.support.line_account import official
from tests.support.message_examples import (
    BOX,
    BUTTONS,
    GOOD,
    PICTURE,
    SAY,
    URI,
    flex,
    quick,
    template,
    text,
)


def body_of(*contents: dict[str, Any], layout: str = "vertical") -> dict[str, Any]:
    return flex(
        {"type": "bubble", "body": {"type": "box", "layout": layout, "contents": list(contents)}}
    )


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "empty text": (text(""), "messages[0].text"),
    "no text": ({"type": "text"}, "messages[0].text"),
    "text of 5,001 units": (text("あ" * 5001), "messages[0].text"),
    "emoji count twice": (text("🌊" * 2501), "messages[0].text"),
    "text that is a number": (text(7), "messages[0].text"),  # type: ignore[arg-type]
    "unknown kind": ({"type": "poem", "text": "a"}, "messages[0].type"),
    "no kind": ({"text": "a"}, "messages[0].type"),
    "kind that is a list": ({"type": []}, "messages[0].type"),
    "misspelt field": (text("a", qiuckReply={}), "messages[0].qiuckReply"),
    "14 quick replies": (text("a", quickReply=quick(*[SAY] * 14)), "messages[0].quickReply.items"),
    "no quick replies": (text("a", quickReply={"items": []}), "messages[0].quickReply.items"),
    "label of 21 clusters": (
        text("a", quickReply=quick({**SAY, "label": "あ" * 21})),
        "messages[0].quickReply.items[0].action.label",
    ),
    "quick reply without label": (
        text("a", quickReply=quick({"type": "message", "text": "a"})),
        "messages[0].quickReply.items[0].action.label",
    ),
    "script as link": (
        text("a", quickReply=quick({**URI, "uri": "javascript:alert(1)"})),
        "messages[0].quickReply.items[0].action.uri",
    ),
    "data of 301": (
        text("a", quickReply=quick({"type": "postback", "label": "a", "data": "d" * 301})),
        "messages[0].quickReply.items[0].action.data",
    ),
    "dates out of order": (
        text(
            "a",
            quickReply=quick(
                {
                    "type": "datetimepicker",
                    "label": "a",
                    "data": "d",
                    "mode": "date",
                    "min": "2026-05-02",
                    "max": "2026-05-01",
                }
            ),
        ),
        "messages[0].quickReply.items[0].action",
    ),
    "plain http picture": (
        {
            "type": "image",
            "originalContentUrl": "http://example.com/a.jpg",
            "previewImageUrl": PICTURE,
        },
        "messages[0].originalContentUrl",
    ),
    "north of the pole": (
        {"type": "location", "title": "a", "address": "b", "latitude": 91, "longitude": 0},
        "messages[0].latitude",
    ),
    "alternative text of 401": (
        flex({"type": "bubble", "body": BOX}, alt="あ" * 401),
        "messages[0].altText",
    ),
    "three choices in a confirm": (
        template(type="confirm", text="a", actions=[SAY] * 3),
        "messages[0].template.actions",
    ),
    "five buttons": (
        template(**{**BUTTONS, "actions": [SAY] * 5}),
        "messages[0].template.actions",
    ),
    "61 characters beside a title": (
        template(**{**BUTTONS, "text": "あ" * 61, "title": "題"}),
        "messages[0].template",
    ),
    "columns unlike": (
        template(
            type="carousel",
            columns=[{"text": "一", "actions": [SAY]}, {"text": "二", "actions": [SAY, SAY]}],
        ),
        "messages[0].template.columns",
    ),
    "placeholder without substitution": (
        {"type": "textV2", "text": "{who}"},
        "messages[0]",
    ),
    "emoji index beside the dollar": (
        text("大雨$", emojis=[{"index": 0, "productId": "p", "emojiId": "1"}]),
        "messages[0]",
    ),
}

BAD_FLEX: dict[str, tuple[dict[str, Any], str]] = {
    "empty bubble": (flex({"type": "bubble"}), "/"),
    "empty text": (body_of({"type": "text", "text": ""}), "/body/contents/0"),
    "icon outside a baseline": (body_of({"type": "icon", "url": PICTURE}), "/body"),
    "box in a baseline": (body_of(BOX, layout="baseline"), "/body"),
    "unknown size": (
        body_of({"type": "text", "text": "a", "size": "huge"}),
        "/body/contents/0/size",
    ),
    "colour by name": (
        body_of({"type": "text", "text": "a", "color": "red"}),
        "/body/contents/0/color",
    ),
    "button without label": (
        body_of({"type": "button", "action": {"type": "uri", "uri": "https://a.b/"}}),
        "/body/contents/0/action/label",
    ),
    "button label of 41": (
        body_of({"type": "button", "action": {**SAY, "label": "あ" * 41}}),
        "/body/contents/0/action/label",
    ),
    "picture four times as high as wide": (
        body_of({"type": "image", "url": PICTURE, "aspectRatio": "1:4"}),
        "/body/contents/0/aspectRatio",
    ),
    "13 bubbles": (
        flex({"type": "carousel", "contents": [{"type": "bubble", "body": BOX}] * 13}),
        "/contents",
    ),
    "bubbles of two sizes": (
        flex(
            {
                "type": "carousel",
                "contents": [
                    {"type": "bubble", "size": "nano", "body": BOX},
                    {"type": "bubble", "size": "giga", "body": BOX},
                ],
            }
        ),
        "/contents",
    ),
    "bubble over 30 KB": (body_of(*[{"type": "text", "text": "あ" * 1000}] * 11), "/"),
    "carousel over 50 KB": (
        flex(
            {
                "type": "carousel",
                "contents": [body_of(*[{"type": "text", "text": "あ" * 1000}] * 9)["contents"]] * 2,
            }
        ),
        "/",
    ),
}


def check(*said: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({"messages": list(said)}).encode()
    return read_json(body, messages.VALIDATE_REQUEST)


@pytest.mark.parametrize("name", GOOD)
def test_what_line_takes_is_taken(name: str) -> None:
    check(GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_what_line_refuses_is_refused_at_its_place(name: str) -> None:
    message, where = BAD[name]
    with pytest.raises(LineError) as refused:
        check(message)
    assert refused.value.status == 400
    assert refused.value.message == "The request body has 1 error(s)"
    assert [place for _, place in refused.value.details] == [where]


@pytest.mark.parametrize("name", BAD_FLEX)
def test_what_is_wrong_in_a_flex_container_is_pointed_at(name: str) -> None:
    message, where = BAD_FLEX[name]
    with pytest.raises(LineError) as refused:
        check(text("まず"), message)
    assert refused.value.message == "A message (messages[1]) in the request body is invalid"
    assert [place for _, place in refused.value.details] == [where]


def test_five_messages_and_no_more() -> None:
    check(*[text("a")] * 5)
    for wrong in ([], [text("a")] * 6):
        with pytest.raises(LineError) as refused:
            check(*wrong)
        assert refused.value.details == [("Size must be between 1 and 5", "messages")]


def test_a_box_within_a_box_without_end_is_refused_and_nothing_falls_over() -> None:
    inner = '{"type":"box","layout":"vertical","contents":[' * 600 + "]}" * 600
    bubble = '{"type":"bubble","body":' + inner + "}"
    body = '{"messages":[{"type":"flex","altText":"a","contents":' + bubble + "}]}"
    with pytest.raises(LineError) as refused:
        read_json(body.encode(), messages.VALIDATE_REQUEST)
    assert refused.value.status == 400


@pytest.mark.parametrize("name", GOOD)
def test_what_is_taken_fits_the_official_description_too(name: str, shared_data: Path) -> None:
    described = official(shared_data / "line-openapi" / "messaging-api.yml")
    schemas = described["components"]["schemas"]

    def fits(value: Any, schema: str) -> None:
        mapping = schemas[schema].get("discriminator", {}).get("mapping", {})
        target = mapping.get(value.get("type", ""), f"#/components/schemas/{schema}")
        jsonschema.Draft202012Validator({**described, "$ref": target}).validate(value)

    message = GOOD[name]
    fits(message, "Message")
    for item in message.get("quickReply", {}).get("items", []):
        fits(item["action"], "Action")
    if message["type"] == "flex":
        fits(message["contents"], "FlexContainer")


@pytest.mark.parametrize("name", GOOD)
def test_line_s_own_library_writes_the_same_and_is_taken(name: str) -> None:
    read = sdk.Message.from_dict(GOOD[name])
    assert read is not None
    check(json.loads(read.to_json()))


@given(st.text(max_size=60))
def test_lengths_are_counted_as_utf16_counts_them(words: str) -> None:
    assert utf16_units(words) == len(words.encode("utf-16-le", "surrogatepass")) // 2
    assert grapheme_clusters(words) <= len(words)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("", 0),
        ("避難所", 3),
        ("が", 1),
        ("👨‍👩‍👧‍👦", 1),
        ("👍🏽", 1),
        ("🇯🇵🇧🇷", 2),
        ("น้ำ", 1),
        ("한국어", 3),
        ("နေ", 1),
        ("ကား", 3),  # Annex 29 sets these Burmese vowels apart
        ("क्ष", 2),  # with GB9c, of Unicode 15.1, it would be one
        ("ខ្ញុំ", 2),
        ("a\r\nb", 3),
    ],
)
def test_clusters_are_what_a_reader_calls_characters(words: str, count: int) -> None:
    assert grapheme_clusters(words) == count


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "contents",
                    "altText",
                    "body",
                    "action",
                    "actions",
                    "template",
                    "quickReply",
                    "items",
                    "layout",
                    "label",
                    "uri",
                    "columns",
                    "aspectRatio",
                    "url",
                ]
            ),
            inner
            | st.sampled_from(["text", "flex", "bubble", "box", "image", "template", "buttons"]),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_whatever_comes_the_answer_is_yes_or_a_400(value: Any) -> None:
    for check_of in (messages.MULTICAST_REQUEST, messages.RICH_MENU_REQUEST):
        with contextlib.suppress(LineError):
            read_json(json.dumps(value).encode(), check_of)
    with contextlib.suppress(LineError):
        check(value, {"type": "flex", "altText": "a", "contents": value})


@pytest.mark.timed
def test_checking_is_quick_enough_never_to_be_the_bottleneck() -> None:
    body = json.dumps({"messages": [GOOD["flex with everything"]]}).encode()
    rounds = 200
    start = time.process_time()
    for _ in range(rounds):
        read_json(body, messages.VALIDATE_REQUEST)
    assert (time.process_time() - start) / rounds < 0.001
