"""What users do on their phones, and the events that the service gets."""

from __future__ import annotations

import itertools
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from simulator.line.moments import PlatformTime
from simulator.line.richmenus import StoredRichMenus
from simulator.line.users import ChatItem, Users
from simulator.line.webhooks import Event, Webhooks, new_event_id

_MAX_TOKENS = 200_000


@dataclass(frozen=True, slots=True)
class Content:
    """A picture, video, sound or file a user sent."""

    body: bytes
    content_type: str
    file_name: str = ""
    expired: bool = False


@dataclass(slots=True)
class ReplyToken:
    """The recipient of a reply, and until when it is valid (seconds since 1970)."""

    user_id: str
    expires: float
    used: bool = False


class Phones:
    """All phones.

    Every act changes the chat and sends an event, in the form of LINE's description of webhooks.
    """

    def __init__(
        self,
        *,
        users: Users,
        webhooks: Webhooks,
        rich_menus: StoredRichMenus,
        time: PlatformTime,
        reply_token_seconds: float,
    ) -> None:
        self.contents: dict[str, Content] = {}
        self.reply_tokens: OrderedDict[str, ReplyToken] = OrderedDict()
        self._users = users
        self._webhooks = webhooks
        self._rich_menus = rich_menus
        self._time = time
        self._reply_token_seconds = reply_token_seconds
        self._ids = itertools.count(500_000_000_000_000_001)

    def next_message_id(self) -> str:
        """A message id as LINE gives them: 18 digits."""
        return str(next(self._ids))

    def follow(self, user_id: str) -> Event:
        """Add the account as a friend, or unblock it."""
        user = self._users.get(user_id)
        unblocked = user.standing == "blocked"
        self._users.set_standing(user_id, "friend")
        self._notice(user_id, "unblocked" if unblocked else "followed")
        return self._send(user_id, "follow", {"follow": {"isUnblocked": unblocked}}, replyable=True)

    def block(self, user_id: str) -> Event:
        """Block the account; the service hears ``unfollow``."""
        self._users.set_standing(user_id, "blocked")
        self._notice(user_id, "blocked")
        return self._send(user_id, "unfollow", {}, replyable=False)

    def send_text(self, user_id: str, text: str, *, quoted_id: str | None = None) -> Event:
        """Write something."""
        if not text or len(text) > 10_000:
            raise BadInput("a text has 1 to 10,000 characters")
        content = {"type": "text", "text": text, "quoteToken": secrets.token_urlsafe(24)}
        if quoted_id is not None:
            content["quotedMessageId"] = quoted_id
        return self._say(user_id, content)

    def send_sticker(self, user_id: str, package_id: str, sticker_id: str) -> Event:
        """Send a sticker."""
        return self._say(
            user_id,
            {
                "type": "sticker",
                "packageId": package_id,
                "stickerId": sticker_id,
                "stickerResourceType": "STATIC",
                "keywords": ["hello"],
                "quoteToken": secrets.token_urlsafe(24),
            },
        )

    def send_media(
        self,
        user_id: str,
        kind: str,
        content: Content,
        *,
        duration_ms: int | None = None,
        image_set: tuple[str, int, int] | None = None,
    ) -> Event:
        """Send a picture, video, sound or file.

        Parameters
        ----------
        kind
            ``image``, ``video``, ``audio`` or ``file``.
        image_set
            Id, place (from 1) and size of the set a picture was sent with.
        """
        message: dict[str, Any] = {"type": kind}
        if kind == "file":
            message["fileName"] = content.file_name or "file"
            message["fileSize"] = len(content.body)
        else:
            message["contentProvider"] = {"type": "line"}
        if kind in ("image", "video"):
            message["quoteToken"] = secrets.token_urlsafe(24)
        if kind in ("video", "audio"):
            message["duration"] = duration_ms or 3_000
        if image_set is not None:
            message["imageSet"] = dict(zip(("id", "index", "total"), image_set, strict=True))
        message_id = self.next_message_id()
        self.contents[message_id] = content
        return self._say(user_id, message, message_id)

    def send_location(
        self,
        user_id: str,
        latitude: float,
        longitude: float,
        *,
        title: str | None = None,
        address: str | None = None,
    ) -> Event:
        """Send a place."""
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise BadInput("a place lies between -90 and 90 north, -180 and 180 east")
        message: dict[str, Any] = {"type": "location"}
        if title:
            message["title"] = title
        if address:
            message["address"] = address
        message["latitude"] = latitude
        message["longitude"] = longitude
        return self._say(user_id, message)

    def postback(
        self,
        user_id: str,
        data: str,
        *,
        params: dict[str, str] | None = None,
        display_text: str | None = None,
    ) -> Event:
        """Press something that sends a postback."""
        if display_text:
            self._put(user_id, self.next_message_id(), {"type": "text", "text": display_text})
        content: dict[str, Any] = {"data": data}
        if params:
            content["params"] = params
        return self._send(user_id, "postback", {"postback": content}, replyable=True)

    def tap(
        self, user_id: str, action: dict[str, Any], *, params: dict[str, str] | None = None
    ) -> Event | None:
        """Do an action; None if it sends nothing to the service.

        Parameters
        ----------
        params
            The picked value of a date picker: ``{"date": …}``, ``{"time": …}`` or ``{"datetime":
            …}``.
        """
        match action.get("type"):
            case "message":
                return self.send_text(user_id, str(action["text"]))
            case "postback":
                return self.postback(
                    user_id,
                    str(action["data"]),
                    display_text=action.get("displayText") or action.get("text"),
                )
            case "datetimepicker":
                if not params:
                    raise BadInput("a date picker needs what was picked")
                return self.postback(user_id, str(action["data"]), params=params)
            case "richmenuswitch":
                return self._switch_menu(user_id, action)
            case "uri" | "clipboard" | "camera" | "cameraRoll" | "location":
                return None
            case other:
                raise BadInput(f"there is no action {other!r}")

    def unsend(self, user_id: str, message_id: str) -> Event:
        """Take a message back."""
        if not self._users.take_back(user_id, message_id):
            raise BadInput(f"{message_id} is not a message of this user")
        self._notice(user_id, "unsent")
        return self._send(user_id, "unsend", {"unsend": {"messageId": message_id}}, replyable=False)

    def raw_event(self, event: Event) -> Event:
        """Send any event; missing common fields are added."""
        at = self._time.milliseconds()
        full: Event = {
            "mode": "active",
            "timestamp": at,
            "webhookEventId": new_event_id(at),
            "deliveryContext": {"isRedelivery": False},
            **event,
        }
        self._webhooks.enqueue(full)
        return full

    def expire_content(self, message_id: str) -> None:
        """Delete LINE's copy of a picture, as LINE does after a time."""
        kept = self.contents[message_id]
        self.contents[message_id] = Content(b"", kept.content_type, kept.file_name, expired=True)

    def clear(self) -> None:
        """Forget everything."""
        self.contents.clear()
        self.reply_tokens.clear()

    def _switch_menu(self, user_id: str, action: dict[str, Any]) -> Event:
        alias = str(action["richMenuAliasId"])
        target = self._rich_menus.aliases.get(alias)
        status = "SUCCESS" if target is not None else "RICHMENU_ALIAS_ID_NOTFOUND"
        if target is not None:
            user = self._users.get(user_id)
            user.rich_menu_id = target
            self._users.tell(user_id, "richmenu", {"switched": True})
        params = {"newRichMenuAliasId": alias, "status": status}
        return self.postback(user_id, str(action["data"]), params=params)

    def _say(self, user_id: str, content: dict[str, Any], message_id: str | None = None) -> Event:
        made = message_id or self.next_message_id()
        message = {"type": content["type"], "id": made, **content}
        self._put(user_id, made, message)
        return self._send(user_id, "message", {"message": message}, replyable=True)

    def _put(self, user_id: str, message_id: str, message: dict[str, Any]) -> None:
        self._users.put(user_id, ChatItem(message_id, "user", self._time.milliseconds(), message))

    def _notice(self, user_id: str, what: str) -> None:
        self._users.put(
            user_id,
            ChatItem(
                self.next_message_id(),
                "notice",
                self._time.milliseconds(),
                {"type": "notice", "notice": what},
            ),
        )

    def _send(self, user_id: str, kind: str, more: dict[str, Any], *, replyable: bool) -> Event:
        # While a person blocks the account, no events come from them.
        at = self._time.milliseconds()
        event: Event = {
            "type": kind,
            **more,
            "webhookEventId": new_event_id(at),
            "deliveryContext": {"isRedelivery": False},
            "timestamp": at,
            "source": {"type": "user", "userId": user_id},
            "mode": "active",
        }
        if replyable:
            event["replyToken"] = self._reply_token(user_id)
        if kind != "unfollow" and self._users.get(user_id).standing == "blocked":
            return event
        self._webhooks.enqueue(event)
        return event

    def _reply_token(self, user_id: str) -> str:
        token = secrets.token_hex(16)
        self.reply_tokens[token] = ReplyToken(
            user_id, self._time.seconds() + self._reply_token_seconds
        )
        while len(self.reply_tokens) > _MAX_TOKENS:
            self.reply_tokens.popitem(last=False)
        return token
