"""Links for the staff at an evacuation site: one site, one world, no account.

A link is opened on a phone, from a QR code. It ends at its time, or when the desk revokes it. In
which browsers it was opened is kept, so that the desk sees when it was passed on. What is in the
address is encrypted and authenticated (AES-SIV, RFC 5297; the key comes from
``TODOKE_SECRET_KEY`` by HKDF, RFC 5869), so that nobody can make one or change another.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.shelters import Shelter
from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database
from core.errors import BadInput
from response.models import ShelterLink, ShelterPhone
from response.reasons import reason
from subscriptions.residents import insert_new

HOURS = (6, 24, 72)
"""For how long a link can be made."""
MOST_PHONES = 200
"""Browsers of one link that are kept."""
_FORM = struct.Struct(">QQ?")
LENGTH = 48
"""Most characters of a token."""


class ShelterTokens:
    """Makes and reads the secret part of a link's address.

    Parameters
    ----------
    secret_key
        ``TODOKE_SECRET_KEY``.
    """

    def __init__(self, secret_key: str) -> None:
        derive = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"todoke.response.shelter")
        self._cipher = AESSIV(derive.derive(secret_key.encode()))

    def token(self, link: ShelterLink) -> str:
        """Return the secret part of a link's address; one link has one."""
        plain = _FORM.pack(link.id or 0, _milliseconds(link.made_at), link.drill)
        return base64.urlsafe_b64encode(self._cipher.encrypt(plain, None)).decode().rstrip("=")

    async def find(self, session: AsyncSession, token: str) -> ShelterLink | None:
        """Return the link of a token, also one that has ended; None for what we did not make.

        After a restore another link may have its number; the moment it was made tells them apart.
        """
        if len(token) > LENGTH or not token.isascii():
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            number, made, drill = _FORM.unpack(self._cipher.decrypt(sealed, None))
        except (InvalidTag, ValueError, binascii.Error, struct.error):
            return None
        if number >= 2**63:
            return None
        link = await session.get(ShelterLink, number)
        if link is None or link.drill != drill or _milliseconds(link.made_at) != made:
            return None
        return link if self.token(link) == token else None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def is_valid(link: ShelterLink, now: datetime) -> bool:
    """Whether a link may be used."""
    return link.revoked_at is None and now < link.expires_at


async def make(
    session: AsyncSession,
    sites: Sequence[Shelter],
    code: str,
    now: datetime,
    *,
    drill: bool,
    hours: int,
    actor: str,
) -> ShelterLink:
    """Make a link.

    Raises
    ------
    BadInput
        The city has no such site, or a link cannot be valid so long.
    """
    if all(site.code != code for site in sites):
        raise BadInput(reason("shelter.missing", code=code))
    if hours not in HOURS:
        raise BadInput(reason("shelter.link"))
    ends = now + timedelta(hours=hours)
    link = ShelterLink(shelter=code, drill=drill, made_at=now, made_by=actor, expires_at=ends)
    session.add(link)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=actor,
        action="shelter_link.made",
        subject=f"shelter_link:{link.id}",
        shelter=code,
        drill=drill,
        expires_at=ends.isoformat(),
    )
    return link


async def revoke(session: AsyncSession, link_id: int, now: datetime, *, actor: str) -> ShelterLink:
    """End a link at once; one that has ended stays as it is.

    Raises
    ------
    BadInput
        There is no such link.
    """
    link = await session.get(ShelterLink, link_id, with_for_update=True)
    if link is None:
        raise BadInput(reason("shelter.link"))
    if link.revoked_at is None:
        link.revoked_at, link.revoked_by = now, actor
        session.add(link)
        await session.flush()
        await audit.record(
            session,
            now,
            actor=actor,
            action="shelter_link.revoked",
            subject=f"shelter_link:{link_id}",
            shelter=link.shelter,
            drill=link.drill,
        )
    return link


async def opened(
    session: AsyncSession, link: ShelterLink, phone: str, name: str, now: datetime
) -> None:
    """Note that a link was opened in a browser."""
    here = (col(ShelterPhone.link_id) == link.id, col(ShelterPhone.phone) == phone)
    seen = update(ShelterPhone).where(*here)
    again = await session.execute(seen.values(last_at=now, opened=ShelterPhone.opened + 1))
    if rows_of(again):
        return
    known = await session.scalar(
        select(func.count()).select_from(ShelterPhone).where(col(ShelterPhone.link_id) == link.id)
    )
    if (known or 0) >= MOST_PHONES:
        return
    new = insert_new(session, ShelterPhone, ["link_id", "phone"])
    row = {"link_id": link.id, "phone": phone, "name": name[:20], "opened": 1}
    await session.execute(new.values(**row, first_at=now, last_at=now))


async def links_of(
    session: AsyncSession, code: str, *, drill: bool, most: int = 20
) -> list[tuple[ShelterLink, list[ShelterPhone]]]:
    """Return the last links of a site, the newest first, with the browsers they were opened in."""
    query = select(ShelterLink).where(
        col(ShelterLink.shelter) == code, col(ShelterLink.drill).is_(drill)
    )
    links = list(await session.scalars(query.order_by(col(ShelterLink.made_at).desc()).limit(most)))
    phones: dict[int, list[ShelterPhone]] = {}
    numbers = [link.id for link in links]
    found = select(ShelterPhone).where(col(ShelterPhone.link_id).in_(numbers))
    for phone in await session.scalars(found.order_by(col(ShelterPhone.first_at))):
        phones.setdefault(phone.link_id, []).append(phone)
    return [(link, phones.get(link.id or 0, [])) for link in links]


async def forget_old(database: Database, before: datetime) -> int:
    """Erase links that ended before a moment, and what was said by them; return how many."""
    number, old = col(ShelterLink.id), col(ShelterLink.expires_at) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(ShelterLink).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)
