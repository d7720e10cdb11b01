"""Links for the staff at an evacuation site: one site, one world, no account.

A link is opened on a phone, from a QR code. It ends at its time, or when the desk revokes it. In
which browsers it was opened is kept, so that the desk sees when it was passed on. What is in the
address is sealed (``core.links``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.shelters import Shelter
from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database
from core.errors import BadInput
from core.links import MOST_PHONES as MOST_PHONES
from core.links import Tokens, milliseconds
from core.links import is_valid as is_valid
from core.links import opened as opened_in
from response.models import ShelterLink, ShelterPhone
from response.reasons import reason

HOURS = (6, 24, 72)
"""For how long a link can be made."""


class ShelterTokens(Tokens[ShelterLink]):
    """The secret part of the addresses of the links for sites."""

    def __init__(self, secret_key: str) -> None:
        super().__init__(secret_key, "todoke.response.shelter", ShelterLink, "Q?")

    def marks(self, link: ShelterLink) -> tuple[int | bool, ...]:
        return milliseconds(link.made_at), link.drill


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
    await opened_in(session, ShelterPhone, link.id or 0, phone, name, now)


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
