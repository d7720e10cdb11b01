"""The part of LINE's API about the account, its followers and their content."""

from __future__ import annotations

import io
from collections.abc import Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from PIL import Image, UnidentifiedImageError

from simulator.line import messages as shapes
from simulator.line.answers import Answer, LineError, Request, answer_json, read_json
from simulator.line.faults import Faults
from simulator.line.insight_api import InsightApi
from simulator.line.ledger import Ledger
from simulator.line.moments import PlatformTime
from simulator.line.phones import Content, Phones
from simulator.line.routes import Names, Route, Router
from simulator.line.users import Users
from simulator.line.webhooks import Webhooks

_PREVIEW_PIXELS = 240


class AccountApi:
    """Answers for profiles, followers, quota, content, the webhook's address and loading."""

    def __init__(
        self,
        *,
        users: Users,
        phones: Phones,
        webhooks: Webhooks,
        ledger: Ledger,
        insight: InsightApi,
        faults: Faults,
        time: PlatformTime,
        quota: int | None,
        account_name: str,
        bot_user_id: str,
    ) -> None:
        self.quota = quota
        self.account_name = account_name
        self._users = users
        self._phones = phones
        self._webhooks = webhooks
        self._ledger = ledger
        self._insight = insight
        self._faults = faults
        self._time = time
        self._bot_user_id = bot_user_id

    def add_to(self, router: Router) -> None:
        """Add all endpoints."""
        content = "/v2/bot/message/{message_id}/content"
        endpoint = "/v2/bot/channel/webhook/endpoint"
        aggregation = "/v2/bot/message/aggregation"
        for method, path, name, handler, with_body in (
            ("GET", "/v2/bot/profile/{user_id}", "profile", self._profile, False),
            ("GET", "/v2/bot/followers/ids", "followers", self._followers, False),
            ("GET", "/v2/bot/info", "info", self._info, False),
            ("GET", "/v2/bot/message/quota", "quota", self._get_quota, False),
            ("GET", "/v2/bot/message/quota/consumption", "consumption", self._used, False),
            ("GET", content, "content", self._content, False),
            ("GET", f"{content}/preview", "content-preview", self._preview, False),
            ("GET", f"{content}/transcoding", "content-transcoding", self._transcoding, False),
            ("GET", endpoint, "webhook-endpoint", self._get_endpoint, False),
            ("PUT", endpoint, "webhook-endpoint-set", self._set_endpoint, True),
            ("POST", "/v2/bot/channel/webhook/test", "webhook-test", self._test_endpoint, False),
            ("POST", "/v2/bot/chat/loading/start", "loading", self._loading, True),
            ("GET", f"{aggregation}/info", "aggregation-info", self._units, False),
            ("GET", f"{aggregation}/list", "aggregation-list", self._unit_names, False),
        ):
            router.add(method, path, Route(name, handler, takes_json=with_body))
        for kind in ("reply", "push", "multicast", "broadcast"):
            path = f"/v2/bot/message/delivery/{kind}"
            router.add("GET", path, Route(f"sent-{kind}", partial(self._sent, kind)))

    def _profile(self, _request: Request, names: Names) -> Answer:
        user_id = names["user_id"]
        if not self._users.follows(user_id):
            raise LineError(404, "Not found")
        user = self._users.people.get(user_id)
        if user is None:
            profile = {"userId": user_id, "displayName": user_id[:6]}
            language = self._users.language_of(user_id)
            return answer_json(profile if language is None else {**profile, "language": language})
        profile = {"userId": user_id, "displayName": user.name}
        for name, value in (
            ("pictureUrl", user.picture_url),
            ("statusMessage", user.status_message),
            ("language", user.language),
        ):
            if value is not None:
                profile[name] = value
        return answer_json(profile)

    def _followers(self, request: Request, _names: Names) -> Answer:
        return _page(request, "userIds", self._users.followers(), usual=300, most=1000)

    def _info(self, _request: Request, _names: Names) -> Answer:
        return answer_json(
            {
                "userId": self._bot_user_id,
                "basicId": "@todoke",
                "displayName": self.account_name,
                "chatMode": "bot",
                "markAsReadMode": "auto",
            }
        )

    def _get_quota(self, _request: Request, _names: Names) -> Answer:
        if self.quota is None:
            return answer_json({"type": "none"})
        return answer_json({"type": "limited", "value": self.quota})

    def _used(self, _request: Request, _names: Names) -> Answer:
        return answer_json({"totalUsage": self._ledger.quota_used})

    def _sent(self, kind: str, request: Request, _names: Names) -> Answer:
        """How many messages of a kind were sent on a day; known from the day after."""
        day = self._insight.asked_day(request)
        if isinstance(day, str):
            return answer_json({"status": day})
        return answer_json({"status": "ready", "success": self._ledger.sent_on[day, kind]})

    def _units(self, _request: Request, _names: Names) -> Answer:
        used = self._ledger.units_of(self._time.seconds())
        return answer_json({"numOfCustomAggregationUnits": len(used)})

    def _unit_names(self, request: Request, _names: Names) -> Answer:
        names = list(self._ledger.units_of(self._time.seconds()))
        return _page(request, "customAggregationUnits", names, usual=100, most=100)

    def _kept(self, names: Names) -> Content:
        content = self._phones.contents.get(names["message_id"])
        if content is None:
            raise LineError(404, "Not found")
        if content.expired:
            raise LineError(410, "Gone")
        return content

    def _content(self, _request: Request, names: Names) -> Answer:
        content = self._kept(names)
        return Answer(
            200,
            content.body,
            content.content_type,
            bytes_per_second=self._faults.plan.content_bytes_per_second,
        )

    def _preview(self, _request: Request, names: Names) -> Answer:
        content = self._kept(names)
        try:
            with Image.open(io.BytesIO(content.body)) as image:
                small = image.convert("RGB")
                small.thumbnail((_PREVIEW_PIXELS, _PREVIEW_PIXELS))
                made = io.BytesIO()
                small.save(made, "JPEG")
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise LineError(404, "Not found") from error
        return Answer(200, made.getvalue(), "image/jpeg")

    def _transcoding(self, _request: Request, names: Names) -> Answer:
        self._kept(names)
        return answer_json({"status": "succeeded"})

    def _get_endpoint(self, _request: Request, _names: Names) -> Answer:
        if self._webhooks.url is None:
            raise LineError(404, "Not found")
        return answer_json({"endpoint": self._webhooks.url, "active": self._webhooks.active})

    def _set_endpoint(self, request: Request, _names: Names) -> Answer:
        content = read_json(request.body, shapes.WEBHOOK_ENDPOINT_REQUEST)
        self._webhooks.url = content["endpoint"]
        return Answer()

    def _test_endpoint(self, request: Request, _names: Names) -> Coroutine[Any, Any, Answer]:
        wanted = (
            read_json(request.body, shapes.WEBHOOK_TEST_REQUEST).get("endpoint")
            if request.body
            else None
        )
        url = wanted or self._webhooks.url
        if url is None:
            raise LineError(404, "Not found")
        return self._test(url)

    async def _test(self, url: str) -> Answer:
        at = datetime.fromtimestamp(self._time.seconds(), UTC)
        status, detail = await self._webhooks.post(url, [])
        return answer_json(
            {
                "success": status == 200,
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "statusCode": status,
                "reason": "OK" if status == 200 else (detail.split(":")[0] or "ERROR"),
                "detail": str(status) if status else detail,
            }
        )

    def _loading(self, request: Request, _names: Names) -> Answer:
        content = read_json(request.body, shapes.LOADING_REQUEST)
        user_id = content["chatId"]
        if not self._users.exists(user_id):
            raise LineError(400, "The value for the 'chatId' is invalid")
        if user_id in self._users.people:
            seconds = content.get("loadingSeconds", 20)
            self._users.tell(user_id, "loading", {"seconds": seconds})
        return Answer(202)


def _page(request: Request, name: str, found: list[str], *, usual: int, most: int) -> Answer:
    """Answer with a part of ``found``, and where the next part begins."""
    try:
        limit = int(request.query.get("limit", usual))
        start = int(request.query.get("start", "0"), 36)
    except ValueError as error:
        raise LineError(400, "The value for the 'start' or 'limit' is invalid") from error
    if not 1 <= limit <= most or start < 0:
        raise LineError(400, "The value for the 'limit' parameter is invalid")
    answer: dict[str, Any] = {name: found[start : start + limit]}
    if start + limit < len(found):
        answer["next"] = _base36(start + limit)
    return answer_json(answer)


def _base36(value: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    said = ""
    while value:
        value, digit = divmod(value, 36)
        said = digits[digit] + said
    return said or "0"
