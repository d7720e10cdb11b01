"""What somebody saw on the confirmation page, signed, so that this is what is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadSignature, URLSafeSerializer

from alerts.release import Seen
from core.errors import Refusal


@dataclass(frozen=True)
class Look:
    """One person's look at one draft."""

    draft_id: int
    staff_id: int
    seen: Seen

    def seal(self, secret_key: str) -> str:
        seen = self.seen
        at = seen.at.timestamp()
        content = [self.draft_id, seen.version, self.staff_id, seen.recipients, at, *seen.warned]
        return str(_serializer(secret_key).dumps(content))

    @classmethod
    def unseal(cls, sealed: str, secret_key: str) -> Look:
        """Read a sealed look.

        Raises
        ------
        Refusal
            The seal is not ours.
        """
        try:
            draft_id, version, staff_id, recipients, at, *warned = _serializer(secret_key).loads(
                sealed
            )
        except (BadSignature, TypeError, ValueError) as error:
            raise Refusal("Look at the alert once more before you send it.") from error
        moment = datetime.fromtimestamp(at, UTC)
        return cls(draft_id, staff_id, Seen(version, recipients, moment, tuple(warned)))

    def seen_by(self, staff_id: int, draft_id: int) -> Seen:
        """Return what was seen.

        Raises
        ------
        Refusal
            Somebody else looked, or at another draft.
        """
        if (self.draft_id, self.staff_id) != (draft_id, staff_id):
            raise Refusal("Look at the alert once more before you send it.")
        return self.seen


def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="todoke.console.look")
