"""The whole state in one file: every table and every photo, with a manifest of checksums.

A backup is taken from one consistent picture of the database while the service runs, and can
be restored on SQLite and on PostgreSQL alike, whichever it came from. The file is complete or
not there at all. It holds what residents told the city, so only its owner may read it; keep
it as safe as the database. Secrets (``TODOKE_*``) and the city's folder are not in it.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import structlog
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from bot.dump import Form, reading, sqlite_path, writing
from bot.schema import newest_revision, revision_of, upgrade_now
from core.clock import Clock, SystemClock
from core.database import BUSY_TIMEOUT_MS
from core.errors import BadInput

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST = 50_000_000
BLOCK = 1 << 20
DERIVED = frozenset({"audience_bitmaps"})
"""Tables made from others, which need not be kept."""
_NAME = re.compile("[a-z_][a-z0-9_]*")
_ROOMS = ("subscriptions", "feeds", "channels", "reports", "console", "bot")

_log = structlog.get_logger(__name__)


class BadBackup(BadInput):
    """The file is not a backup of ours, or is damaged."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    ``tables`` come in an order in which each follows those it refers to; ``rows`` and
    ``last_numbers`` are by table; ``files`` maps each member's name to its size and SHA-256.
    """

    revision: str
    created_at: str
    version: str
    tables: list[Form]
    rows: dict[str, int]
    last_numbers: dict[str, int]
    files: dict[str, dict[str, Any]]

    def to_json(self) -> bytes:
        content = {"format": FORMAT, **asdict(self)}
        return json.dumps(content, ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        BadBackup
            It is something else.
        """
        try:
            content = json.loads(data)
            if content.pop("format") != FORMAT:
                raise BadBackup("The backup was made by a newer version; please update Todoke.")
            content["tables"] = [
                Form(form["name"], form["columns"], tuple(form["key"]), form["numbered"])
                for form in content["tables"]
            ]
            manifest = cls(**content)
            wrong = [
                name
                for form in manifest.tables
                for name in (form.name, *form.columns, *form.key)
                if not _NAME.fullmatch(name)
            ]
            if wrong or any(form.name not in manifest.rows for form in manifest.tables):
                raise BadBackup("The manifest does not fit together.")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadBackup(f"The manifest cannot be read: {error}.") from error
        return manifest


class State(Protocol):
    """Where the whole state is; ``core.settings.Settings`` says it."""

    @property
    def database_url(self) -> str: ...
    @property
    def media_dir(self) -> Path: ...


def backup(settings: State, file: Path, *, clock: Clock | None = None) -> Manifest:
    """Write the whole state to ``file``, also while the service runs.

    Raises
    ------
    BadInput
        The database is not at this version's revision.
    """
    now = (clock or SystemClock()).now()
    if file.is_dir():
        raise BadInput(f"{file} is a folder; please name a file.")
    file.parent.mkdir(parents=True, exist_ok=True)
    if _revision(settings.database_url) != newest_revision():
        raise BadInput("The database is empty or not up to date; run 'todoke db upgrade'.")
    with tempfile.TemporaryDirectory(prefix=".todoke-backup-", dir=file.parent) as work:
        partial = Path(work) / "archive.tar.gz"
        with tarfile.open(partial, "w:gz", compresslevel=3) as archive:
            manifest = _fill(archive, settings, Path(work), now)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.chmod(0o600)
        partial.replace(file)
    _sync_folder(file.parent)
    _log.info("backup.written", file=str(file), rows=sum(manifest.rows.values()))
    return manifest


def restore(settings: State, file: Path, *, force: bool = False) -> Manifest:
    """Put the state of ``file`` in place of what is there.

    Nothing is touched before the whole file has been checked. The service may run meanwhile
    and goes on with the restored state.

    Raises
    ------
    BadBackup
        The file is damaged or not ours.
    BadInput
        Something is there already, and ``force`` was not given.
    """
    if not force and _is_filled(settings):
        raise BadInput("There is a state already; restoring would replace it (--force does).")
    beside = sqlite_path(settings.database_url) or settings.media_dir
    beside.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".todoke-restore-", dir=beside.parent) as work:
        manifest = _unpack(file, Path(work))
        _restore_database(settings, Path(work), manifest)
        _restore_media(settings.media_dir, Path(work) / "media")
    _log.info("backup.restored", file=str(file), rows=sum(manifest.rows.values()))
    return manifest


def _forms() -> list[Form]:
    """Return our tables, each after those it refers to."""
    for room in ("core.audit", *(f"{name}.models" for name in _ROOMS)):
        importlib.import_module(room)
    tables = SQLModel.metadata.sorted_tables
    return [Form.of(table) for table in tables if table.name not in DERIVED]


def _fill(archive: tarfile.TarFile, settings: State, work: Path, now: datetime) -> Manifest:
    files: dict[str, dict[str, Any]] = {}
    rows: dict[str, int] = {}
    numbers: dict[str, int] = {}
    with reading(settings.database_url) as store:
        for form in _forms():
            spool = work / "table"
            with spool.open("wb") as target:
                rows[form.name] = store.write(form, target)
            numbers[form.name] = store.last_number(form)
            _add(archive, spool, f"tables/{form.name}.copy", files, now)
            spool.unlink()
    # After the tables, so that every photo they name is there; one that is erased meanwhile
    # was to be forgotten anyway.
    for path in sorted(settings.media_dir.rglob("*")) if settings.media_dir.is_dir() else ():
        name = f"media/{path.relative_to(settings.media_dir).as_posix()}"
        try:
            if path.is_file() and not path.is_symlink():
                _add(archive, path, name, files, now)
        except FileNotFoundError:
            _log.info("backup.gone_meanwhile", file=name)
    manifest = Manifest(
        revision=newest_revision(),
        created_at=now.astimezone(UTC).isoformat(),
        version=version("todoke"),
        tables=_forms(),
        rows=rows,
        last_numbers=numbers,
        files=files,
    )
    (work / MANIFEST).write_bytes(manifest.to_json())
    _add(archive, work / MANIFEST, MANIFEST, {}, now)
    return manifest


def _add(
    archive: tarfile.TarFile,
    path: Path,
    name: str,
    files: dict[str, dict[str, Any]],
    now: datetime,
) -> None:
    with path.open("rb") as source:
        digest = hashlib.sha256()
        while block := source.read(BLOCK):
            digest.update(block)
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = source.tell(), 0o600, int(now.timestamp())
        source.seek(0)
        archive.addfile(member, source)
    files[name] = {"size": member.size, "sha256": digest.hexdigest()}


def _unpack(file: Path, work: Path) -> Manifest:
    """Unpack a backup into ``work`` and check it against its manifest."""
    found: dict[str, dict[str, Any]] = {}
    try:
        with gzip.open(file) as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as archive:
            for member in archive:
                if not member.isfile() or not _is_ours(member.name) or member.name in found:
                    raise BadBackup(f"{file} holds {member.name!r}, which no backup of ours has.")
                source = archive.extractfile(member)
                assert source is not None
                target = work / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256()
                with target.open("wb") as copy:
                    while block := source.read(BLOCK):
                        digest.update(block)
                        copy.write(block)
                found[member.name] = {"size": member.size, "sha256": digest.hexdigest()}
            # To the very end, where gzip keeps its own checksum of the whole.
            while unzipped.read(BLOCK):
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and not file.is_file():
            raise BadBackup(f"{file} cannot be read: {error}.") from error
        raise BadBackup(f"{file} is not a whole backup: {error}.") from error
    if MANIFEST not in found:
        raise BadBackup(f"{file} has no manifest; it is not a whole backup.")
    if found[MANIFEST]["size"] > MAX_MANIFEST:
        raise BadBackup("The manifest is too large to be one.")
    manifest = Manifest.from_json((work / MANIFEST).read_bytes())
    del found[MANIFEST]
    for name in sorted(set(found) | set(manifest.files)):
        if found.get(name) != manifest.files.get(name):
            raise BadBackup(f"{file} is damaged: {name} is not what the manifest says.")
    missing = {f"tables/{form.name}.copy" for form in manifest.tables} - set(found)
    if missing:
        raise BadBackup(f"{file} lacks {', '.join(sorted(missing))}.")
    return manifest


def _is_ours(name: str) -> bool:
    """Whether a member's name is one that a backup has; none leads out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        return False
    if name == MANIFEST:
        return True
    return len(path.parts) > 1 and path.parts[0] in ("tables", "media")


def _restore_database(settings: State, work: Path, manifest: Manifest) -> None:
    """Fill the database; what was there is there until the new state is whole.

    On SQLite a new database is made at the backup's revision, migrated and put in the old
    one's place. On PostgreSQL the tables are emptied and filled in one transaction; a backup of an
    older version is therefore taken only by an empty database.
    """
    path = sqlite_path(settings.database_url)
    url = settings.database_url if path is None else f"sqlite:///{work / 'restored.sqlite3'}"
    current = _revision(url)
    if current not in (None, manifest.revision):
        raise BadInput(
            f"The database is at revision {current}, the backup at {manifest.revision}; "
            "please restore into an empty database."
        )
    if current is None:
        try:
            upgrade_now(url, manifest.revision)
        except CommandError as error:
            raise BadBackup("The backup was made by a newer version; please update.") from error
    with writing(url) as store:
        derived = sorted(DERIVED) if current is not None else []
        store.empty([*derived, *(form.name for form in manifest.tables)])
        for form in manifest.tables:
            with (work / "tables" / f"{form.name}.copy").open("rb") as source:
                store.read(form, source)
            store.raise_number(form, manifest.last_numbers.get(form.name, 0))
            if store.rows(form.name) != manifest.rows[form.name]:
                raise BadBackup(f"{form.name} has not as many rows as the manifest says.")
    upgrade_now(url)
    if path is not None:
        _put_in_place(work / "restored.sqlite3", path)
        _sync_folder(path.parent)


def _put_in_place(made: Path, path: Path) -> None:
    """Have ``path`` hold what ``made`` does, also while a service has it open.

    Its content is written over in one transaction: a new file of the same name would not be
    the one that the service goes on writing to. Only what is no database (any more) is
    replaced as a file.
    """
    if path.exists():
        try:
            with (
                closing(sqlite3.connect(made)) as source,
                closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as target,
            ):
                source.backup(target)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorname not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise
        else:
            return
    for leftover in (f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    made.replace(path)


def _restore_media(media: Path, restored: Path) -> None:
    """Replace what is in the folder, not the folder, which may be a mounted volume."""
    media.mkdir(parents=True, exist_ok=True)
    for old in media.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink()
    for new in restored.iterdir() if restored.is_dir() else ():
        shutil.move(new, media / new.name)


def _is_filled(settings: State) -> bool:
    media = settings.media_dir
    if media.is_dir() and any(path.is_file() for path in media.rglob("*")):
        return True
    path = sqlite_path(settings.database_url)
    if path is not None and not path.exists():
        return False
    with reading(settings.database_url) as store:
        return any(store.rows(form.name) for form in _forms())


def _revision(url: str) -> str | None:
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    driver = "postgresql+psycopg" if path is None else "sqlite"
    engine = create_engine(make_url(url).set(drivername=driver), poolclass=NullPool)
    with engine.connect() as connection:
        revision = revision_of(connection)
    engine.dispose()
    return revision


def _sync_folder(folder: Path) -> None:
    """Make a file's new name last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
