"""LINE's Messaging API, as far as Todoke calls it.

One method a call; what comes back is a value or one of the exceptions in ``channels.errors``.
The generated client of line-bot-sdk takes over 2 ms of CPU for a multicast of 500, so bodies
are posted as prepared bytes; a test holds them equal to what its models serialise.

Source: https://developers.line.biz/en/reference/messaging-api/
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from yarl import URL

from channels.errors import (
    Accepted,
    LineBusy,
    LineRefused,
    LineUnavailable,
    QuotaReached,
    TokenRefused,
    TooLarge,
)
from channels.limiter import Limiter, line_limits
from channels.metrics import LATENCY, REQUESTS
from channels.models import Priority
from core.clock import Clock
from core.errors import BadInput
from core.settings import Settings

TIMEOUT_SECONDS = 10.0
CONTENT_TIMEOUT_SECONDS = 60.0
MOST_CONTENT_BYTES = 20 * 1024 * 1024
MOST_ANSWER_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
RETRY_KEY_HEADER = "X-Line-Retry-Key"
REQUEST_ID = "x-line-request-id"
ACCEPTED_ID = "x-line-accepted-request-id"
MONTHLY_LIMIT = "monthly limit"
"""In LINE's words when the month's messages are used up; its 429s are alike otherwise."""
USER_ID = re.compile(r"U[0-9a-f]{32}")
_MESSAGE_ID = re.compile(r"[0-9]{1,40}")
_MENU_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NO_BROKEN = (aiohttp.ClientError, TimeoutError, OSError)

log = structlog.get_logger(__name__)

Messages = Sequence[Mapping[str, Any]]
"""LINE message objects, as they go into a request."""


@dataclass(frozen=True)
class Profile:
    """What LINE says about a resident; read when needed, never stored."""

    user_id: str
    name: str
    language: str | None
    picture_url: str | None = None


@dataclass(frozen=True)
class Quota:
    """The month's messages: ``limit`` None when the plan has none."""

    limit: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


def compact_json(value: object) -> bytes:
    """Return ``value`` as the JSON that goes into a body: UTF-8, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def multicast_body(joined_ids: str, messages: bytes, *, silent: bool = False) -> bytes:
    """Return a multicast's body.

    Parameters
    ----------
    joined_ids
        User ids with ``","`` between them, without the first and the last quotation mark.
    messages
        The messages as JSON.
    silent
        Whether phones make no sound.
    """
    return b"".join((b'{"to":["', joined_ids.encode(), b'"],"messages":', messages, _END[silent]))


def push_body(user_id: str, messages: bytes, *, silent: bool = False) -> bytes:
    """Return a push's body; the rest as for :func:`multicast_body`."""
    return b"".join((b'{"to":"', user_id.encode(), b'","messages":', messages, _END[silent]))


_END = {False: b',"notificationDisabled":false}', True: b',"notificationDisabled":true}'}


class LineClient:
    """LINE, or its stand-in.

    Parameters
    ----------
    http
        Its connector decides how many requests can be open at once.
    limiter
        By default one for this process alone, with the limits of the settings.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        settings: Settings,
        clock: Clock,
        limiter: Limiter | None = None,
    ) -> None:
        self._http = http
        self._api = settings.line_api_url
        self._data_api = settings.line_data_api_url
        self._headers = {
            "Authorization": f"Bearer {settings.line_channel_access_token}",
            "User-Agent": "todoke",
        }
        self._json_headers = {**self._headers, "Content-Type": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._urls = {
            endpoint: URL(f"{self._api}/v2/bot/message/{endpoint}")
            for endpoint in ("reply", "push", "multicast")
        }
        # Looked up once, as that would take a tenth of the time a request does.
        self._latency = {endpoint: LATENCY.labels(endpoint) for endpoint in self._urls}
        self._taken = {endpoint: REQUESTS.labels(endpoint, "200") for endpoint in self._urls}
        self.limiter = limiter or Limiter(
            clock, line_limits(settings.line_rate_multicast, settings.line_rate_push)
        )

    # Messages

    async def post(self, endpoint: str, body: bytes, retry_key: str | None) -> Accepted:
        """Post a prepared body to ``reply``, ``push`` or ``multicast``; the caller holds a slot.

        Raises
        ------
        LineUnavailable
            Repeat with the same retry key.
        LineBusy
            Repeat later.
        LineRefused, TokenRefused, QuotaReached
            Do not repeat as it is.
        """
        headers = self._json_headers
        if retry_key is not None:
            headers = {**headers, RETRY_KEY_HEADER: retry_key}
        started = time.perf_counter()
        try:
            async with self._http.post(
                self._urls[endpoint],
                data=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                if response.status == 200:
                    await response.read()
                    answer = b""
                else:
                    answer = await _limited(response)
        except _NO_BROKEN as error:
            REQUESTS.labels(endpoint, "broken").inc()
            raise LineUnavailable(f"no answer from LINE: {_named(error)}") from error
        self._latency[endpoint].observe(time.perf_counter() - started)
        if response.status == 200:
            self._taken[endpoint].inc()
            self.limiter.went_well(endpoint)
            return Accepted(response.headers.get(REQUEST_ID, ""))
        REQUESTS.labels(endpoint, str(response.status)).inc()
        accepted_id = response.headers.get(ACCEPTED_ID)
        if response.status == 409 and accepted_id is not None:
            return Accepted(accepted_id, repeated=True)
        raise self._failure(endpoint, response, answer)

    async def reply(self, reply_token: str, messages: Messages) -> Accepted:
        """Answer an event; the token is good for one use and about a minute."""
        body = compact_json(
            {"replyToken": reply_token, "messages": messages, "notificationDisabled": False}
        )
        async with self.limiter.slot("reply", Priority.EMERGENCY):
            return await self.post("reply", body, None)

    async def push(
        self,
        user_id: str,
        messages: Messages,
        *,
        retry_key: str | None = None,
        priority: int = Priority.PERSONAL,
    ) -> Accepted:
        """Send to one resident, outside of any delivery; ``channels.service.push`` is safer."""
        body = push_body(_checked(USER_ID, user_id), compact_json(messages))
        async with self.limiter.slot("push", priority):
            return await self.post("push", body, retry_key)

    async def multicast(
        self,
        user_ids: Sequence[str],
        messages: Messages,
        *,
        retry_key: str | None = None,
        priority: int = Priority.WARNING,
    ) -> Accepted:
        """Send the same to at most 500 residents, outside of any delivery."""
        joined = '","'.join(_checked(USER_ID, user_id) for user_id in user_ids)
        body = multicast_body(joined, compact_json(messages))
        async with self.limiter.slot("multicast", priority):
            return await self.post("multicast", body, retry_key)

    async def validate(self, endpoint: str, messages: bytes) -> None:
        """Have LINE check messages without sending them.

        Raises
        ------
        LineRefused
            They are not valid; the exception says why.
        """
        await self._call(
            "validate",
            "POST",
            f"{self._api}/v2/bot/message/validate/{endpoint}",
            b'{"messages":' + messages + b"}",
        )

    # Residents

    async def profile(self, user_id: str) -> Profile:
        """Return a follower's name and language.

        Raises
        ------
        LineRefused
            404 for somebody who does not follow.
        """
        found = await self._json("profile", "GET", f"/v2/bot/profile/{_checked(USER_ID, user_id)}")
        return Profile(
            user_id=user_id,
            name=str(found.get("displayName", "")),
            language=_text_or_none(found.get("language")),
            picture_url=_text_or_none(found.get("pictureUrl")),
        )

    async def show_loading(self, user_id: str, seconds: int = 20) -> None:
        """Show in the chat that an answer is being made (5 to 60 s, in steps of 5)."""
        body = compact_json(
            {"chatId": _checked(USER_ID, user_id), "loadingSeconds": min(60, max(5, seconds))}
        )
        await self._call("loading", "POST", f"{self._api}/v2/bot/chat/loading/start", body)

    async def content(
        self, message_id: str, *, most_bytes: int = MOST_CONTENT_BYTES
    ) -> AsyncIterator[bytes]:
        """Yield the photo or file of a message in pieces.

        Raises
        ------
        TooLarge
            It has more than ``most_bytes``, be it announced or not.
        LineRefused
            404 or 410 when LINE keeps it no longer.
        LineUnavailable
            Also while LINE still prepares it (202).
        """
        path = f"/v2/bot/message/{_checked(_MESSAGE_ID, message_id)}/content"
        async with self.limiter.slot("content"):
            try:
                async with self._http.get(
                    self._data_api + path,
                    headers=self._headers,
                    timeout=aiohttp.ClientTimeout(
                        total=CONTENT_TIMEOUT_SECONDS, sock_read=TIMEOUT_SECONDS
                    ),
                    allow_redirects=False,
                ) as response:
                    REQUESTS.labels("content", str(response.status)).inc()
                    if response.status == 202:
                        raise LineUnavailable("LINE still prepares the content", retry_after=1.0)
                    if response.status != 200:
                        raise self._failure("content", response, await _limited(response))
                    if (response.content_length or 0) > most_bytes:
                        raise TooLarge(f"the content has {response.content_length} bytes")
                    size = 0
                    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                        size += len(chunk)
                        if size > most_bytes:
                            raise TooLarge(f"the content has more than {most_bytes} bytes")
                        yield chunk
            except _NO_BROKEN as error:
                raise LineUnavailable(f"no content from LINE: {_named(error)}") from error

    # The account

    async def quota(self) -> Quota:
        """Return the month's quota and what is used of it (as LINE counts, some minutes late)."""
        quota = await self._json("quota", "GET", "/v2/bot/message/quota")
        if quota.get("type") != "limited":
            return Quota(None, 0)
        consumption = await self._json("quota", "GET", "/v2/bot/message/quota/consumption")
        return Quota(int(quota["value"]), int(consumption["totalUsage"]))

    async def check_token(self) -> str:
        """Return the account's name, to see whether the token is right.

        Raises
        ------
        TokenRefused
            It is not.
        """
        return str((await self._json("info", "GET", "/v2/bot/info")).get("displayName", ""))

    # Rich menus

    async def create_rich_menu(self, menu: Mapping[str, Any]) -> str:
        """Create a rich menu from LINE's JSON; returns its id."""
        made = await self._json("richmenu", "POST", "/v2/bot/richmenu", compact_json(menu))
        return str(made["richMenuId"])

    async def upload_rich_menu_image(self, menu_id: str, image: bytes, content_type: str) -> None:
        """Give a rich menu its picture (``image/png`` or ``image/jpeg``, at most 1 MB)."""
        url = f"{self._data_api}/v2/bot/richmenu/{_checked(_MENU_NAME, menu_id)}/content"
        await self._call("richmenu", "POST", url, image, content_type=content_type)

    async def list_rich_menus(self) -> list[dict[str, Any]]:
        """Return all rich menus as LINE's JSON."""
        found = await self._json("richmenu", "GET", "/v2/bot/richmenu/list")
        return list(found.get("richmenus", ()))

    async def delete_rich_menu(self, menu_id: str) -> None:
        await self._json("richmenu", "DELETE", f"/v2/bot/richmenu/{_checked(_MENU_NAME, menu_id)}")

    async def set_default_rich_menu(self, menu_id: str) -> None:
        await self._json(
            "richmenu", "POST", f"/v2/bot/user/all/richmenu/{_checked(_MENU_NAME, menu_id)}"
        )

    async def link_rich_menu(self, user_id: str, menu_id: str) -> None:
        user, menu = _checked(USER_ID, user_id), _checked(_MENU_NAME, menu_id)
        await self._json("richmenu", "POST", f"/v2/bot/user/{user}/richmenu/{menu}")

    async def replace_rich_menus(self, successors: Mapping[str, str]) -> None:
        """Link everybody who has a menu to its successor. LINE does it in its own time."""
        operations = [
            {
                "type": "link",
                "from": _checked(_MENU_NAME, old),
                "to": _checked(_MENU_NAME, new),
            }
            for old, new in successors.items()
        ]
        body = compact_json({"operations": operations})
        await self._json("richmenu", "POST", "/v2/bot/richmenu/batch", body)

    async def unlink_rich_menu(self, user_id: str) -> None:
        user = _checked(USER_ID, user_id)
        await self._json("richmenu", "DELETE", f"/v2/bot/user/{user}/richmenu")

    async def create_rich_menu_alias(self, alias: str, menu_id: str) -> None:
        body = compact_json({"richMenuAliasId": alias, "richMenuId": menu_id})
        await self._json("richmenu", "POST", "/v2/bot/richmenu/alias", body)

    async def update_rich_menu_alias(self, alias: str, menu_id: str) -> None:
        body = compact_json({"richMenuId": menu_id})
        path = f"/v2/bot/richmenu/alias/{_checked(_MENU_NAME, alias)}"
        await self._json("richmenu", "POST", path, body)

    async def delete_rich_menu_alias(self, alias: str) -> None:
        path = f"/v2/bot/richmenu/alias/{_checked(_MENU_NAME, alias)}"
        await self._json("richmenu", "DELETE", path)

    async def list_rich_menu_aliases(self) -> dict[str, str]:
        """Return the rich menu's id by alias."""
        found = await self._json("richmenu", "GET", "/v2/bot/richmenu/alias/list")
        return {each["richMenuAliasId"]: each["richMenuId"] for each in found.get("aliases", ())}

    # How a call is made

    async def _json(
        self, name: str, method: str, path: str, body: bytes | None = None
    ) -> dict[str, Any]:
        answer = await self._call(name, method, self._api + path, body)
        try:
            found = json.loads(answer or b"{}")
        except ValueError as error:
            raise LineUnavailable(f"LINE's answer to {method} {path} is not JSON") from error
        if not isinstance(found, dict):
            raise LineUnavailable(f"LINE's answer to {method} {path} is not an object")
        return found

    async def _call(
        self,
        name: str,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
    ) -> bytes:
        headers = self._headers
        if body is not None:
            headers = {**headers, "Content-Type": content_type}
        async with self.limiter.slot(name):
            try:
                async with self._http.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                ) as response:
                    answer = await _limited(response)
            except _NO_BROKEN as error:
                REQUESTS.labels(name, "broken").inc()
                raise LineUnavailable(f"no answer from LINE: {_named(error)}") from error
        REQUESTS.labels(name, str(response.status)).inc()
        if 200 <= response.status < 300:
            return answer
        raise self._failure(name, response, answer)

    def _failure(
        self, endpoint: str, response: aiohttp.ClientResponse, answer: bytes
    ) -> LineUnavailable | LineBusy | LineRefused | TokenRefused | QuotaReached:
        status = response.status
        words, properties = _explanation(answer)
        log.warning(
            "LINE did not take a request",
            endpoint=endpoint,
            status=status,
            answer=words,
            properties=properties,
            request_id=response.headers.get(REQUEST_ID),
        )
        if status == 429:
            if MONTHLY_LIMIT in words.lower():
                return QuotaReached(f"LINE answered 429: {words}")
            retry_after = _seconds(response.headers.get("Retry-After"))
            self.limiter.slow_down(endpoint, retry_after)
            return LineBusy(f"LINE answered 429: {words}", retry_after=retry_after)
        if status >= 500 or status == 408:
            retry_after = _seconds(response.headers.get("Retry-After"))
            return LineUnavailable(f"LINE answered {status}: {words}", retry_after=retry_after)
        if status in (401, 403):
            return TokenRefused(f"LINE answered {status}: {words}")
        return LineRefused(status, words, properties)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    answer = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        answer += chunk
        if len(answer) > MOST_ANSWER_BYTES:
            # Whoever says so much is not LINE; what LINE did is not known.
            raise LineUnavailable(f"LINE's answer has more than {MOST_ANSWER_BYTES} bytes")
    return bytes(answer)


def _explanation(answer: bytes) -> tuple[str, tuple[str, ...]]:
    """Return LINE's words in an error answer, and the properties it objects to."""
    try:
        found = json.loads(answer)
        details = [each for each in found.get("details", ()) if isinstance(each, dict)]
        words = [str(found.get("message", ""))]
        words += [f"{each.get('property', '')}: {each.get('message', '')}" for each in details]
        properties = tuple(str(each.get("property", "")) for each in details)
    except (ValueError, AttributeError, TypeError):
        return answer[:200].decode("utf-8", "replace"), ()
    return "; ".join(words)[:1000], properties


def _seconds(retry_after: str | None) -> float | None:
    """Return the seconds a Retry-After header asks for; dates are not used by LINE."""
    try:
        return min(3600.0, max(0.0, float(retry_after or "")))
    except ValueError:
        return None


def _checked(form: re.Pattern[str], value: str) -> str:
    if form.fullmatch(value) is None:
        raise BadInput(f"LINE has no such id: {value[:80]!r}")
    return value


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
