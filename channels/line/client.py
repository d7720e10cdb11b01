"""The part of LINE's Messaging API that Todoke uses.

There is one method for each call. It returns a value or raises one of ``channels.line.errors``.
Hot calls post prepared bytes; a test holds them equal to what the models of line-bot-sdk serialise.
All other calls go through its client (``channels.line.sdk``), which makes its requests here.
``docs/decisions/0004-our-own-posting.md`` says which calls are ours, and why.

Source: https://developers.line.biz/en/reference/messaging-api/
"""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from yarl import URL

from channels.limiter import Limiter
from channels.line import answers
from channels.line.answers import Answer
from channels.line.bodies import multicast_body, push_body
from channels.line.errors import LineBusy, LineUnavailable, TooLarge
from channels.line.limits import line_limiter
from channels.line.metrics import LATENCY, REQUESTS
from channels.line.reasons import reason
from channels.medium import compact_json
from channels.models import Priority
from channels.responses import Accepted
from core.clock import Clock
from core.errors import BadInput
from core.names import Names
from core.settings import Settings
from core.steady import hear_date

if TYPE_CHECKING:
    from channels.line.sdk import LineSdk

TIMEOUT_SECONDS = 10.0
CONTENT_TIMEOUT_SECONDS = 60.0
MOST_CONTENT_BYTES = 20 * 1024 * 1024
MOST_ANSWER_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
RETRY_KEY_HEADER = "X-Line-Retry-Key"
USER_ID = re.compile(r"U[0-9a-f]{32}")
_MESSAGE_ID = re.compile(r"[0-9]{1,40}")
_MENU_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NO_BROKEN = (aiohttp.ClientError, TimeoutError, OSError)

_CONTENT_TIMEOUT = aiohttp.ClientTimeout(total=CONTENT_TIMEOUT_SECONDS, sock_read=TIMEOUT_SECONDS)
RAW: Mapping[str, Any] = MappingProxyType({"_preload_content": False})
"""Has the SDK return LINE's answer as it is; see ``channels.line.sdk``."""

log = structlog.get_logger(__name__)

SdkCall = Callable[["LineSdk"], Awaitable[Any]]
Messages = Sequence[Mapping[str, Any]]
"""LINE message objects, as they go into a request."""


@dataclass(frozen=True)
class Profile:
    """A resident's LINE profile; read when needed, never stored."""

    user_id: str
    name: str
    language: str | None
    picture_url: str | None = None


@dataclass(frozen=True)
class Quota:
    """The month's messages; ``limit`` is None if the plan has none."""

    limit: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


class LineClient:
    """A client for LINE, or for the simulator.

    Parameters
    ----------
    http
        Its connector limits the number of open requests.
    limiter
        By default one for this process only, with the limits of the settings.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        settings: Settings,
        clock: Clock,
        limiter: Limiter | None = None,
    ) -> None:
        self._http = http
        self._clock = clock
        self._api = settings.line_api_url
        self._data_api = settings.line_data_api_url
        self._headers = {
            "Authorization": f"Bearer {settings.line_channel_access_token}",
            "User-Agent": "todoke",
            "Accept-Encoding": "identity",
        }
        self._json_headers = {**self._headers, "Content-Type": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._sdk: LineSdk | None = None
        self._urls = {
            endpoint: URL(f"{self._api}/v2/bot/message/{endpoint}")
            for endpoint in ("reply", "push", "multicast", "narrowcast", "broadcast")
        }
        # Looked up once, because a lookup takes a tenth of the time of a request.
        self._latency = {endpoint: LATENCY.labels(endpoint) for endpoint in self._urls}
        self._taken = {endpoint: REQUESTS.labels(endpoint, "200") for endpoint in self._urls}
        self.limiter = limiter or line_limiter(None, clock, settings)

    # Messages

    async def post(self, endpoint: str, body: bytes, retry_key: str | None) -> Accepted:
        """Post a prepared body to one of the endpoints that send; the caller holds a slot.

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
                answer = await _limited(response)
        except _NO_BROKEN as error:
            REQUESTS.labels(endpoint, "broken").inc()
            raise LineUnavailable(reason("line.no-answer", error=_named(error))) from error
        self._latency[endpoint].observe(time.perf_counter() - started)
        self._hear(response)
        accepted = answers.accepted(
            response.status, response.headers, answer, has_key=retry_key is not None
        )
        if accepted is None:
            REQUESTS.labels(endpoint, str(response.status)).inc()
            raise self._failure(endpoint, response, answer)
        if accepted.repeated:
            REQUESTS.labels(endpoint, "409").inc()
        else:
            self._taken[endpoint].inc()
            self.limiter.went_well(endpoint)
        return accepted

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
        """Send to one resident, outside of any delivery; ``channels.dispatch.push`` is safer."""
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
        """Send the same message to at most 500 residents, outside of any delivery."""
        joined = '","'.join(_checked(USER_ID, user_id) for user_id in user_ids)
        body = multicast_body(joined, compact_json(messages))
        async with self.limiter.slot("multicast", priority):
            return await self.post("multicast", body, retry_key)

    async def validate(self, endpoint: str, messages: bytes) -> None:
        """Let LINE check messages without sending them.

        Raises
        ------
        LineRefused
            They are not valid; the exception says why.
        """
        body = {"messages": json.loads(messages)}
        await self._sdk_call(lambda sdk: sdk.validate(endpoint, body))

    # Residents

    async def profile(self, user_id: str) -> Profile:
        """Return a follower's name and language.

        Raises
        ------
        LineRefused
            404 for somebody who does not follow.
        """
        user = _checked(USER_ID, user_id)
        found = await self.told(
            lambda sdk: sdk.messaging("profile").get_profile_with_http_info(user, **RAW)
        )
        return Profile(
            user_id=user_id,
            name=str(found.get("displayName", "")),
            language=_text_or_none(found.get("language")),
            picture_url=_text_or_none(found.get("pictureUrl")),
        )

    async def show_loading(self, user_id: str, seconds: int = 20) -> None:
        """Show in the chat that an answer is being made (5 to 60 s, in steps of 5)."""
        wanted = {
            "chatId": _checked(USER_ID, user_id),
            "loadingSeconds": min(60, max(5, seconds)),
        }
        await self._sdk_call(
            lambda sdk: sdk.messaging("loading").show_loading_animation_with_http_info(
                sdk.models.ShowLoadingAnimationRequest.from_dict(wanted), **RAW
            )
        )

    async def content(self, message_id: str, *, most_bytes: int = MOST_CONTENT_BYTES) -> bytes:
        """Return the photo or file of a message.

        Raises
        ------
        TooLarge
            It has more than ``most_bytes``, announced or not.
        LineRefused
            404 or 410 if LINE no longer has it.
        LineUnavailable
            Also while LINE prepares it (202).
        """
        message = _checked(_MESSAGE_ID, message_id)
        exchange = partial(self._exchange, most_bytes=most_bytes)
        return await self._sdk_call(
            lambda sdk: sdk.content("content", exchange).get_message_content_with_http_info(
                message, **RAW
            )
        )

    # The account

    async def quota(self) -> Quota:
        """Return the month's quota and its used part (LINE's numbers are some minutes old)."""
        quota = await self.told(
            lambda sdk: sdk.messaging("quota").get_message_quota_with_http_info(**RAW)
        )
        if quota.get("type") != "limited":
            return Quota(None, 0)
        used = await self.told(
            lambda sdk: sdk.messaging("quota").get_message_quota_consumption_with_http_info(**RAW)
        )
        return Quota(int(quota["value"]), int(used["totalUsage"]))

    async def check_token(self) -> str:
        """Return the account's name, to see whether the token is right.

        Raises
        ------
        TokenRefused
            It is not.
        """
        return str((await self.info()).get("displayName", ""))

    async def own_user_id(self) -> str | None:
        """Return the account's own user id, which webhooks have as their destination."""
        found = (await self.info()).get("userId")
        return found if isinstance(found, str) and USER_ID.fullmatch(found) else None

    async def info(self) -> dict[str, Any]:
        """Return what LINE says of the account."""
        return await self.told(lambda sdk: sdk.messaging("info").get_bot_info_with_http_info(**RAW))

    # Rich menus

    async def create_rich_menu(self, menu: Mapping[str, Any]) -> str:
        """Create a rich menu from LINE's JSON; returns its id."""
        made = await self.told(
            lambda sdk: _menus(sdk).create_rich_menu_with_http_info(
                sdk.models.RichMenuRequest.from_dict(menu), **RAW
            )
        )
        return str(made["richMenuId"])

    async def upload_rich_menu_image(self, menu_id: str, image: bytes, content_type: str) -> None:
        """Give a rich menu its picture (``image/png`` or ``image/jpeg``, at most 1 MB)."""
        menu, headers = _checked(_MENU_NAME, menu_id), {"Content-Type": content_type}
        await self._sdk_call(
            lambda sdk: sdk.content("richmenu").set_rich_menu_image_with_http_info(
                menu, body=image, _headers=headers, **RAW
            )
        )

    async def list_rich_menus(self) -> list[dict[str, Any]]:
        """Return all rich menus as LINE's JSON."""
        found = await self.told(lambda sdk: _menus(sdk).get_rich_menu_list_with_http_info(**RAW))
        return list(found.get("richmenus", ()))

    async def delete_rich_menu(self, menu_id: str) -> None:
        menu = _checked(_MENU_NAME, menu_id)
        await self.told(lambda sdk: _menus(sdk).delete_rich_menu_with_http_info(menu, **RAW))

    async def set_default_rich_menu(self, menu_id: str) -> None:
        menu = _checked(_MENU_NAME, menu_id)
        await self.told(lambda sdk: _menus(sdk).set_default_rich_menu_with_http_info(menu, **RAW))

    async def link_rich_menu(self, user_id: str, menu_id: str) -> None:
        user, menu = _checked(USER_ID, user_id), _checked(_MENU_NAME, menu_id)
        await self.told(
            lambda sdk: _menus(sdk).link_rich_menu_id_to_user_with_http_info(user, menu, **RAW)
        )

    async def link_rich_menu_to_many(self, user_ids: Sequence[str], menu_id: str) -> None:
        """Link a menu to at most 500 residents. LINE does it some time later."""
        wanted = {
            "richMenuId": _checked(_MENU_NAME, menu_id),
            "userIds": [_checked(USER_ID, user_id) for user_id in user_ids],
        }
        await self._sdk_call(
            lambda sdk: _menus(sdk).link_rich_menu_id_to_users_with_http_info(
                sdk.models.RichMenuBulkLinkRequest.from_dict(wanted), **RAW
            )
        )

    async def replace_rich_menus(self, successors: Mapping[str, str]) -> None:
        """Link everybody who has a menu to its successor. LINE does it some time later."""
        operations = [
            {
                "type": "link",
                "from": _checked(_MENU_NAME, old),
                "to": _checked(_MENU_NAME, new),
            }
            for old, new in successors.items()
        ]
        await self.told(
            lambda sdk: _menus(sdk).rich_menu_batch_with_http_info(
                sdk.models.RichMenuBatchRequest.from_dict({"operations": operations}), **RAW
            )
        )

    async def unlink_rich_menu(self, user_id: str) -> None:
        user = _checked(USER_ID, user_id)
        await self.told(
            lambda sdk: _menus(sdk).unlink_rich_menu_id_from_user_with_http_info(user, **RAW)
        )

    async def create_rich_menu_alias(self, alias: str, menu_id: str) -> None:
        wanted = {"richMenuAliasId": alias, "richMenuId": menu_id}
        await self.told(
            lambda sdk: _menus(sdk).create_rich_menu_alias_with_http_info(
                sdk.models.CreateRichMenuAliasRequest.from_dict(wanted), **RAW
            )
        )

    async def update_rich_menu_alias(self, alias: str, menu_id: str) -> None:
        name = _checked(_MENU_NAME, alias)
        await self.told(
            lambda sdk: _menus(sdk).update_rich_menu_alias_with_http_info(
                name,
                sdk.models.UpdateRichMenuAliasRequest.from_dict({"richMenuId": menu_id}),
                **RAW,
            )
        )

    async def delete_rich_menu_alias(self, alias: str) -> None:
        name = _checked(_MENU_NAME, alias)
        await self.told(lambda sdk: _menus(sdk).delete_rich_menu_alias_with_http_info(name, **RAW))

    async def list_rich_menu_aliases(self) -> dict[str, str]:
        """Return the rich menu's id by alias."""
        found = await self.told(
            lambda sdk: _menus(sdk).get_rich_menu_alias_list_with_http_info(**RAW)
        )
        return {each["richMenuAliasId"]: each["richMenuId"] for each in found.get("aliases", ())}

    # How a call is made

    async def told(self, call: SdkCall) -> dict[str, Any]:
        """Make a call of the SDK and return LINE's JSON.

        Raises
        ------
        LineUnavailable, LineBusy, LineRefused, TokenRefused, QuotaReached
            As for :meth:`post`.
        """
        return _json_object(await self._sdk_call(call), "an API call")

    async def ask(self, name: str, method: str, path: str, body: bytes) -> dict[str, Any]:
        """Post a prepared body and return LINE's JSON; ``name`` is as in limits and metrics.

        Raises as :meth:`told`.
        """
        answer = await self._exchange(name, method, self._api + path, body)
        return _json_object(answer.data, f"{method} {path}")

    async def _sdk_call(self, call: SdkCall) -> bytes:
        """Make a call of the SDK and return the bytes of LINE's answer."""
        if self._sdk is None:
            # Importing it takes seconds on a busy machine; others go on meanwhile.
            made = await asyncio.to_thread(importlib.import_module, "channels.line.sdk")
            self._sdk = made.LineSdk(self._exchange, self._api, self._data_api)
        found = await call(self._sdk)
        return bytes(found.raw_data)

    async def _exchange(
        self,
        name: str,
        method: str,
        url: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        *,
        most_bytes: int | None = None,
    ) -> Answer:
        """Make a request that sends no messages, for the SDK or by ourselves.

        Parameters
        ----------
        most_bytes
            For content, which may be that large. Other answers are small.
        """
        headers = self._headers
        if body is not None:
            headers = {**headers, "Content-Type": content_type}
        timeout = self._timeout if most_bytes is None else _CONTENT_TIMEOUT
        async with self.limiter.slot(name):
            try:
                async with self._http.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                ) as response:
                    answers_it = answers.is_success(response.status, response.headers)
                    if most_bytes is not None and response.status == 202:
                        raise LineUnavailable("LINE still prepares the content", retry_after=1.0)
                    if most_bytes is not None and answers_it:
                        answer = await _content(response, most_bytes)
                    else:
                        answer = await _limited(response)
            except _NO_BROKEN as error:
                REQUESTS.labels(name, "broken").inc()
                raise LineUnavailable(reason("line.no-answer", error=_named(error))) from error
        self._hear(response)
        REQUESTS.labels(name, str(response.status)).inc()
        if answers_it:
            return Answer(response.status, answer, dict(response.headers))
        raise self._failure(name, response, answer)

    def _hear(self, response: aiohttp.ClientResponse) -> None:
        """Have LINE's date confirm the clock after a step."""
        if answers.REQUEST_ID in response.headers:
            hear_date(self._clock, response.headers, "LINE")

    def _failure(
        self, endpoint: str, response: aiohttp.ClientResponse, body: bytes
    ) -> answers.Failure:
        failure = answers.failure(response.status, response.headers, body)
        log.warning(
            "line.refused",
            endpoint=endpoint,
            http_status=response.status,
            reason=str(failure),
            request_id=response.headers.get(answers.REQUEST_ID),
        )
        if isinstance(failure, LineBusy):
            self.limiter.slow_down(endpoint, failure.retry_after)
        return failure


def open_session() -> aiohttp.ClientSession:
    """Return a session for LINE only: as many requests as its limits allow, no decompression.

    Its host name has its own resolver, so that it never waits for others.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, resolver=Names()), auto_decompress=False
    )


async def _content(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """Read a photo or file without decompression, at most ``most_bytes``."""
    _require_plain(response)
    if (response.content_length or 0) > most_bytes:
        raise TooLarge(f"the content has {response.content_length} bytes")
    content = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        content += chunk
        if len(content) > most_bytes:
            raise TooLarge(f"the content has more than {most_bytes} bytes")
    return bytes(content)


def _require_plain(response: aiohttp.ClientResponse) -> None:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        # We did not ask for compression. A few KB can unpack to GB, so it is not read at all.
        response.close()
        raise LineUnavailable(
            reason("line.encoded", status=response.status, encoding=encoding[:20])
        )


def _json_object(answer: bytes, call: str) -> dict[str, Any]:
    try:
        found = json.loads(answer or b"{}")
    except ValueError as error:
        raise LineUnavailable(reason("line.not-json", call=call)) from error
    if not isinstance(found, dict):
        raise LineUnavailable(reason("line.no-object", call=call))
    return found


def _menus(sdk: LineSdk) -> Any:
    return sdk.messaging("richmenu")


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer's body without decompression, at most ``MOST_ANSWER_BYTES``."""
    _require_plain(response)
    answer = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        answer += chunk
        if len(answer) > MOST_ANSWER_BYTES:
            # An answer of this size is not from LINE; what LINE did is unknown.
            raise LineUnavailable(reason("line.endless-answer", limit=MOST_ANSWER_BYTES))
    return bytes(answer)


def _checked(form: re.Pattern[str], value: str) -> str:
    if form.fullmatch(value) is None:
        raise BadInput(f"LINE has no such id: {value[:80]!r}")
    return value


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
