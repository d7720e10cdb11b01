"""LINE's API about all friends of the account, and about audiences.

Source: https://developers.line.biz/en/reference/messaging-api/ (followers' ids, insight,
audiences, narrowcast progress).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from channels.line.client import RAW, USER_ID, LineClient
from channels.line.errors import LineUnavailable
from channels.line.reasons import reason
from channels.medium import compact_json

PAGE_SIZE = 1_000
"""The most ids LINE lists at once."""
MOST_UPLOADED = 10_000
"""The most ids that LINE accepts into an audience at once."""
_UPLOAD = "/v2/bot/audienceGroup/upload"


@dataclass(frozen=True)
class FriendPage:
    """Some friends' ids; ``next`` is the continuation token, "" at the end."""

    user_ids: tuple[str, ...]
    next: str


@dataclass(frozen=True)
class FriendNumbers:
    """The number of friends on a day; the numbers are valid only if ``status`` is ready."""

    status: str
    followers: int | None = None
    targeted_reaches: int | None = None
    blocks: int | None = None


@dataclass(frozen=True)
class NarrowcastProgress:
    """The progress of a narrowcast."""

    phase: str
    target: int | None = None
    success: int | None = None
    failure: int | None = None
    error_code: int | None = None
    description: str = ""


async def friends(line: LineClient, start: str = "") -> FriendPage:
    """Return a page of the ids of all friends.

    Raises
    ------
    Forbidden
        The account is neither verified nor premium.
    """
    page: dict[str, Any] = {"limit": PAGE_SIZE, **({"start": start} if start else {})}
    found = await line.told(
        lambda sdk: sdk.messaging("followers").get_followers_with_http_info(**page, **RAW)
    )
    ids = found.get("userIds")
    if not isinstance(ids, list):
        raise LineUnavailable(reason("line.no-friends-list"))
    users = tuple(each for each in ids if isinstance(each, str) and USER_ID.fullmatch(each))
    return FriendPage(users, str(found.get("next") or ""))


async def friend_numbers(line: LineClient, day: str) -> FriendNumbers:
    """Return how many friends there were on ``day`` (YYYYMMDD in Japan)."""
    found = await line.told(
        lambda sdk: sdk.insight("insight-followers").get_number_of_followers_with_http_info(
            var_date=day, **RAW
        )
    )
    return FriendNumbers(
        str(found.get("status", "")),
        _number(found.get("followers")),
        _number(found.get("targetedReaches")),
        _number(found.get("blocks")),
    )


async def create_audience(line: LineClient, name: str, user_ids: Sequence[str]) -> int:
    """Create an audience of these users; return its id."""
    body = compact_json({"description": name, "isIfaAudience": False, "audiences": _ids(user_ids)})
    found = await line.ask("audience-create", "POST", _UPLOAD, body)
    number = _number(found.get("audienceGroupId"))
    if number is None:
        raise LineUnavailable(reason("line.no-audience-number"))
    return number


async def add_to_audience(line: LineClient, audience: int, user_ids: Sequence[str]) -> None:
    """Add users to an audience; a user who is in it already stays in it once."""
    body = compact_json({"audienceGroupId": audience, "audiences": _ids(user_ids)})
    await line.ask("audience-add", "PUT", _UPLOAD, body)


async def audience_status(line: LineClient, audience: int) -> str:
    """Return LINE's status of an audience: READY, IN_PROGRESS, FAILED, EXPIRED …"""
    found = await line.told(
        lambda sdk: sdk.audience("audience").get_audience_data_with_http_info(audience, **RAW)
    )
    group = found.get("audienceGroup")
    return str(group.get("status", "")) if isinstance(group, dict) else ""


async def delete_audience(line: LineClient, audience: int) -> None:
    """Delete an audience at LINE."""
    await line.told(
        lambda sdk: sdk.audience("audience-delete").delete_audience_group_with_http_info(
            audience, **RAW
        )
    )


def narrowcast_body(audience: int, messages: bytes) -> bytes:
    """Return a narrowcast's body to everybody outside an audience."""
    outside = {"type": "operator", "not": {"type": "audience", "audienceGroupId": audience}}
    return b"".join((b'{"messages":', messages, b',"recipient":', compact_json(outside), _LOUD))


def broadcast_body(messages: bytes) -> bytes:
    """Return a broadcast's body to all friends."""
    return b"".join((b'{"messages":', messages, _LOUD))


_LOUD = b',"notificationDisabled":false}'


async def narrowcast_progress(line: LineClient, request_id: str) -> NarrowcastProgress:
    """Return the progress of an accepted narrowcast."""
    found = await line.told(
        lambda sdk: sdk.messaging("narrowcast-progress").get_narrowcast_progress_with_http_info(
            request_id, **RAW
        )
    )
    return NarrowcastProgress(
        str(found.get("phase", "")),
        _number(found.get("targetCount")),
        _number(found.get("successCount")),
        _number(found.get("failureCount")),
        _number(found.get("errorCode")),
        str(found.get("failedDescription") or "")[:300],
    )


def _ids(user_ids: Sequence[str]) -> list[dict[str, str]]:
    return [{"id": each} for each in user_ids]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
