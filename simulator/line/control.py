"""The control API of the simulator for tests, demos and the phone page, under ``/_simulator``.

========= ================================== ====================================================
method    path                               does
========= ================================== ====================================================
GET       ``state``                          account, users, webhook, faults, ready photos
GET POST  ``users``                          list; create (``name``, ``language``, ``pictureUrl``,
                                             ``follows``, ``userId``)
POST      ``friends``                        ``number`` of new friends who never wrote, and
                                             ``userIds`` of others; no webhook is sent
GET       ``users/{id}``                     one user with chat and rich menu
POST      ``users/{id}/follow``, ``block``   follow or unblock; block
POST      ``users/{id}/text``                ``text``, ``quotedMessageId``
POST      ``users/{id}/sticker``             ``packageId``, ``stickerId``
POST      ``users/{id}/location``            ``latitude``, ``longitude``, ``title``, ``address``
POST      ``users/{id}/postback``            ``data``, ``params``, ``displayText``
POST      ``users/{id}/tap``                 ``action`` (any action object), ``params``
POST      ``users/{id}/photo``               ``ready``: the name of a ready photo
POST      ``users/{id}/media``               raw body; ``?kind=image|video|audio|file&name=``;
                                             ``&set=&index=&total=`` for one of several photos
POST      ``users/{id}/unsend``              ``messageId``
POST      ``events``                         any event, as it will be sent
GET PUT   ``faults``                         ``spec`` as in :class:`FaultPlan`
GET       ``ledger``                         ``?user=&limit=&after=``; entries in order;
                                             ``&newest=1`` from the last back, with at most
                                             ten recipients named
GET       ``ledger/summary``                 requests, deliveries, how many were reached how often
                                             (a million take half a second; not with ``?brief=1``)
GET       ``stats``                          per endpoint: requests, most in ``?seconds=1``
GET PUT   ``webhook``                        attempts; ``url``, ``active``, ``redelivery``
POST      ``webhook/hold``, ``release``      keep events back; ``shuffle``, ``perRequest``, ``seed``
PUT       ``limits``, ``quota``              ``enabled``; ``value``
POST      ``clock``                          ``advance``: seconds
POST      ``idle``                           answers when no webhook is on its way any more
POST      ``contents/{id}/expire``           LINE's copy of a picture is gone
POST      ``reset``                          forget everything but options
========= ================================== ====================================================
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from core.errors import BadInput
from simulator.line.answers import Answer, Request, answer_json
from simulator.line.faults import FaultPlan
from simulator.line.ledger import unpack_ids
from simulator.line.phones import Content
from simulator.line.recipients import USER_ID
from simulator.line.routes import Names
from simulator.line.state import SimulatorState
from simulator.line.webhooks import Event

PREFIX = "/_simulator/"
# How many recipients of a request the page names.
_NAMED = 10
_MOST_FRIENDS = 1_000_000
_MEDIA_KINDS = frozenset({"image", "video", "audio", "file"})

Act = Callable[[Request, Names], Answer | Awaitable[Answer]]


class Control:
    """Answers everything under ``/_simulator`` that is not a stream."""

    def __init__(self, simulator: SimulatorState) -> None:
        self._simulator = simulator
        user = r"users/(?P<user_id>[^/]+)"
        acts: list[tuple[str, str, Act]] = [
            ("GET", "state", self._state),
            ("GET", "users", self._users),
            ("POST", "users", self._add_user),
            ("POST", "friends", self._befriend),
            ("GET", user, self._user),
            ("POST", rf"{user}/follow", self._follow),
            ("POST", rf"{user}/block", self._block),
            ("POST", rf"{user}/text", self._text),
            ("POST", rf"{user}/sticker", self._sticker),
            ("POST", rf"{user}/location", self._location),
            ("POST", rf"{user}/postback", self._postback),
            ("POST", rf"{user}/tap", self._tap),
            ("POST", rf"{user}/photo", self._photo),
            ("POST", rf"{user}/media", self._media),
            ("POST", rf"{user}/unsend", self._unsend),
            ("POST", "events", self._raw_event),
            ("GET", "faults", self._get_faults),
            ("PUT", "faults", self._set_faults),
            ("GET", "ledger", self._ledger),
            ("GET", "ledger/summary", self._summary),
            ("GET", "stats", self._stats),
            ("GET", "webhook", self._get_webhook),
            ("PUT", "webhook", self._set_webhook),
            ("POST", "webhook/hold", self._hold),
            ("POST", "webhook/release", self._release),
            ("PUT", "limits", self._set_limits),
            ("PUT", "quota", self._set_quota),
            ("POST", "clock", self._clock),
            ("POST", "idle", self._idle),
            ("POST", r"contents/(?P<message_id>\d+)/expire", self._expire),
            ("GET", r"contents/(?P<message_id>\d+)", self._content),
            ("GET", r"richmenus/(?P<menu_id>[^/]+)/image", self._menu_image),
            ("GET", r"photos/(?P<name>[a-z0-9-]+)", self._ready_photo),
            ("GET", "map", self._map),
            ("POST", "reset", self._reset),
        ]
        self._acts = [(method, re.compile(pattern), act) for method, pattern, act in acts]

    async def handle(self, request: Request) -> Answer:
        """Answer a request; faults of the caller are 400 with one sentence."""
        path = request.path.removeprefix(PREFIX)
        for method, pattern, act in self._acts:
            match = pattern.fullmatch(path)
            if method != request.method or match is None:
                continue
            try:
                answer = act(request, match.groupdict())
                return answer if isinstance(answer, Answer) else await answer
            except KeyError as error:
                return answer_json({"message": f"there is no {error.args[0]}"}, 404)
            except BadInput as error:
                return answer_json({"message": str(error)}, 400)
        return answer_json({"message": "there is nothing at this path"}, 404)

    # Reading

    def _state(self, _request: Request, _names: Names) -> Answer:
        simulator = self._simulator
        return answer_json(
            {
                "account": simulator.options.account_name,
                "users": [user.as_json() for user in simulator.users.people.values()],
                "webhook": {
                    "url": simulator.webhooks.url,
                    "held": len(simulator.webhooks.held),
                    "redelivery": simulator.webhooks.redelivery,
                },
                "faults": str(simulator.faults),
                "photos": simulator.ready_photos.names(),
                "quota": simulator.platform.account.quota,
            }
        )

    def _users(self, _request: Request, _names: Names) -> Answer:
        return answer_json([user.as_json() for user in self._simulator.users.people.values()])

    def _user(self, _request: Request, names: Names) -> Answer:
        user = self._simulator.users.get(names["user_id"])
        menu = self._simulator.rich_menus.shown_to(user.rich_menu_id)
        shown = menu is not None and menu.picture is not None
        return answer_json(
            {
                **user.as_json(),
                "chat": [item.as_json() for item in user.chat],
                "richMenu": menu.as_json() if menu is not None and shown else None,
            }
        )

    def _ledger(self, request: Request, _names: Names) -> Answer:
        ledger = self._simulator.ledger
        wanted = request.query.get("user")
        if wanted is not None and USER_ID.fullmatch(wanted) is None:
            raise BadInput("user must be a LINE user id")
        entries = ledger.entries if wanted is None else ledger.deliveries(wanted)
        after = _whole(request.query.get("after", "0"), "after")
        limit = _whole(request.query.get("limit", "100"), "limit")
        newest = request.query.get("newest") == "1"
        ordered = reversed(entries) if newest else iter(entries)
        told = []
        for entry in itertools.islice(ordered, after, after + limit):
            named = entry.packed[: _NAMED * 16] if newest else entry.packed
            told.append(
                {
                    "at": entry.at,
                    "endpoint": entry.endpoint,
                    "requestId": entry.request_id,
                    "retryKey": entry.retry_key,
                    "replyToken": entry.reply_token,
                    "recipients": entry.recipients,
                    "userIds": unpack_ids(named) if wanted is None else [wanted],
                    "messages": entry.messages,
                    "aggregationUnit": entry.aggregation_unit,
                    "notificationDisabled": entry.silent,
                }
            )
        return answer_json(told)

    def _summary(self, request: Request, _names: Names) -> Answer:
        ledger = self._simulator.ledger
        brief = ledger.mode == "counts" or request.query.get("brief") == "1"
        times = {} if brief else ledger.counts_by_times()
        return answer_json(
            {
                "requests": ledger.requests,
                "deliveries": ledger.deliveries_total,
                "usersByTimes": {str(count): users for count, users in sorted(times.items())},
                "firstAt": ledger.first_at,
                "lastAt": ledger.last_at,
            }
        )

    def _stats(self, request: Request, _names: Names) -> Answer:
        try:
            seconds = float(request.query.get("seconds", "1"))
        except ValueError as error:
            raise BadInput("seconds must be a number") from error
        limiter = self._simulator.limiter
        answer = {}
        for endpoint in limiter.endpoints():
            moments = limiter.moments(endpoint)
            answer[endpoint] = {
                "requests": len(moments),
                "maxInWindow": limiter.max_in_window(endpoint, seconds),
                "firstAt": moments[0],
                "lastAt": moments[-1],
            }
        return answer_json(answer)

    def _content(self, _request: Request, names: Names) -> Answer:
        content = self._simulator.phones.contents[names["message_id"]]
        return Answer(200, content.body, content.content_type)

    def _menu_image(self, _request: Request, names: Names) -> Answer:
        menu = self._simulator.rich_menus.menus[names["menu_id"]]
        return Answer(200, menu.picture or b"", menu.picture_type)

    def _ready_photo(self, _request: Request, names: Names) -> Answer:
        return Answer(200, self._simulator.ready_photos.read(names["name"]), "image/jpeg")

    def _map(self, _request: Request, _names: Names) -> Answer:
        return Answer(200, self._simulator.map_geojson, "application/geo+json")

    # Acting as a user

    def _add_user(self, request: Request, _names: Names) -> Answer:
        wish = _read(request)
        name = _text(wish, "name", most=40)
        language = wish.get("language", "ja")
        user_id = wish.get("userId")
        if user_id is not None and USER_ID.fullmatch(str(user_id)) is None:
            raise BadInput("userId must be U and 32 hexadecimal digits")
        picture = wish.get("pictureUrl")
        made = self._simulator.users.add_user(
            name,
            None if language is None else str(language)[:20],
            user_id=user_id,
            picture_url=None if picture is None else str(picture)[:2000],
            follows=bool(wish.get("follows", False)),
        )
        return answer_json({"userId": made})

    def _befriend(self, request: Request, _names: Names) -> Answer:
        wish = _read(request)
        number, user_ids = wish.get("number", 0), wish.get("userIds", [])
        if not isinstance(number, int) or not 0 <= number <= _MOST_FRIENDS:
            raise BadInput(f"number must be a number from 0 to {_MOST_FRIENDS}")
        if not isinstance(user_ids, list) or not all(
            USER_ID.fullmatch(str(each)) for each in user_ids
        ):
            raise BadInput("userIds must be a list of U and 32 hexadecimal digits")
        users = self._simulator.users
        users.befriend(user_ids)
        users.add_friends(number)
        return answer_json({"friends": len(users.followers())})

    def _follow(self, _request: Request, names: Names) -> Answer:
        return _event(self._simulator.phones.follow(names["user_id"]))

    def _block(self, _request: Request, names: Names) -> Answer:
        return _event(self._simulator.phones.block(names["user_id"]))

    def _text(self, request: Request, names: Names) -> Answer:
        wish = _read(request)
        quoted = wish.get("quotedMessageId")
        return _event(
            self._simulator.phones.send_text(
                names["user_id"], _text(wish, "text"), quoted_id=quoted
            )
        )

    def _sticker(self, request: Request, names: Names) -> Answer:
        wish = _read(request)
        return _event(
            self._simulator.phones.send_sticker(
                names["user_id"], _text(wish, "packageId"), _text(wish, "stickerId")
            )
        )

    def _location(self, request: Request, names: Names) -> Answer:
        wish = _read(request)
        try:
            latitude, longitude = float(wish["latitude"]), float(wish["longitude"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput("latitude and longitude must be numbers") from error
        return _event(
            self._simulator.phones.send_location(
                names["user_id"],
                latitude,
                longitude,
                title=_maybe(wish, "title"),
                address=_maybe(wish, "address"),
            )
        )

    def _postback(self, request: Request, names: Names) -> Answer:
        wish = _read(request)
        return _event(
            self._simulator.phones.postback(
                names["user_id"],
                _text(wish, "data"),
                params=wish.get("params"),
                display_text=_maybe(wish, "displayText"),
            )
        )

    def _tap(self, request: Request, names: Names) -> Answer:
        wish = _read(request)
        action = wish.get("action")
        if not isinstance(action, dict):
            raise BadInput("action must be an object")
        event = self._simulator.phones.tap(names["user_id"], action, params=wish.get("params"))
        return answer_json({}) if event is None else _event(event)

    def _photo(self, request: Request, names: Names) -> Answer:
        name = _text(_read(request), "ready")
        content = Content(self._simulator.ready_photos.read(name), "image/jpeg")
        return _event(self._simulator.phones.send_media(names["user_id"], "image", content))

    def _media(self, request: Request, names: Names) -> Answer:
        kind = request.query.get("kind", "image")
        if kind not in _MEDIA_KINDS:
            raise BadInput(f"kind must be one of {', '.join(sorted(_MEDIA_KINDS))}")
        if not request.body:
            raise BadInput("the body is empty")
        content = Content(
            request.body,
            request.headers.get("content-type", "application/octet-stream"),
            request.query.get("name", ""),
        )
        image_set = None
        if request.query.get("set"):
            image_set = (
                request.query["set"][:64],
                _whole(request.query.get("index", "1"), "index"),
                _whole(request.query.get("total", "1"), "total"),
            )
        return _event(
            self._simulator.phones.send_media(names["user_id"], kind, content, image_set=image_set)
        )

    def _unsend(self, request: Request, names: Names) -> Answer:
        message_id = _text(_read(request), "messageId")
        return _event(self._simulator.phones.unsend(names["user_id"], message_id))

    def _raw_event(self, request: Request, _names: Names) -> Answer:
        return _event(self._simulator.phones.raw_event(_read(request)))

    # Setting

    def _get_faults(self, _request: Request, _names: Names) -> Answer:
        return answer_json({"spec": str(self._simulator.faults)})

    def _set_faults(self, request: Request, _names: Names) -> Answer:
        spec = _read(request).get("spec", "")
        self._simulator.faults = FaultPlan.parse(str(spec))
        return answer_json({"spec": str(self._simulator.faults)})

    def _get_webhook(self, _request: Request, _names: Names) -> Answer:
        webhooks = self._simulator.webhooks
        return answer_json(
            {
                "url": webhooks.url,
                "active": webhooks.active,
                "redelivery": webhooks.redelivery,
                "held": [event["webhookEventId"] for event in webhooks.held],
                "givenUp": list(webhooks.given_up),
                "attempts": [
                    {
                        "eventIds": attempt.event_ids,
                        "at": attempt.at,
                        "redelivery": attempt.redelivery,
                        "status": attempt.status,
                        "detail": attempt.detail,
                    }
                    for attempt in webhooks.attempts
                ],
            }
        )

    def _set_webhook(self, request: Request, _names: Names) -> Answer:
        wish = _read(request)
        webhooks = self._simulator.webhooks
        if "url" in wish:
            webhooks.url = None if wish["url"] is None else _text(wish, "url", most=500)
        webhooks.active = bool(wish.get("active", webhooks.active))
        webhooks.redelivery = bool(wish.get("redelivery", webhooks.redelivery))
        return answer_json({})

    def _hold(self, _request: Request, _names: Names) -> Answer:
        self._simulator.webhooks.hold()
        return answer_json({})

    def _release(self, request: Request, _names: Names) -> Answer:
        wish = _read(request)
        sent = self._simulator.webhooks.release(
            shuffle=bool(wish.get("shuffle", False)),
            per_request=_whole(str(wish.get("perRequest", 1)), "perRequest"),
            seed=_whole(str(wish.get("seed", 0)), "seed"),
        )
        return answer_json({"events": sent})

    def _set_limits(self, request: Request, _names: Names) -> Answer:
        self._simulator.limiter.enabled = bool(_read(request).get("enabled", True))
        return answer_json({})

    def _set_quota(self, request: Request, _names: Names) -> Answer:
        value = _read(request).get("value")
        self._simulator.platform.account.quota = (
            None if value is None else _whole(str(value), "value")
        )
        return answer_json({})

    def _clock(self, request: Request, _names: Names) -> Answer:
        try:
            seconds = float(_read(request).get("advance", 0))
        except (TypeError, ValueError) as error:
            raise BadInput("advance must be a number of seconds") from error
        if seconds < 0:
            raise BadInput("time does not go back")
        self._simulator.time.advance(seconds)
        return answer_json({})

    async def _idle(self, _request: Request, _names: Names) -> Answer:
        await self._simulator.webhooks.idle()
        return answer_json({})

    def _expire(self, _request: Request, names: Names) -> Answer:
        self._simulator.phones.expire_content(names["message_id"])
        return answer_json({})

    def _reset(self, _request: Request, _names: Names) -> Answer:
        self._simulator.reset()
        return answer_json({})


def _event(event: Event) -> Answer:
    return answer_json({"webhookEventId": event["webhookEventId"], "event": event})


def _read(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadInput("the body is not JSON") from error
    if not isinstance(value, dict):
        raise BadInput("the body is not a JSON object")
    return value


def _text(wish: dict[str, Any], name: str, most: int = 10_000) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise BadInput(f"{name} must be a text of 1 to {most} characters")
    return value


def _maybe(wish: dict[str, Any], name: str) -> str | None:
    return None if wish.get(name) in (None, "") else _text(wish, name)


def _whole(value: str, name: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 12:
        raise BadInput(f"{name} must be a whole number")
    return int(value)
