"""Links in mails with which a member of staff answers a call-up without an account.

A link says which call-up and which member, and is signed. It only opens a page; the answer is sent
from there, so that a mail scanner that follows links answers nothing. It ends with the call-up, or
two days after its member was called or asked again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.ext.asyncio import AsyncSession

from response.models import CalledMember, CallUp, StaffMember

PATH = "/call-up"
VALID = timedelta(days=2)
LONGEST_TOKEN = 200


class AnswerLinks:
    """Makes and opens the links of one installation."""

    def __init__(self, secret_key: str, public_url: str) -> None:
        self._signer = URLSafeSerializer(secret_key, salt="todoke.response.answer-link")
        self._public_url = public_url

    def page(self, call_up_id: int, member_id: int, choice: str = "") -> str:
        """Return the address of a member's page, with an answer filled in if there is one."""
        token = self._signer.dumps([call_up_id, member_id])
        return f"{self._public_url}{PATH}/{token}" + (f"?answer={choice}" if choice else "")

    async def open(
        self, session: AsyncSession, token: str, now: datetime
    ) -> tuple[CallUp, CalledMember, StaffMember] | None:
        """Return what a link is about; None if it is forged, too old, or its member was removed."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        try:
            call_up_id, member_id = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        call_up = await session.get(CallUp, call_up_id)
        called = await session.get(CalledMember, (call_up_id, member_id))
        member = await session.get(StaffMember, member_id)
        if call_up is None or called is None or member is None or now > called.called_at + VALID:
            return None
        return call_up, called, member
