"""A typed client for the control API, for tests, benchmarks, demos and browsers' drivers."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

from core.errors import Permanent
from simulator.line.control import PREFIX


class SimulatorClient:
    """A client for a simulator in another process.

    Parameters
    ----------
    url
        Its address, such as ``http://127.0.0.1:8800``.
    session
        Used when given; otherwise one is made and closed with the context.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession | None = None) -> None:
        self._url = url.rstrip("/") + PREFIX
        self._given = session
        self._own: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        if self._given is None:
            self._own = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._own is not None:
            await self._own.close()
            self._own = None

    async def state(self) -> dict[str, Any]:
        """Account, users, webhook, faults and ready photos."""
        return dict(await self._call("GET", "state"))

    async def add_user(
        self,
        name: str,
        language: str | None = "ja",
        *,
        follows: bool = False,
        user_id: str | None = None,
        picture_url: str | None = None,
    ) -> str:
        """Create a user; returns the id."""
        made = await self._call(
            "POST",
            "users",
            {
                "name": name,
                "language": language,
                "follows": follows,
                "userId": user_id,
                "pictureUrl": picture_url,
            },
        )
        return str(made["userId"])

    async def add_friends(self, number: int = 0, *, user_ids: Sequence[str] = ()) -> None:
        """Make friends who never wrote, without any webhook."""
        await self._call("POST", "friends", {"number": number, "userIds": list(user_ids)})

    async def follow(self, user_id: str) -> str:
        """Follow or unblock; returns the id of the event, as do all acts."""
        return await self._act(user_id, "follow", {})

    async def block(self, user_id: str) -> str:
        """Block the account."""
        return await self._act(user_id, "block", {})

    async def send_text(self, user_id: str, text: str) -> str:
        """Write something."""
        return await self._act(user_id, "text", {"text": text})

    async def send_sticker(
        self, user_id: str, package_id: str = "446", sticker_id: str = "1988"
    ) -> str:
        """Send a sticker."""
        wish = {"packageId": package_id, "stickerId": sticker_id}
        return await self._act(user_id, "sticker", wish)

    async def send_location(
        self,
        user_id: str,
        latitude: float,
        longitude: float,
        *,
        title: str | None = None,
        address: str | None = None,
    ) -> str:
        """Send a place."""
        wish = {
            "latitude": latitude,
            "longitude": longitude,
            "title": title,
            "address": address,
        }
        return await self._act(user_id, "location", wish)

    async def send_ready_photo(self, user_id: str, name: str) -> str:
        """Send one of the photos that lie ready."""
        return await self._act(user_id, "photo", {"ready": name})

    async def send_media(
        self,
        user_id: str,
        body: bytes,
        *,
        kind: str = "image",
        content_type: str = "image/jpeg",
        name: str = "",
    ) -> str:
        """Send a picture, video, sound or file; returns the id of the event."""
        made = await self._request(
            "POST",
            f"users/{user_id}/media",
            params={"kind": kind, "name": name},
            data=body,
            headers={"Content-Type": content_type},
        )
        return str(made["webhookEventId"])

    async def postback(
        self,
        user_id: str,
        data: str,
        *,
        params: dict[str, str] | None = None,
        display_text: str | None = None,
    ) -> str:
        """Send a postback with data, as a button does."""
        wish = {"data": data, "params": params, "displayText": display_text}
        return await self._act(user_id, "postback", wish)

    async def tap(
        self, user_id: str, action: dict[str, Any], *, params: dict[str, str] | None = None
    ) -> None:
        """Do what an action object says."""
        wish = {"action": action, "params": params}
        await self._call("POST", f"users/{user_id}/tap", wish)

    async def user(self, user_id: str) -> dict[str, Any]:
        """A user with chat and rich menu."""
        return dict(await self._call("GET", f"users/{user_id}"))

    async def chat(self, user_id: str) -> list[dict[str, Any]]:
        """Everything in a user's chat, in order."""
        found: list[dict[str, Any]] = (await self.user(user_id))["chat"]
        return found

    async def raw_event(self, event: dict[str, Any]) -> str:
        """Send any event; the common fields are added."""
        made = await self._call("POST", "events", event)
        return str(made["webhookEventId"])

    async def set_faults(self, spec: str) -> None:
        """Switch faults on (``none`` switches them off)."""
        await self._call("PUT", "faults", {"spec": spec})

    async def ledger(
        self, user_id: str | None = None, *, limit: int = 100, after: int = 0
    ) -> list[dict[str, Any]]:
        """Requests carried out, in order."""
        params = {"limit": str(limit), "after": str(after)}
        if user_id is not None:
            params["user"] = user_id
        found: list[dict[str, Any]] = await self._request("GET", "ledger", params=params)
        return found

    async def ledger_summary(self) -> dict[str, Any]:
        """Requests, deliveries, and how many users were reached how often."""
        return dict(await self._call("GET", "ledger/summary"))

    async def stats(self, seconds: float = 1.0) -> dict[str, Any]:
        """Per endpoint: requests, and the most in any window."""
        return dict(await self._request("GET", "stats", params={"seconds": str(seconds)}))

    async def webhook(self) -> dict[str, Any]:
        """Address and attempts of the webhook."""
        return dict(await self._call("GET", "webhook"))

    async def set_webhook(
        self,
        url: str | None,
        *,
        active: bool = True,
        redelivery: bool = True,
    ) -> None:
        """Say where events go."""
        wish = {"url": url, "active": active, "redelivery": redelivery}
        await self._call("PUT", "webhook", wish)

    async def hold_events(self) -> None:
        """Keep events back."""
        await self._call("POST", "webhook/hold", {})

    async def release_events(
        self, *, shuffle: bool = False, per_request: int = 1, seed: int = 0
    ) -> int:
        """Send the held events; return how many."""
        wish = {"shuffle": shuffle, "perRequest": per_request, "seed": seed}
        return int((await self._call("POST", "webhook/release", wish))["events"])

    async def set_limits(self, *, enabled: bool) -> None:
        """Switch rate limits on or off."""
        await self._call("PUT", "limits", {"enabled": enabled})

    async def set_quota(self, value: int | None) -> None:
        """Set the messages a month; None is unlimited."""
        await self._call("PUT", "quota", {"value": value})

    async def advance(self, seconds: float) -> None:
        """Advance the simulator's time."""
        await self._call("POST", "clock", {"advance": seconds})

    async def idle(self) -> None:
        """Wait until no webhook is on its way any more."""
        await self._call("POST", "idle", {})

    async def expire_content(self, message_id: str) -> None:
        """Delete LINE's copy of a picture."""
        await self._call("POST", f"contents/{message_id}/expire", {})

    async def reset(self) -> None:
        """Forget everything but options."""
        await self._call("POST", "reset", {})

    async def _act(self, user_id: str, act: str, wish: dict[str, Any]) -> str:
        made = await self._call("POST", f"users/{user_id}/{act}", wish)
        return str(made["webhookEventId"])

    async def _call(self, method: str, path: str, wish: dict[str, Any] | None = None) -> Any:
        return await self._request(method, path, json=wish)

    async def _request(self, method: str, path: str, **more: Any) -> Any:
        session = self._given or self._own
        if session is None:
            raise RuntimeError("use the client as a context manager, or give it a session")
        async with session.request(method, self._url + path, **more) as answer:
            content = await answer.json()
            if answer.status >= 400:
                raise Permanent(f"simulator: {content.get('message', answer.status)}")
            return content
