"""The part of LINE's API for messages to some friends: audiences and narrowcasts.

Source: LINE's OpenAPI descriptions of audiences and the Messaging API, and its reference: an
audience for a narrowcast has at least 50 people (error 4), and ids cannot be removed from one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulator.line import messages as shapes
from simulator.line.answers import Answer, LineError, Request, answer_json, read_json
from simulator.line.checks import (
    Check,
    array,
    boolean,
    integer,
    later,
    mapping,
    one_of,
    record,
    text,
)
from simulator.line.moments import PlatformTime
from simulator.line.recipients import USER_ID
from simulator.line.routes import Names, Route, Router
from simulator.line.users import Users

MAX_UPLOAD = 10_000
_EXPIRES_AFTER = 180 * 24 * 3600
_TOO_FEW, _AUDIENCE_TOO_SMALL = 2, 4

_type = text(choices=("operator", "audience", "redelivery"))


def _one_operator(value: dict[str, Any]) -> str | None:
    if len(value.keys() & {"and", "or", "not"}) != 1:
        return "exactly one of and, or and not is needed"
    return None


RECIPIENT: Check = one_of(
    {
        "operator": record(
            {
                "type": _type,
                "and": array(later(lambda: RECIPIENT), least=1, most=10),
                "or": array(later(lambda: RECIPIENT), least=1, most=10),
                "not": later(lambda: RECIPIENT),
            },
            also=_one_operator,
        ),
        "audience": record(
            {"type": _type, "audienceGroupId": integer()}, required=("audienceGroupId",)
        ),
        "redelivery": record({"type": _type, "requestId": text(least=1)}, required=("requestId",)),
    }
)
NARROWCAST_REQUEST = record(
    {
        "messages": shapes.MESSAGES,
        "recipient": RECIPIENT,
        # Age, gender and region are guesses; a city's service has no use for them.
        "filter": record({"demographic": mapping(text(), most=0)}),
        "limit": record(
            {
                "max": integer(1),
                "upToRemainingQuota": boolean(),
                "forbidPartialDelivery": boolean(),
            }
        ),
        "notificationDisabled": boolean(),
    },
    required=("messages",),
)
_members = array(record({"id": text(least=1)}, required=("id",)), most=MAX_UPLOAD)
CREATE_REQUEST = record(
    {
        "description": text(least=1, most=120),
        "isIfaAudience": boolean(),
        "uploadDescription": text(most=300),
        "audiences": _members,
    },
    required=("description",),
)
ADD_REQUEST = record(
    {"audienceGroupId": integer(), "uploadDescription": text(most=300), "audiences": _members},
    required=("audienceGroupId", "audiences"),
)
COMPONENTS: dict[str, Check] = {"NarrowcastRequest": NARROWCAST_REQUEST}
AUDIENCE_COMPONENTS: dict[str, Check] = {
    "CreateAudienceGroupRequest": CREATE_REQUEST,
    "AddAudienceToAudienceGroupRequest": ADD_REQUEST,
}


@dataclass
class Audience:
    """People named by their user ids."""

    number: int
    description: str
    created: float
    changed: float
    members: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Narrowcast:
    """An accepted narrowcast: its recipients, or why it failed."""

    accepted: float
    target: int
    error: int | None = None


class TargetingApi:
    """Answers requests about audiences and narrowcasts, and finds the recipients."""

    def __init__(
        self,
        *,
        users: Users,
        time: PlatformTime,
        narrowcast_seconds: float,
        audience_seconds: float,
        least_audience: int,
    ) -> None:
        self.audiences: dict[int, Audience] = {}
        self.narrowcasts: dict[str, Narrowcast] = {}
        self._users = users
        self._time = time
        self._narrowcast_seconds = narrowcast_seconds
        self._audience_seconds = audience_seconds
        self._least_audience = least_audience
        self._reached: dict[str, frozenset[str]] = {}
        self._last = 1_234_567_890_000

    def add_to(self, router: Router) -> None:
        """Add all endpoints."""
        upload, one = "/v2/bot/audienceGroup/upload", "/v2/bot/audienceGroup/{audience}"
        progress = "/v2/bot/message/progress/narrowcast"
        for method, path, name, handler, with_body in (
            ("POST", upload, "audience-create", self._create, True),
            ("PUT", upload, "audience-add", self._add, True),
            ("GET", one, "audience", self._get, False),
            ("DELETE", one, "audience-delete", self._delete, False),
            ("GET", progress, "narrowcast-progress", self._progress, False),
        ):
            router.add(method, path, Route(name, handler, takes_json=with_body))

    def clear(self) -> None:
        """Forget all audiences and narrowcasts."""
        self.audiences.clear()
        self.narrowcasts.clear()
        self._reached.clear()

    def accept(self, request_id: str, recipient: dict[str, Any] | None) -> list[str]:
        """Accept a narrowcast and return its recipients; none if it fails later.

        Raises
        ------
        LineError
            400 for an audience that does not exist or is not ready.
        """
        used: list[Audience] = []
        everybody = self._users.followers()
        reached = everybody
        if recipient is not None:
            chosen = self._chosen(recipient, set(everybody), used)
            reached = [each for each in everybody if each in chosen]
        error = None
        if any(len(audience.members) < self._least_audience for audience in used):
            error = _AUDIENCE_TOO_SMALL
        elif not reached:
            error = _TOO_FEW
        if error is not None:
            reached = []
        self.narrowcasts[request_id] = Narrowcast(self._time.seconds(), len(reached), error)
        self._reached[request_id] = frozenset(reached)
        return reached

    def _chosen(
        self, recipient: dict[str, Any], everybody: set[str], used: list[Audience]
    ) -> set[str]:
        if recipient["type"] == "audience":
            audience = self._found(recipient["audienceGroupId"])
            if self._status(audience) != "READY":
                raise LineError(400, "The audience is not ready")
            used.append(audience)
            return everybody & audience.members
        if recipient["type"] == "redelivery":
            return set(self._reached.get(recipient["requestId"], frozenset()))
        if "not" in recipient:
            return everybody - self._chosen(recipient["not"], everybody, used)
        parts = [
            self._chosen(each, everybody, used)
            for each in recipient.get("and") or recipient.get("or") or []
        ]
        return set.intersection(*parts) if "and" in recipient else set.union(*parts)

    def _create(self, request: Request, _names: Names) -> Answer:
        content = read_json(request.body, CREATE_REQUEST)
        members = _ids(content.get("audiences", []))
        now = self._time.seconds()
        self._last += 1
        made = Audience(self._last, content["description"], now, now, members)
        self.audiences[made.number] = made
        return answer_json(
            {
                "audienceGroupId": made.number,
                "createRoute": "MESSAGING_API",
                "type": "UPLOAD",
                "description": made.description,
                "created": int(now),
                "permission": "READ_WRITE",
                "expireTimestamp": int(now) + _EXPIRES_AFTER,
                "isIfaAudience": False,
            },
            202,
        )

    def _add(self, request: Request, _names: Names) -> Answer:
        content = read_json(request.body, ADD_REQUEST)
        audience = self._found(content["audienceGroupId"])
        audience.members |= _ids(content["audiences"])
        audience.changed = self._time.seconds()
        return Answer(202)

    def _get(self, _request: Request, names: Names) -> Answer:
        audience = self._found(names["audience"])
        return answer_json(
            {
                "audienceGroup": {
                    "audienceGroupId": audience.number,
                    "createRoute": "MESSAGING_API",
                    "type": "UPLOAD",
                    "description": audience.description,
                    "status": self._status(audience),
                    "audienceCount": len(audience.members),
                    "created": int(audience.created),
                    "permission": "READ_WRITE",
                    "isIfaAudience": False,
                },
                "jobs": [],
            }
        )

    def _delete(self, _request: Request, names: Names) -> Answer:
        del self.audiences[self._found(names["audience"]).number]
        return Answer()

    def _progress(self, request: Request, _names: Names) -> Answer:
        found = self.narrowcasts.get(request.query.get("requestId", ""))
        if found is None:
            raise LineError(400, "The request ID is invalid")
        accepted = {"acceptedTime": _iso(found.accepted)}
        age = self._time.seconds() - found.accepted
        if age < self._narrowcast_seconds:
            phase = "waiting" if age < self._narrowcast_seconds / 2 else "sending"
            return answer_json({"phase": phase, **accepted})
        accepted["completedTime"] = _iso(found.accepted + self._narrowcast_seconds)
        if found.error is not None:
            why = "not enough recipients"
            return answer_json(
                {"phase": "failed", "failedDescription": why, "errorCode": found.error, **accepted}
            )
        return answer_json(
            {
                "phase": "succeeded",
                "successCount": found.target,
                "failureCount": 0,
                "targetCount": found.target,
                **accepted,
            }
        )

    def _found(self, number: int | str) -> Audience:
        text_of = str(number)
        audience = self.audiences.get(int(text_of)) if text_of.isdecimal() else None
        if audience is None:
            raise LineError(400, "audience group not found")
        return audience

    def _status(self, audience: Audience) -> str:
        now = self._time.seconds()
        if now > audience.created + _EXPIRES_AFTER:
            return "EXPIRED"
        return "IN_PROGRESS" if now < audience.changed + self._audience_seconds else "READY"


def _ids(members: list[dict[str, str]]) -> set[str]:
    ids = {member["id"] for member in members}
    if any(USER_ID.fullmatch(each) is None for each in ids):
        raise LineError(400, "UPLOAD_AUDIENCE_GROUP_INVALID_AUDIENCE_ID_FORMAT")
    return ids


def _iso(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
