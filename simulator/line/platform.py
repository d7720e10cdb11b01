"""The part of LINE's Messaging API that Todoke uses, without an HTTP server.

Source: LINE's OpenAPI description of the Messaging API, and its reference for statuses, words of
errors, retry keys, quotas and limits.
"""

from __future__ import annotations

import gzip
import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Coroutine
from functools import cache
from typing import Any
from uuid import uuid4

from simulator.line import messages as shapes
from simulator.line.account_api import AccountApi
from simulator.line.answers import Answer, LineError, Request, answer_json, read_json
from simulator.line.faults import NO_FATE, Fate, Faults
from simulator.line.insight_api import InsightApi
from simulator.line.ledger import Ledger, LedgerEntry, pack_ids, unpack_ids
from simulator.line.limits import RateLimiter
from simulator.line.menu_api import MenuApi
from simulator.line.moments import PlatformTime
from simulator.line.options import SimulatorOptions
from simulator.line.phones import Phones
from simulator.line.recipients import USER_ID, split_multicast
from simulator.line.richmenus import StoredRichMenus
from simulator.line.routes import Names, Route, Router
from simulator.line.targeting import NARROWCAST_REQUEST, TargetingApi
from simulator.line.tokens import Tokens
from simulator.line.users import ChatItem, Users
from simulator.line.webhooks import Webhooks

_RETRY_KEY = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_CHECKED = 2_048
_MAX_CHECKED_BYTES = 64 * 1024
_BAD_RECIPIENT = "The property, 'to', in the request body is invalid (line: -, column: -)"
_RATE_EXCEEDED = "The API rate limit has been exceeded. Try again later."
_UNITS_A_MONTH = 1_000
_QUOTA_REACHED = "You have reached your monthly limit."


class _Parcel:
    """The content of a request without its recipients: the checked messages and their options."""

    __slots__ = ("body", "messages", "silent", "unit")

    def __init__(self, value: dict[str, Any]) -> None:
        self.messages: list[dict[str, Any]] = value["messages"]
        self.body = json.dumps(self.messages, ensure_ascii=False, separators=(",", ":")).encode()
        units = value.get("customAggregationUnits") or [None]
        self.unit: str | None = units[0]
        self.silent = bool(value.get("notificationDisabled", False))


class Platform:
    """Takes requests and answers them.

    The parameters are the parts of the simulator that requests read and change.
    """

    def __init__(
        self,
        *,
        options: SimulatorOptions,
        users: Users,
        phones: Phones,
        webhooks: Webhooks,
        rich_menus: StoredRichMenus,
        ledger: Ledger,
        limiter: RateLimiter,
        faults: Faults,
        time: PlatformTime,
    ) -> None:
        self.menus = MenuApi(rich_menus, users)
        self.insight = InsightApi(users=users, ledger=ledger, time=time)
        self.account = AccountApi(
            users=users,
            phones=phones,
            webhooks=webhooks,
            ledger=ledger,
            insight=self.insight,
            faults=faults,
            time=time,
            quota=options.quota,
            account_name=options.account_name,
            bot_user_id=webhooks.destination,
        )
        self.targeting = TargetingApi(
            users=users,
            time=time,
            narrowcast_seconds=options.narrowcast_seconds,
            audience_seconds=options.audience_seconds,
            least_audience=options.least_audience,
        )
        self.tokens = Tokens(
            time=time,
            channel_id=options.channel_id,
            channel_secret=options.channel_secret,
            access_token=options.channel_access_token,
        )
        self._options = options
        self._users = users
        self._phones = phones
        self._ledger = ledger
        self._limiter = limiter
        self._faults = faults
        self._time = time
        self._keep_bodies = options.ledger == "full"
        self._checked: dict[bytes, _Parcel] = {}
        self._retry_keys: OrderedDict[str, tuple[float, str, bytes]] = OrderedDict()
        self._router = Router()
        # A UUID, like LINE's: random at the beginning, a number at the end.
        self._request_base = str(uuid4())[:24]
        self._requests = 0
        for name, handler, retry_keys in (
            ("reply", self._reply, False),
            ("push", self._push, True),
            ("multicast", self._multicast, True),
            ("broadcast", self._broadcast, True),
            ("narrowcast", self._narrowcast, True),
        ):
            self._router.add(
                "POST",
                f"/v2/bot/message/{name}",
                Route(name, handler, retry_keys=retry_keys, takes_json=True),
            )
            self._router.add(
                "POST",
                f"/v2/bot/message/validate/{name}",
                Route(f"validate-{name}", self._validate, takes_json=True),
            )
        self.targeting.add_to(self._router)
        self.account.add_to(self._router)
        self.insight.add_to(self._router)
        self.menus.add_to(self._router)
        self.tokens.add_to(self._router)

    def clear(self) -> None:
        """Forget retry keys, links and issued tokens."""
        self._retry_keys.clear()
        self.menus.clear()
        self.targeting.clear()
        self.tokens.clear()

    def handle(self, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
        """Answer a request; a coroutine if the answer comes later."""
        now = self._time.seconds()
        self._requests += 1
        request_id = f"{self._request_base}{self._requests:012x}"
        found = self._router.find(request.method, request.path)
        if found is None:
            return _finished(self._unknown(request), request_id, NO_FATE)
        route, names = found
        fate = NO_FATE
        try:
            if not self._limiter.admit(route.name, now):
                raise LineError(429, _RATE_EXCEEDED)
            fate = self._faults.fate(route.name, now)
            if fate.before != "act":
                return _finished(self._misfortune(fate.before), request_id, fate)
            self._check_headers(request, route)
            answer = self._act(request, route, names, request_id, now)
        except LineError as error:
            return _finished(error.answer(), request_id, fate)
        if isinstance(answer, Answer):
            return _finished(answer, request_id, fate)
        return _finished_later(answer, request_id, fate)

    def _act(
        self, request: Request, route: Route, names: Names, request_id: str, now: float
    ) -> Answer | Coroutine[Any, Any, Answer]:
        retry_key = request.headers.get("x-line-retry-key")
        if retry_key is None:
            names["request_id"] = request_id
            return route.handler(request, names)
        if not route.retry_keys:
            raise LineError(400, "X-Line-Retry-Key is not supported by this endpoint")
        if _RETRY_KEY.fullmatch(retry_key) is None:
            raise LineError(400, "The value of X-Line-Retry-Key must be a UUID")
        retry_key = retry_key.lower()
        self._forget_old_keys(now)
        accepted = self._retry_keys.get(retry_key)
        if accepted is not None:
            _, accepted_id, sent = accepted
            raise LineError(
                409,
                "The retry key is already accepted",
                headers={"x-line-accepted-request-id": accepted_id},
                more=json.loads(sent),
            )
        names["request_id"] = request_id
        names["retry_key"] = retry_key
        answer = route.handler(request, names)
        # Only accepted requests are remembered: a refused request may come again.
        sent = answer.body if isinstance(answer, Answer) else b"{}"
        self._retry_keys[retry_key] = (now, request_id, sent)
        return answer

    def _forget_old_keys(self, now: float) -> None:
        oldest = now - self._options.retry_key_seconds
        while self._retry_keys:
            key, (at, _, _) = next(iter(self._retry_keys.items()))
            if at > oldest:
                return
            del self._retry_keys[key]

    def _check_headers(self, request: Request, route: Route) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if route.needs_token and not (scheme == "Bearer" and self.tokens.good(token)):
            raise _unauthorized()
        if len(request.body) > self._options.max_body_bytes:
            raise LineError(413, "Request Entity Too Large")
        if route.takes_json:
            content_type = request.headers.get("content-type", "")
            if content_type != "application/json" and (
                content_type.split(";")[0].strip().lower() != "application/json"
            ):
                raise LineError(415, f"The content type, {content_type}, is not supported")

    def _misfortune(self, outcome: str) -> Answer:
        if outcome == "unauthorized":
            return _unauthorized().answer()
        if outcome == "forbidden":
            return LineError(403, "Access to this API is not available for your account").answer()
        if outcome == "storm":
            answer = LineError(429, _RATE_EXCEEDED).answer()
            retry_after = self._faults.plan.retry_after
            if retry_after is not None:
                answer.headers["Retry-After"] = f"{retry_after:g}"
            return answer
        if outcome == "drop":
            return Answer(drop=True)
        if outcome == "hang":
            return Answer(hang=True)
        if outcome == "bomb":
            return _bomb()
        if outcome == "proxy":
            return _by_proxy(self._faults.plan.proxy)
        return LineError(500, "Internal server error").answer()

    def _unknown(self, request: Request) -> Answer:
        if self._router.knows(request.path):
            return LineError(405, "Method Not Allowed").answer()
        return LineError(404, "Not found").answer()

    # Sending

    def _reply(self, request: Request, names: Names) -> Answer:
        content = read_json(request.body, shapes.REPLY_REQUEST)
        token = self._phones.reply_tokens.get(content["replyToken"])
        if token is None or token.used or self._time.seconds() >= token.expires:
            raise LineError(400, "Invalid reply token")
        token.used = True
        names["reply_token"] = content["replyToken"]
        reached = [token.user_id] if self._users.follows(token.user_id) else []
        return self._send("reply", reached, _Parcel(content), names)

    def _push(self, request: Request, names: Names) -> Answer:
        content = read_json(request.body, shapes.PUSH_REQUEST)
        user_id = content["to"]
        if USER_ID.fullmatch(user_id) is None:
            raise LineError(400, _BAD_RECIPIENT)
        if user_id in self._users.rejected or not (
            self._users.exists(user_id) or user_id in self._users.blocked
        ):
            raise LineError(400, "Failed to send messages")
        reached = [user_id] if self._users.follows(user_id) else []
        parcel = _Parcel(content)
        self._check_unit(parcel.unit)
        self._take_from_quota(len(reached))
        return self._send("push", reached, parcel, names)

    def _multicast(self, request: Request, names: Names) -> Answer:
        split = split_multicast(request.body)
        if split is None:
            content = read_json(request.body, shapes.MULTICAST_REQUEST)
            packed = self._pack(content["to"])
            parcel = _Parcel(content)
        else:
            packed = split.packed
            if len(packed) > shapes.MAX_RECIPIENTS * 16:
                raise LineError(
                    400,
                    "The request body has 1 error(s)",
                    [(f"Size must be between 1 and {shapes.MAX_RECIPIENTS}", "to")],
                )
            parcel = self._parcel(split.rest)
        users = self._users
        if users.rejected and not users.rejected.isdisjoint(unpack_ids(packed)):
            raise LineError(400, _BAD_RECIPIENT)
        if not users.any_user or users.blocked or users.people:
            packed = pack_ids([each for each in unpack_ids(packed) if users.follows(each)])
        self._check_unit(parcel.unit)
        self._take_from_quota(len(packed) // 16)
        self._enter("multicast", packed, parcel, names)
        if users.people and self._keep_bodies:
            for user_id in users.people.keys() & set(unpack_ids(packed)):
                self._show(user_id, parcel, names["request_id"])
        return Answer()

    def _broadcast(self, request: Request, names: Names) -> Answer:
        parcel = _Parcel(read_json(request.body, shapes.BROADCAST_REQUEST))
        self._to_many("broadcast", self._users.followers(), parcel, names)
        return Answer()

    def _narrowcast(self, request: Request, names: Names) -> Answer:
        content = read_json(request.body, NARROWCAST_REQUEST)
        reached = self.targeting.accept(names["request_id"], content.get("recipient"))
        self._to_many("narrowcast", reached, _Parcel(content), names)
        return Answer(202)

    def _to_many(self, endpoint: str, reached: list[str], parcel: _Parcel, names: Names) -> None:
        self._take_from_quota(len(reached))
        self._enter(endpoint, pack_ids(reached), parcel, names)
        for user_id in reached:
            if user_id in self._users.people and self._keep_bodies:
                self._show(user_id, parcel, names["request_id"])

    @staticmethod
    def _pack(user_ids: list[str]) -> bytes:
        if any(USER_ID.fullmatch(user_id) is None for user_id in user_ids):
            raise LineError(400, _BAD_RECIPIENT)
        return pack_ids(user_ids)

    def _parcel(self, rest: bytes) -> _Parcel:
        """The content of a multicast, from a small cache if it was seen before."""
        known = self._checked.get(rest)
        if known is not None:
            return known
        parcel = _Parcel(read_json(rest, shapes.MULTICAST_REST))
        if len(rest) <= _MAX_CHECKED_BYTES:
            if len(self._checked) >= _MAX_CHECKED:
                self._checked.clear()
            self._checked[rest] = parcel
        return parcel

    def _validate(self, request: Request, _names: Names) -> Answer:
        read_json(request.body, shapes.VALIDATE_REQUEST)
        return Answer()

    def _check_unit(self, unit: str | None) -> None:
        """Refuse a name of statistics beyond those of the month."""
        used = self._ledger.units_of(self._time.seconds())
        if unit is not None and unit not in used and len(used) >= _UNITS_A_MONTH:
            message = "Too many aggregation units this month"
            raise LineError(
                400, "The request body has 1 error(s)", [(message, "customAggregationUnits[0]")]
            )

    def _take_from_quota(self, recipients: int) -> None:
        """Count messages that are not free; users who get nothing are not counted."""
        quota = self.account.quota
        if quota is not None and self._ledger.quota_used + recipients > quota:
            raise LineError(429, _QUOTA_REACHED)
        self._ledger.quota_used += recipients

    def _send(self, endpoint: str, reached: list[str], parcel: _Parcel, names: Names) -> Answer:
        self._enter(endpoint, pack_ids(reached), parcel, names)
        sent: list[dict[str, str]] = []
        for user_id in reached:
            if user_id in self._users.people and self._keep_bodies:
                sent = self._show(user_id, parcel, names["request_id"])
        if not sent:
            sent = [{"id": self._phones.next_message_id()} for _ in parcel.messages]
        return answer_json({"sentMessages": sent})

    def _enter(self, endpoint: str, packed: bytes, parcel: _Parcel, names: Names) -> None:
        self._ledger.note(
            LedgerEntry(
                self._time.seconds(),
                endpoint,
                names["request_id"],
                names.get("retry_key"),
                packed,
                parcel.body if self._keep_bodies else b"",
                parcel.unit,
                parcel.silent,
                names.get("reply_token"),
            )
        )
        self._users.tell("", "sent", {"requests": self._ledger.requests})

    def _show(self, user_id: str, parcel: _Parcel, request_id: str) -> list[dict[str, str]]:
        sent: list[dict[str, str]] = []
        for message in parcel.messages:
            message_id = self._phones.next_message_id()
            self._users.put(
                user_id,
                ChatItem(message_id, "account", self._time.milliseconds(), message, request_id),
            )
            sent.append({"id": message_id, "quoteToken": secrets.token_urlsafe(24)})
        return sent


_PROXY_PAGE = b"<html><title>Sign in to the network</title></html>"
_SIGN_IN = "http://network.invalid/sign-in"
_BOMB_BYTES = 64 * 1024 * 1024


def _by_proxy(status: int) -> Answer:
    """Answer like a proxy between the service and LINE."""
    answer = Answer(status, _PROXY_PAGE, "text/html")
    if 300 <= status < 400:
        answer.headers["Location"] = _SIGN_IN
    return answer


def _bomb() -> Answer:
    """Answer with a small body that is large when it is decompressed."""
    return Answer(200, _packed_bomb(), headers={"Content-Encoding": "gzip"})


@cache
def _packed_bomb() -> bytes:
    return gzip.compress(b"{" + b" " * _BOMB_BYTES + b"}")


def _unauthorized() -> LineError:
    return LineError(
        401,
        "Authentication failed. Confirm that the access token in the authorization header "
        "is valid.",
        headers={"WWW-Authenticate": 'Bearer realm="api.line.me"'},
    )


def _finished(answer: Answer, request_id: str, fate: Fate) -> Answer:
    if fate.before == "act":
        match fate.after:
            case "drop":
                answer.drop = True
            case "hang":
                answer.hang = True
            case "bomb":
                answer = _bomb()
            case "proxy":
                answer = _by_proxy(fate.proxy)
            case "error":
                answer = LineError(500, "Internal server error").answer()
    answer.delay = fate.delay
    if (fate.after if fate.before == "act" else fate.before) == "proxy":
        return answer
    if fate.stripped:
        answer.headers.clear()
    else:
        answer.headers["x-line-request-id"] = request_id
    return answer


async def _finished_later(
    answer: Coroutine[Any, Any, Answer], request_id: str, fate: Fate
) -> Answer:
    try:
        return _finished(await answer, request_id, fate)
    except LineError as error:
        return _finished(error.answer(), request_id, fate)
