"""The valid forms of requests to LINE: our own copy, for the parts that Todoke uses.

Source: LINE's OpenAPI description of the Messaging API (Apache-2.0, LY Corporation) for names,
required fields, choices and the limits it states; the Messaging API reference for the limits it
does not state. It is written by hand, type by type, and a test compares it with the description
(``COMPONENTS`` maps its schemas to checks). Where the two differ, this copy is stricter.
"""

from __future__ import annotations

import re
from typing import Any

from simulator.line import actions, flex
from simulator.line.checks import (
    Check,
    array,
    boolean,
    https_url,
    integer,
    link_uri,
    mapping,
    number,
    one_of,
    record,
    text,
)

MAX_MESSAGES = 5
MAX_RECIPIENTS = 500
# LINE has raised the limit for alternative texts since; every version allows 400.
ALT_TEXT_MOST = 400

_type = text()
_alt_text = text(least=1, most=ALT_TEXT_MOST)
_token = text(least=1)

QUICK_REPLY_ITEM = record(
    {
        "type": text(choices=("action",)),
        "imageUrl": https_url(),
        "action": actions.QUICK_REPLY_ACTION,
    },
    required=("action",),
)
QUICK_REPLY = record({"items": array(QUICK_REPLY_ITEM, least=1, most=13)}, required=("items",))
SENDER = record({"name": text(most=20), "iconUrl": https_url()})

_common: dict[str, Check] = {"type": _type, "quickReply": QUICK_REPLY, "sender": SENDER}

EMOJI = record(
    {"index": integer(0), "productId": text(least=1), "emojiId": text(least=1)},
    required=("index", "productId", "emojiId"),
)


def _dollars_stand_where_said(message: dict[str, Any]) -> str | None:
    """Every emoji's index must point at a ``$`` in the text, counted in UTF-16 units."""
    emojis = message.get("emojis")
    if not emojis:
        return None
    units = message["text"].encode("utf-16-le")
    for emoji in emojis:
        start = emoji["index"] * 2
        if units[start : start + 2] != b"$\x00":
            return "emoji index must point at a $"
    return None


TEXT = record(
    {
        **_common,
        "text": text(least=1, most=5000),
        "emojis": array(EMOJI, most=20),
        "quoteToken": _token,
    },
    required=("text",),
    also=_dollars_stand_where_said,
)

USER_TARGET = record({"type": _type, "userId": text(pattern="U[0-9a-f]{32}")}, required=("userId",))
ALL_TARGET = record({"type": _type})
MENTION = record(
    {"type": _type, "mentionee": one_of({"user": USER_TARGET, "all": ALL_TARGET})},
    required=("mentionee",),
)
EMOJI_SUBSTITUTION = record(
    {"type": _type, "productId": text(least=1), "emojiId": text(least=1)},
    required=("productId", "emojiId"),
)
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([a-zA-Z0-9_]{1,20})\}|[{}]")


def _braces_are_filled(message: dict[str, Any]) -> str | None:
    substitution = message.get("substitution", {})
    for match in _PLACEHOLDER.finditer(message["text"]):
        if match.group(0) in ("{", "}"):
            return "a single brace must be doubled"
        key = match.group(1)
        if key is not None and key not in substitution:
            return f"no substitution for {{{key}}}"
    return None


TEXT_V2 = record(
    {
        **_common,
        "text": text(least=1, most=5000),
        "substitution": mapping(
            one_of({"mention": MENTION, "emoji": EMOJI_SUBSTITUTION}), most=100
        ),
        "quoteToken": _token,
    },
    required=("text",),
    also=_braces_are_filled,
)

STICKER = record(
    {
        **_common,
        "packageId": text(pattern=r"\d{1,20}"),
        "stickerId": text(pattern=r"\d{1,20}"),
        "quoteToken": _token,
    },
    required=("packageId", "stickerId"),
)
IMAGE = record(
    {**_common, "originalContentUrl": https_url(), "previewImageUrl": https_url()},
    required=("originalContentUrl", "previewImageUrl"),
)
VIDEO = record(
    {
        **_common,
        "originalContentUrl": https_url(),
        "previewImageUrl": https_url(),
        "trackingId": text(least=1, most=100),
    },
    required=("originalContentUrl", "previewImageUrl"),
)
AUDIO = record(
    {**_common, "originalContentUrl": https_url(), "duration": integer(1)},
    required=("originalContentUrl", "duration"),
)
LOCATION = record(
    {
        **_common,
        "title": text(least=1, most=100),
        "address": text(least=1, most=100),
        "latitude": number(-90, 90),
        "longitude": number(-180, 180),
    },
    required=("title", "address", "latitude", "longitude"),
)

IMAGEMAP_AREA = record(
    {"x": integer(0), "y": integer(0), "width": integer(1), "height": integer(1)},
    required=("x", "y", "width", "height"),
)
IMAGEMAP_SIZE = record(
    {"width": integer(1040, 1040), "height": integer(1)}, required=("width", "height")
)
_imagemap_label = text(most=100, unit="graphemes")
MESSAGE_IMAGEMAP_ACTION = record(
    {
        "type": _type,
        "area": IMAGEMAP_AREA,
        "text": text(least=1, most=400),
        "label": _imagemap_label,
    },
    required=("area", "text"),
)
URI_IMAGEMAP_ACTION = record(
    {"type": _type, "area": IMAGEMAP_AREA, "linkUri": link_uri(), "label": _imagemap_label},
    required=("area", "linkUri"),
)
CLIPBOARD_IMAGEMAP_ACTION = record(
    {
        "type": _type,
        "area": IMAGEMAP_AREA,
        "clipboardText": text(least=1, most=1000),
        "label": _imagemap_label,
    },
    required=("area", "clipboardText"),
)
IMAGEMAP_LINK = record({"linkUri": link_uri(), "label": text(least=1, most=30)})
IMAGEMAP_VIDEO = record(
    {
        "originalContentUrl": https_url(),
        "previewImageUrl": https_url(),
        "area": IMAGEMAP_AREA,
        "externalLink": IMAGEMAP_LINK,
    }
)
IMAGEMAP = record(
    {
        **_common,
        "baseUrl": https_url(),
        "altText": _alt_text,
        "baseSize": IMAGEMAP_SIZE,
        "actions": array(
            one_of(
                {
                    "message": MESSAGE_IMAGEMAP_ACTION,
                    "uri": URI_IMAGEMAP_ACTION,
                    "clipboard": CLIPBOARD_IMAGEMAP_ACTION,
                }
            ),
            most=50,
        ),
        "video": IMAGEMAP_VIDEO,
    },
    required=("baseUrl", "altText", "baseSize", "actions"),
)

_color = text(pattern=r"#[0-9a-fA-F]{6}")


def _short_beside_picture(plain_most: int) -> Any:
    """A template's text is shorter (60) when it has a picture or a title."""

    def rule(template: dict[str, Any]) -> str | None:
        shortened = "title" in template or "thumbnailImageUrl" in template
        most = 60 if shortened else plain_most
        if text(least=1, most=most).test(template["text"]) is not None:
            return f"text must not be longer than {most} characters"
        return None

    return rule


BUTTONS = record(
    {
        "type": _type,
        "thumbnailImageUrl": https_url(),
        "imageAspectRatio": text(choices=("rectangle", "square")),
        "imageSize": text(choices=("cover", "contain")),
        "imageBackgroundColor": _color,
        "title": text(least=1, most=40),
        "text": text(least=1, most=160),
        "defaultAction": actions.TEMPLATE_DEFAULT_ACTION,
        "actions": array(actions.TEMPLATE_ACTION, least=1, most=4),
    },
    required=("text", "actions"),
    also=_short_beside_picture(160),
)
CONFIRM = record(
    {
        "type": _type,
        "text": text(least=1, most=240),
        "actions": array(actions.TEMPLATE_ACTION, least=2, most=2),
    },
    required=("text", "actions"),
)
CAROUSEL_COLUMN = record(
    {
        "thumbnailImageUrl": https_url(),
        "imageBackgroundColor": _color,
        "title": text(least=1, most=40),
        "text": text(least=1, most=120),
        "defaultAction": actions.TEMPLATE_DEFAULT_ACTION,
        "actions": array(actions.TEMPLATE_ACTION, least=1, most=3),
    },
    required=("text", "actions"),
    also=_short_beside_picture(120),
)


def _columns_are_alike(columns: list[Any]) -> str | None:
    if len({len(column["actions"]) for column in columns}) > 1:
        return "columns must have the same number of actions"
    if len({("thumbnailImageUrl" in column, "title" in column) for column in columns}) > 1:
        return "columns must all have an image and a title, or none"
    return None


CAROUSEL = record(
    {
        "type": _type,
        "columns": array(CAROUSEL_COLUMN, least=1, most=10, also=_columns_are_alike),
        "imageAspectRatio": text(choices=("rectangle", "square")),
        "imageSize": text(choices=("cover", "contain")),
    },
    required=("columns",),
)
IMAGE_COLUMN = record(
    {"imageUrl": https_url(), "action": actions.IMAGE_COLUMN_ACTION},
    required=("imageUrl", "action"),
)
IMAGE_CAROUSEL = record(
    {"type": _type, "columns": array(IMAGE_COLUMN, least=1, most=10)}, required=("columns",)
)
TEMPLATE = record(
    {
        **_common,
        "altText": _alt_text,
        "template": one_of(
            {
                "buttons": BUTTONS,
                "confirm": CONFIRM,
                "carousel": CAROUSEL,
                "image_carousel": IMAGE_CAROUSEL,
            }
        ),
    },
    required=("altText", "template"),
)
FLEX = record(
    {**_common, "altText": _alt_text, "contents": flex.CONTAINER},
    required=("altText", "contents"),
)

MESSAGE = one_of(
    {
        "text": TEXT,
        "textV2": TEXT_V2,
        "sticker": STICKER,
        "image": IMAGE,
        "video": VIDEO,
        "audio": AUDIO,
        "location": LOCATION,
        "imagemap": IMAGEMAP,
        "template": TEMPLATE,
        "flex": FLEX,
    }
)
MESSAGES = array(MESSAGE, least=1, most=MAX_MESSAGES)

_silent = boolean()
_units = array(text(least=1, most=30, pattern="[a-zA-Z0-9_]{1,30}"), most=1)
# The content of ``to`` is checked separately, because LINE's error for it has another form.
_recipient = text(least=1)

REPLY_REQUEST = record(
    {"replyToken": text(least=1), "messages": MESSAGES, "notificationDisabled": _silent},
    required=("replyToken", "messages"),
)
PUSH_REQUEST = record(
    {
        "to": _recipient,
        "messages": MESSAGES,
        "notificationDisabled": _silent,
        "customAggregationUnits": _units,
    },
    required=("to", "messages"),
)
MULTICAST_REQUEST = record(
    {
        "to": array(_recipient, least=1, most=MAX_RECIPIENTS),
        "messages": MESSAGES,
        "notificationDisabled": _silent,
        "customAggregationUnits": _units,
    },
    required=("to", "messages"),
)
BROADCAST_REQUEST = record(
    {"messages": MESSAGES, "notificationDisabled": _silent}, required=("messages",)
)
# A multicast without its ``to``: what all batches of one variant have in common.
MULTICAST_REST = record(
    {"messages": MESSAGES, "notificationDisabled": _silent, "customAggregationUnits": _units},
    required=("messages",),
)
VALIDATE_REQUEST = record({"messages": MESSAGES}, required=("messages",))
LOADING_REQUEST = record(
    {"chatId": text(least=1), "loadingSeconds": integer(5, 60, step=5)}, required=("chatId",)
)
WEBHOOK_ENDPOINT_REQUEST = record({"endpoint": https_url(500)}, required=("endpoint",))
WEBHOOK_TEST_REQUEST = record({"endpoint": https_url(500)})

_big = 2_147_483_647
RICH_MENU_BOUNDS = record(
    {
        "x": integer(0, _big),
        "y": integer(0, _big),
        "width": integer(1, _big),
        "height": integer(1, _big),
    },
    required=("x", "y", "width", "height"),
)
RICH_MENU_AREA = record(
    {"bounds": RICH_MENU_BOUNDS, "action": actions.RICH_MENU_ACTION},
    required=("bounds", "action"),
)


def _proportions(size: dict[str, Any]) -> str | None:
    if size["width"] / size["height"] < 1.45:
        return "width / height must be 1.45 or more"
    return None


RICH_MENU_SIZE = record(
    {"width": integer(800, 2500), "height": integer(250, 2500)},
    required=("width", "height"),
    also=_proportions,
)
RICH_MENU_REQUEST = record(
    {
        "size": RICH_MENU_SIZE,
        "selected": boolean(),
        "name": text(least=1, most=300),
        "chatBarText": text(least=1, most=14),
        "areas": array(RICH_MENU_AREA, most=20),
    },
    required=("size", "selected", "name", "chatBarText", "areas"),
)
ALIAS_REQUEST = record(
    {
        "richMenuAliasId": text(least=1, most=32, pattern="[a-z0-9_-]{1,32}"),
        "richMenuId": text(least=1),
    },
    required=("richMenuAliasId", "richMenuId"),
)
ALIAS_UPDATE_REQUEST = record({"richMenuId": text(least=1)}, required=("richMenuId",))
_user_ids = array(_recipient, least=1, most=MAX_RECIPIENTS)
BULK_LINK_REQUEST = record(
    {"richMenuId": text(least=1), "userIds": _user_ids}, required=("richMenuId", "userIds")
)
BULK_UNLINK_REQUEST = record({"userIds": _user_ids}, required=("userIds",))
_menu_id = text(least=1)
BATCH_REQUEST = record(
    {
        "operations": array(
            one_of(
                {
                    "link": record(
                        {"type": _type, "from": _menu_id, "to": _menu_id}, required=("from", "to")
                    ),
                    "unlink": record({"type": _type, "from": _menu_id}, required=("from",)),
                    "unlinkAll": record({"type": _type}),
                }
            ),
            most=1000,
        ),
        "resumeRequestKey": text(least=1, most=100, pattern="[a-zA-Z0-9_-]{1,100}"),
    },
    required=("operations",),
)

COMPONENTS: dict[str, Check] = {
    "ReplyMessageRequest": REPLY_REQUEST,
    "PushMessageRequest": PUSH_REQUEST,
    "MulticastRequest": MULTICAST_REQUEST,
    "BroadcastRequest": BROADCAST_REQUEST,
    "ValidateMessageRequest": VALIDATE_REQUEST,
    "ShowLoadingAnimationRequest": LOADING_REQUEST,
    "SetWebhookEndpointRequest": WEBHOOK_ENDPOINT_REQUEST,
    "TestWebhookEndpointRequest": WEBHOOK_TEST_REQUEST,
    "RichMenuRequest": RICH_MENU_REQUEST,
    "RichMenuSize": RICH_MENU_SIZE,
    "RichMenuArea": RICH_MENU_AREA,
    "RichMenuBounds": RICH_MENU_BOUNDS,
    "CreateRichMenuAliasRequest": ALIAS_REQUEST,
    "UpdateRichMenuAliasRequest": ALIAS_UPDATE_REQUEST,
    "RichMenuBulkLinkRequest": BULK_LINK_REQUEST,
    "RichMenuBulkUnlinkRequest": BULK_UNLINK_REQUEST,
    "RichMenuBatchRequest": BATCH_REQUEST,
    "QuickReply": QUICK_REPLY,
    "QuickReplyItem": QUICK_REPLY_ITEM,
    "Sender": SENDER,
    "Emoji": EMOJI,
    "TextMessage": TEXT,
    "TextMessageV2": TEXT_V2,
    "MentionSubstitutionObject": MENTION,
    "UserMentionTarget": USER_TARGET,
    "AllMentionTarget": ALL_TARGET,
    "EmojiSubstitutionObject": EMOJI_SUBSTITUTION,
    "StickerMessage": STICKER,
    "ImageMessage": IMAGE,
    "VideoMessage": VIDEO,
    "AudioMessage": AUDIO,
    "LocationMessage": LOCATION,
    "ImagemapMessage": IMAGEMAP,
    "ImagemapBaseSize": IMAGEMAP_SIZE,
    "ImagemapArea": IMAGEMAP_AREA,
    "ImagemapVideo": IMAGEMAP_VIDEO,
    "ImagemapExternalLink": IMAGEMAP_LINK,
    "MessageImagemapAction": MESSAGE_IMAGEMAP_ACTION,
    "URIImagemapAction": URI_IMAGEMAP_ACTION,
    "ClipboardImagemapAction": CLIPBOARD_IMAGEMAP_ACTION,
    "TemplateMessage": TEMPLATE,
    "ButtonsTemplate": BUTTONS,
    "ConfirmTemplate": CONFIRM,
    "CarouselTemplate": CAROUSEL,
    "CarouselColumn": CAROUSEL_COLUMN,
    "ImageCarouselTemplate": IMAGE_CAROUSEL,
    "ImageCarouselColumn": IMAGE_COLUMN,
    "FlexMessage": FLEX,
    "FlexBubble": flex.BUBBLE,
    "FlexCarousel": flex.CAROUSEL,
    "FlexBubbleStyles": flex.BUBBLE_STYLES,
    "FlexBlockStyle": flex.BLOCK_STYLE,
    "FlexBox": flex.BOX,
    "FlexButton": flex.BUTTON,
    "FlexImage": flex.IMAGE,
    "FlexVideo": flex.VIDEO,
    "FlexIcon": flex.ICON,
    "FlexText": flex.TEXT,
    "FlexSpan": flex.SPAN,
    "FlexSeparator": flex.SEPARATOR,
    "FlexFiller": flex.FILLER,
    "FlexBoxLinearGradient": flex.GRADIENT,
    "AltUri": actions.ALT_URI,
}
