"""Pictures of news: checked and shrunk in a child process, stored, found by their code."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news.models import News, StoredPicture
from core.child import Exhausted, NoTurn, Workshop
from core.errors import Refusal
from core.languages import mark
from core.pictures import MAX_BYTES, PhotoRefused, as_jpeg, decode_picture
from feeds.news_form import NewsPicture

LONGEST_SIDE = 1024
"""The widest picture that LINE shows in a card."""
WORKSHOP = Workshop("alerts.news.pictures:shrink")
UNREADABLE = "unreadable"
REFUSED: Mapping[str, str] = {
    "too-large": mark("The picture is too large: at most 20 MB and 60 million pixels."),
    UNREADABLE: mark(
        "This file is no picture that can be read. Take a JPEG, PNG, WebP or HEIC file."
    ),
}


@dataclass(frozen=True)
class Shrunk:
    """A picture of our own encoding."""

    width: int
    height: int
    content: bytes


def shrink(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the size of a picture and its JPEG file; ``refused`` says why there is none."""
    try:
        if len(data) > MAX_BYTES:
            raise PhotoRefused("too-large", f"The picture is larger than {MAX_BYTES} bytes.")
        image, _ = decode_picture(data)
    except PhotoRefused as refusal:
        return {"refused": refusal.kind}, b""
    with image:
        content, width, height = as_jpeg(image, LONGEST_SIDE)
    return {"width": width, "height": height}, content


async def shrunk(data: bytes) -> Shrunk:
    """Return a picture that somebody chose, checked and shrunk.

    Raises
    ------
    Refusal
        It is none, or too large.
    """
    try:
        said, content = await WORKSHOP.do(data)
    except Exhausted:
        said, content = {"refused": UNREADABLE}, b""
    except NoTurn as error:
        raise Refusal("The machine is too busy for the picture. Try it again.") from error
    why = REFUSED.get(said.get("refused", ""))
    if why is not None:
        raise Refusal(why)
    return Shrunk(said["width"], said["height"], content)


async def store(
    session: AsyncSession, picture: Shrunk, *, actor: str, now: datetime
) -> StoredPicture:
    """Store a picture under a code that nobody can guess."""
    row = StoredPicture(
        code=secrets.token_urlsafe(12),
        width=picture.width,
        height=picture.height,
        content=picture.content,
        created_by=actor,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def is_stored(session: AsyncSession, picture_id: int) -> bool:
    """Whether there is such a picture."""
    found = await session.scalar(
        select(StoredPicture.id).where(col(StoredPicture.id) == picture_id)
    )
    return found is not None


async def content_of(session: AsyncSession, code: str) -> bytes | None:
    """Return the file of a picture."""
    found: bytes | None = await session.scalar(
        select(StoredPicture.content).where(col(StoredPicture.code) == code[:22])
    )
    return found


async def picture_of(session: AsyncSession, news: News) -> NewsPicture | None:
    """Return the picture of news with its words."""
    if news.picture_id is None:
        return None
    found = await session.execute(
        select(StoredPicture.code, StoredPicture.width, StoredPicture.height).where(
            col(StoredPicture.id) == news.picture_id
        )
    )
    row = found.one_or_none()
    return None if row is None else NewsPicture(*row, alts=dict(news.alts))
