"""Messages of every kind that LINE takes."""

from __future__ import annotations

from typing import Any

URI = {"type": "uri", "label": "見る", "uri": "https://example.com/"}
SAY = {"type": "message", "label": "はい", "text": "はい"}
BOX: dict[str, Any] = {
    "type": "box",
    "layout": "vertical",
    "contents": [{"type": "text", "text": "避難指示", "wrap": True}],
}
PICTURE = "https://example.com/a.jpg"


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def quick(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"items": [{"type": "action", "action": action} for action in actions]}


def flex(contents: dict[str, Any], alt: str = "避難指示") -> dict[str, Any]:
    return {"type": "flex", "altText": alt, "contents": contents}


def template(**content: Any) -> dict[str, Any]:
    return {"type": "template", "altText": "選ぶ", "template": content}


BUTTONS = {"type": "buttons", "text": "どれですか", "actions": [SAY]}
GOOD: dict[str, dict[str, Any]] = {
    "text of 5,000 units": text("あ" * 5000),
    "emoji of two units": text("🌊" * 2500),
    "text with LINE emoji": text(
        "大雨 $", emojis=[{"index": 3, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}]
    ),
    "textV2 with a mention": {
        "type": "textV2",
        "text": "{who} さん {{注意}}",
        "substitution": {
            "who": {"type": "mention", "mentionee": {"type": "user", "userId": "U" + "0" * 32}}
        },
    },
    "sticker": {"type": "sticker", "packageId": "446", "stickerId": "1988"},
    "image": {"type": "image", "originalContentUrl": PICTURE, "previewImageUrl": PICTURE},
    "video": {
        "type": "video",
        "originalContentUrl": "https://example.com/a.mp4",
        "previewImageUrl": PICTURE,
        "trackingId": "t-1",
    },
    "audio": {"type": "audio", "originalContentUrl": "https://example.com/a.m4a", "duration": 900},
    "location": {
        "type": "location",
        "title": "小野川小学校",
        "address": "つくば市",
        "latitude": 36.08,
        "longitude": 140,
    },
    "imagemap": {
        "type": "imagemap",
        "baseUrl": "https://example.com/map",
        "altText": "地図",
        "baseSize": {"width": 1040, "height": 700},
        "actions": [
            {
                "type": "uri",
                "linkUri": "https://example.com/",
                "area": {"x": 0, "y": 0, "width": 520, "height": 700},
            },
            {
                "type": "message",
                "text": "避難所",
                "area": {"x": 520, "y": 0, "width": 520, "height": 700},
            },
        ],
    },
    "buttons": template(**BUTTONS, title="選択", thumbnailImageUrl=PICTURE, imageSize="cover"),
    "confirm": template(type="confirm", text="よろしいですか", actions=[SAY, SAY]),
    "carousel": template(
        type="carousel",
        columns=[{"text": "一", "actions": [SAY]}, {"text": "二", "actions": [URI]}],
    ),
    "image carousel": template(
        type="image_carousel", columns=[{"imageUrl": PICTURE, "action": URI}]
    ),
    "13 quick replies": text("どれですか", quickReply=quick(*[SAY] * 13)),
    "quick replies that open things": text(
        "どこですか",
        quickReply=quick(
            {"type": "location", "label": "場所を送る"},
            {"type": "camera", "label": "撮る"},
            {"type": "cameraRoll", "label": "選ぶ"},
            {"type": "datetimepicker", "label": "日", "data": "d", "mode": "date"},
            {"type": "clipboard", "label": "写す", "clipboardText": "0120"},
        ),
    ),
    "a label of twenty clusters": text("家族", quickReply=quick({**SAY, "label": "👨‍👩‍👧‍👦" * 20})),
    "flex bubble": flex({"type": "bubble", "size": "giga", "header": BOX, "body": BOX}),
    "flex with everything": flex(
        {
            "type": "bubble",
            "styles": {"footer": {"separator": True, "backgroundColor": "#ffffff"}},
            "hero": {"type": "image", "url": PICTURE, "size": "full", "aspectRatio": "20:13"},
            "body": {
                **BOX,
                "spacing": "md",
                "paddingAll": "12px",
                "background": {
                    "type": "linearGradient",
                    "angle": "90deg",
                    "startColor": "#ffffff",
                    "endColor": "#aa00aaff",
                },
                "contents": [
                    {
                        "type": "box",
                        "layout": "baseline",
                        "contents": [
                            {"type": "icon", "url": PICTURE, "size": "sm"},
                            {"type": "text", "text": "警戒", "size": "18px", "flex": 0},
                        ],
                    },
                    {
                        "type": "text",
                        "contents": [{"type": "span", "text": "太", "weight": "bold"}],
                    },
                    {"type": "separator", "margin": "lg"},
                    {"type": "filler"},
                    {"type": "button", "style": "primary", "action": URI},
                ],
            },
        }
    ),
    "flex carousel": flex({"type": "carousel", "contents": [{"type": "bubble", "body": BOX}] * 12}),
    "sender": text("a", sender={"name": "防災課", "iconUrl": PICTURE}),
    "a picture of a trial on this machine": {
        "type": "image",
        "originalContentUrl": "http://localhost:8000/a.jpg",
        "previewImageUrl": "http://127.0.0.1:8000/a.jpg",
    },
}
