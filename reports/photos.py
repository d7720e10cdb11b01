"""Photos of reports: stored by their hash, shown, and forgotten.

``reports.decoding`` checks them, makes them smaller and frees them of their metadata.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any, Self

import structlog
from PIL import Image
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from core.child import Exhausted, Workshop
from core.database import Database
from core.errors import BadInput
from reports.decoding import PhotoRefused, encoded, shrink
from reports.likeness import dhash
from reports.models import Forward, Photo, PhotoRole, Report, ReportUpdate
from reports.reasons import reason

MAX_PHOTOS = 4
CONTENT_TYPE = "image/jpeg"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Picture:
    """A stored photo: named by its SHA-256, pixels as shown, bytes on disk.

    ``taken_at`` is the position in its metadata (longitude, latitude). It is offered to the
    resident and stored only if they agree. ``message_id`` is LINE's message with the photo.
    ``dhash`` is what it looks like (``reports.likeness``).
    """

    sha256: str
    width: int
    height: int
    size: int
    taken_at: tuple[float, float] | None = None
    message_id: str = ""
    role: PhotoRole = PhotoRole.NEAR
    dhash: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The part that a dialogue stores; never the position."""
        return {
            "sha256": self.sha256,
            "width": self.width,
            "height": self.height,
            "size": self.size,
            "message": self.message_id,
            "role": self.role.value,
            "dhash": self.dhash,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        return cls(
            content["sha256"],
            content["width"],
            content["height"],
            content["size"],
            message_id=content.get("message", ""),
            role=PhotoRole(content.get("role", PhotoRole.NEAR)),
            dhash=content.get("dhash"),
        )

    def row(self, report_id: int, now: datetime, role: PhotoRole | None = None) -> Photo:
        """Return it as a photo of a report; ``role`` is what it shows, by default its own."""
        return Photo(
            report_id=report_id,
            sha256=self.sha256,
            content_type=CONTENT_TYPE,
            width=self.width,
            height=self.height,
            size=self.size,
            message_id=self.message_id,
            role=role or self.role,
            dhash=self.dhash,
            created_at=now,
        )


class Added(Enum):
    """What became of a photo that was to be added to a report."""

    NEW = auto()
    IS_THERE = auto()
    NO_ROOM = auto()


async def add_photo(
    session: AsyncSession,
    report: Report,
    picture: Picture,
    now: datetime,
    *,
    role: PhotoRole,
    most: int,
) -> Added:
    """Add a photo to a report, once.

    Parameters
    ----------
    most
        Photos that the report may have.
    """
    assert report.id is not None
    query = select(col(Photo.sha256)).where(col(Photo.report_id) == report.id)
    there = list(await session.scalars(query))
    if picture.sha256 in there:
        return Added.IS_THERE
    if len(there) >= most:
        return Added.NO_ROOM
    session.add(picture.row(report.id, now, role))
    report.photo_count = len(there) + 1
    session.add(report)
    return Added.NEW


def photo_path(media_dir: Path, sha256: str, *, thumbnail: bool = False) -> Path:
    """Return where a photo, or its thumbnail, is kept.

    Raises
    ------
    BadInput
        ``sha256`` is not 64 hexadecimal digits.
    """
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise BadInput(reason("report.no-photo"))
    name = f"{sha256}-small.jpg" if thumbnail else f"{sha256}.jpg"
    return media_dir / "photos" / sha256[:2] / name


def store_photo(media_dir: Path, data: bytes) -> Picture:
    """Check, re-encode and store a photo that is known to be honest, in this process.

    Raises
    ------
    PhotoRefused
        It is too large, or not a photo that can be read.
    """
    return _kept(media_dir, *shrink(data))


async def take_photo(decoding: Workshop, media_dir: Path, data: bytes) -> Picture:
    """Check, re-encode and store a photo of somebody unknown, unpacked by a child.

    Parameters
    ----------
    decoding
        One of :func:`decoding_workshop`.

    Raises
    ------
    PhotoRefused
        It is too large, takes too much to unpack, or is not a photo that can be read.
    """
    try:
        said, content = await decoding.do(data)
    except Exhausted as error:
        raise PhotoRefused("too-large", f"The photo is too much to unpack: {error}") from error
    return await asyncio.to_thread(_kept, media_dir, said, content)


def decoding_workshop() -> Workshop:
    """Return where photos are unpacked, two at a time."""
    return Workshop("reports.decoding:shrink")


def _kept(media_dir: Path, said: dict[str, Any], content: bytes) -> Picture:
    if "refused" in said:
        raise PhotoRefused(said["refused"], said["message"])
    full, small = content[: said["size"]], content[said["size"] :]
    sha256 = hashlib.sha256(full).hexdigest()
    write_photo(photo_path(media_dir, sha256), full)
    write_photo(photo_path(media_dir, sha256, thumbnail=True), small)
    place = said["taken_at"]
    taken_at = (float(place[0]), float(place[1])) if place else None
    return Picture(
        sha256, said["width"], said["height"], len(full), taken_at, dhash=said.get("dhash")
    )


async def turned(media_dir: Path, sha256: str) -> Picture:
    """Store a photo turned by a quarter to the right; the file it is made of stays for now.

    Raises
    ------
    BadInput
        Its file is gone, or the disk is full.
    """
    return await asyncio.to_thread(_turned, media_dir, sha256)


def _turned(media_dir: Path, sha256: str) -> Picture:
    try:
        # Our own encoding, so this process may unpack it.
        with Image.open(photo_path(media_dir, sha256)) as image:
            said, content = encoded(image.transpose(Image.Transpose.ROTATE_270))
    except OSError as error:
        raise BadInput(reason("report.no-photo")) from error
    try:
        return _kept(media_dir, said, content)
    except OSError as error:
        raise BadInput(reason("export.disk")) from error


async def put_turned(
    session: AsyncSession,
    photo_id: int,
    before: tuple[str, str],
    picture: Picture,
    public: Picture | None,
    *,
    by: str,
    now: datetime,
) -> bool:
    """Put a turned photo in the place of the one it was made of, and its public copy with it.

    Return whether the photo was still that one; if not, nothing changes.
    """
    photo = await session.get(Photo, photo_id, with_for_update=True)
    if photo is None or (photo.sha256, photo.public_sha256) != before:
        return False
    photo.sha256, photo.width, photo.height = picture.sha256, picture.width, picture.height
    photo.size, photo.dhash = picture.size, picture.dhash
    photo.public_sha256 = public.sha256 if public is not None else ""
    session.add(photo)
    await _turn_forwarded(session, photo, before)
    session.add(
        ReportUpdate(
            report_id=photo.report_id, by=by, changes={"turned": [None, photo_id]}, created_at=now
        )
    )
    await session.flush()
    await audit.record(session, now, actor=by, action="photo.turned", subject=f"photo:{photo_id}")
    return True


async def _turn_forwarded(session: AsyncSession, photo: Photo, before: tuple[str, str]) -> None:
    """Let another office that has a link to a photo fetch it as it is now."""
    report = await session.get_one(Report, photo.report_id)
    case = col(Forward.report_id).in_((report.id, report.case_id))
    new = dict(zip(before, (photo.sha256, photo.public_sha256), strict=True))
    for forward in await session.scalars(select(Forward).where(case).with_for_update()):
        forward.photos = [new.get(one, one) for one in forward.photos]
        session.add(forward)


async def mark_old_photos(database: Database, media_dir: Path, *, most: int = 200) -> int:
    """Work out the fingerprint of photos that have none; return how many were looked at.

    A photo whose file is gone, or cannot be read, gets that of an empty picture, which is like no
    other (``reports.likeness.is_plain``), so that it is not looked at again.
    """
    async with database.reading() as session:
        query = select(col(Photo.id), col(Photo.sha256)).where(col(Photo.dhash).is_(None))
        rows = (await session.execute(query.order_by(col(Photo.id).desc()).limit(most))).all()
    for start in range(0, len(rows), 50):
        some = rows[start : start + 50]
        marks = await asyncio.to_thread(_marks, media_dir, [sha256 for _, sha256 in some])
        async with database.writing() as session:
            for (photo_id, sha256), mark in zip(some, marks, strict=True):
                await session.execute(
                    update(Photo)
                    .where(col(Photo.id) == photo_id, col(Photo.sha256) == sha256)
                    .values(dhash=mark)
                    .execution_options(synchronize_session=False)
                )
    return len(rows)


def _marks(media_dir: Path, hashes: Sequence[str]) -> list[int]:
    return [_mark(media_dir, sha256) for sha256 in hashes]


def _mark(media_dir: Path, sha256: str) -> int:
    try:
        with Image.open(photo_path(media_dir, sha256, thumbnail=True)) as image:
            return dhash(image)
    except (OSError, BadInput):
        return 0


def write_photo(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as output:
            output.write(content)
            output.flush()
            os.fsync(output.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


async def sweep_files(
    database: Database, media_dir: Path, now: datetime, *, in_use: Collection[str] = ()
) -> int:
    """Remove files of photos that no report has; return how many photos went.

    Parameters
    ----------
    in_use
        Hashes of photos of reports still being written; they stay.
    now
        A file younger than a day stays as well: its report may be about to be stored.
    """
    async with database.reading() as session:
        named = set(await session.scalars(select(Photo.sha256))) | set(in_use)
        named |= set(await session.scalars(select(Photo.public_sha256)))
    gone = await asyncio.to_thread(_sweep, media_dir / "photos", named, now - timedelta(days=1))
    if gone:
        log.info("photos.removed", photos=gone)
    return gone


def _sweep(photos: Path, named: Collection[str], before: datetime) -> int:
    limit, gone = before.timestamp(), set()
    for path in photos.glob("*/*"):
        sha256 = path.stem.removesuffix("-small")
        if sha256 in named:
            continue
        with suppress(FileNotFoundError):  # a photo that is just being put in place
            if path.stat().st_mtime < limit:
                path.unlink()
                gone.add(sha256)
    return len(gone)
