"""LINE's official client, line-bot-sdk, for every call that is not hot, over our own requests.

Its generated methods know the paths, the parameters and which host a call goes to. They leave
the request itself to a ``rest_client``. Ours has the limits, the time-outs, the bounded reading
and the names of :class:`channels.line.client.LineClient`. Answers come back as bytes
(``_preload_content=False``), because the models refuse an answer with a value that is newer than
they are, and a new kind of chat mode must not keep a channel stopped.

Importing it takes seconds on a busy machine, so it is imported at the first call, in a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from linebot.v3 import audience as audience_package
from linebot.v3 import insight as insight_package
from linebot.v3 import messaging as messaging_package

from channels.line.answers import Answer
from channels.medium import compact_json

Exchange = Callable[[str, str, str, bytes | None, str], Awaitable[Answer]]
"""Makes a request: name of the endpoint, method, URL, body, content type."""


class Requests:
    """What the SDK makes its requests with, for one endpoint."""

    def __init__(self, exchange: Exchange, name: str) -> None:
        self._exchange = exchange
        self._name = name

    async def get_request(self, url: str, **given: Any) -> Answer:
        return await self._made("GET", url, **given)

    async def post_request(self, url: str, **given: Any) -> Answer:
        return await self._made("POST", url, **given)

    async def put_request(self, url: str, **given: Any) -> Answer:
        return await self._made("PUT", url, **given)

    async def delete_request(self, url: str, **given: Any) -> Answer:
        return await self._made("DELETE", url, **given)

    async def _made(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **_: Any,
    ) -> Answer:
        data = compact_json(body) if isinstance(body, dict) else body
        content_type = (headers or {}).get("Content-Type", "application/json")
        return await self._exchange(self._name, method, url, data, content_type)


class LineSdk:
    """The SDK's clients, made once for each endpoint.

    Parameters
    ----------
    exchange
        Makes the requests. It has the access token, which the SDK is not told.
    api, data_api
        Addresses of LINE's two hosts.
    """

    models = messaging_package

    def __init__(self, exchange: Exchange, api: str, data_api: str) -> None:
        self._exchange = exchange
        self._hosts = (api, data_api)
        self._made: dict[tuple[str, str], Any] = {}

    def messaging(self, name: str) -> messaging_package.AsyncMessagingApi:
        return self._client(name, messaging_package.AsyncMessagingApi, messaging_package)

    def content(
        self, name: str, exchange: Exchange | None = None
    ) -> messaging_package.AsyncMessagingApiBlob:
        """Return the client for the data host; with ``exchange`` it makes its requests by that."""
        if exchange is None:
            return self._client(
                name, messaging_package.AsyncMessagingApiBlob, messaging_package, host=1
            )
        requests = Requests(exchange, name)
        return messaging_package.AsyncMessagingApiBlob(
            _api_client(messaging_package, self._hosts[1], requests)
        )

    def insight(self, name: str) -> insight_package.AsyncInsight:
        return self._client(name, insight_package.AsyncInsight, insight_package)

    def audience(self, name: str) -> audience_package.AsyncManageAudience:
        return self._client(name, audience_package.AsyncManageAudience, audience_package)

    async def validate(self, endpoint: str, body: dict[str, Any]) -> Any:
        """Have LINE check messages as they are; models of the SDK might leave something out."""
        return await self.messaging("validate").api_client.call_api(
            f"/v2/bot/message/validate/{endpoint}",
            "POST",
            header_params={"Content-Type": "application/json"},
            body=body,
            response_types_map={},
            _preload_content=False,
        )

    def _client(self, name: str, kind: Any, package: Any, *, host: int = 0) -> Any:
        key = (name, kind.__name__)
        if key not in self._made:
            self._made[key] = kind(
                _api_client(package, self._hosts[host], Requests(self._exchange, name))
            )
        return self._made[key]


def _api_client(package: Any, host: str, requests: Requests) -> Any:
    """Return the SDK's client with our requests, and without a session of its own."""
    made = package.AsyncApiClient.__new__(package.AsyncApiClient)
    made.configuration = package.Configuration(host=host, access_token="")
    made.client_side_validation = made.configuration.client_side_validation
    made.default_headers = {}
    made.cookie = None
    made.rest_client = requests
    return made
