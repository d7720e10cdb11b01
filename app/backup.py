"""The whole state in one file: the database and every photo, with a manifest of checksums.

A backup is taken from one snapshot of the database while the service runs. It can be restored on
SQLite and on PostgreSQL, whichever it came from. The file is complete or does not exist. It
contains residents' data, so only its owner may read it; keep it as safe as the database. Secrets
(``TODOKE_*``) and the city's folder are not in it.

For SQLite the archive has a copy of the database file, without deleted content (``VACUUM INTO``);
for PostgreSQL each table as text (``app.dump``). Archives of the first format, with text for both,
can still be read.
"""

from __future__ import annotations

import asyncio
import filecmp
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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

import structlog
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from app.archive import BLOCK, STORED, Archive, files_below, packing
from app.dump import TableForm, copy_sqlite, reading, sqlite_path, writing
from app.restored import hold_back
from app.revision import is_newest, known_revisions, newest_revision
from app.schema import revision_of, upgrade_now
from app.sent_mark import NAME as MARK
from app.sent_mark import read_mark
from core.clock import Clock, SystemClock
from core.database import BUSY_TIMEOUT_MS, Database
from core.errors import BadInput
from public.tiles import FOLDER as TILES
from reports.saved_exports import FOLDER as EXPORTS

FORMAT = 2
FORMATS = (1, 2)
MANIFEST = "manifest.json"
FILE = "database.sqlite3"
"""The member that is the database of a service on SQLite."""
PHOTOS = "media.sha256"
"""The member that lists the files of the media folder: a JSON list of name, size and SHA-256 a
line, in the order of the archive. There can be a million; the manifest is read at once.
"""
MAX_MANIFEST = 50_000_000
STILL_RUNS = timedelta(minutes=1)
"""If the mark is younger than this, a service may be sending now."""
DERIVED = frozenset({"audience_bitmaps", "clock_marks", "audit_checks"})
"""Tables that are made from others, or by each machine, and need no backup."""
_NAME = re.compile("[a-z_][a-z0-9_]*")
_WITH_TABLES = ("subscriptions", "feeds", "channels", "response", "reports", "console", "bot")

_log = structlog.get_logger(__name__)


class BadBackup(BadInput):
    """The file is not a backup of ours, or is damaged."""


@dataclass(frozen=True)
class Manifest:
    """The content of a backup.

    ``tables`` are in an order in which each comes after those that it refers to; ``rows`` and
    ``last_numbers`` are by table; ``files`` maps each member's name to its size and SHA-256. The
    files of the media folder are listed in their own member (``PHOTOS``); the first format had them
    here.
    """

    revision: str
    created_at: str
    version: str
    tables: list[TableForm]
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
            if content.pop("format") not in FORMATS:
                raise BadBackup("The backup was made by a newer version; please update Todoke.")
            content["tables"] = [
                TableForm(form["name"], form["columns"], tuple(form["key"]), form["numbered"])
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


class StatePaths(Protocol):
    """Where the whole state is, from ``core.settings.Settings``."""

    @property
    def database_url(self) -> str: ...
    @property
    def media_dir(self) -> Path: ...


def backup(settings: StatePaths, file: Path, *, clock: Clock | None = None) -> Manifest:
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
        with packing(partial, int(now.timestamp())) as archive:
            manifest = _fill(archive, settings, Path(work), now)
        partial.replace(file)
    _sync_folder(file.parent)
    _log.info("backup.written", file=str(file), rows=sum(manifest.rows.values()))
    return manifest


def restore(
    settings: StatePaths, file: Path, *, force: bool = False, clock: Clock | None = None
) -> Manifest:
    """Replace the current state with that of ``file``.

    The whole file is checked before anything changes. The service may run meanwhile and continues
    with the restored state. Deliveries that were under way when the backup was made are paused, and
    news from before the restore is held, because it may have been sent since.

    Raises
    ------
    BadBackup
        The file is damaged or not ours.
    BadInput
        There is a state already, and ``force`` was not given.
    """
    if not force and _is_filled(settings):
        raise BadInput("There is a state already; restoring would replace it (--force does).")
    beside = sqlite_path(settings.database_url) or settings.media_dir
    beside.parent.mkdir(parents=True, exist_ok=True)
    mark = read_mark(settings.media_dir)
    now = (clock or SystemClock()).now()
    # Without a mark, everything until now may have been sent; a mark in the future counts.
    died = mark is not None and mark.at < now - STILL_RUNS
    until = now if mark is None else mark.at if died else max(mark.at, now)
    with tempfile.TemporaryDirectory(prefix=".todoke-restore-", dir=beside.parent) as work:
        manifest = _unpack(file, Path(work))
        _restore_database(settings, Path(work), manifest, until, now)
        _restore_media(settings.media_dir, Path(work) / "media")
    _log.info("backup.restored", file=str(file), rows=sum(manifest.rows.values()))
    return manifest


def _forms() -> list[TableForm]:
    """Return our tables, each after those it refers to."""
    for module in ("core.audit", *(f"{name}.models" for name in _WITH_TABLES)):
        importlib.import_module(module)
    tables = SQLModel.metadata.sorted_tables
    return [TableForm.of(table) for table in tables if table.name not in DERIVED]


def _fill(archive: Archive, settings: StatePaths, work: Path, now: datetime) -> Manifest:
    fill = _fill_with_file if sqlite_path(settings.database_url) else _fill_with_tables
    manifest = Manifest(
        revision=newest_revision(),
        created_at=now.astimezone(UTC).isoformat(),
        version=version("todoke"),
        tables=_forms(),
        rows={},
        last_numbers={},
        files={},
    )
    fill(archive, settings.database_url, work, manifest)
    # After the tables, so that every photo in them is included; a photo that is erased meanwhile is
    # not needed.
    with (work / PHOTOS).open("w", encoding="utf-8") as listed:
        for path in _media_files(settings.media_dir):
            name = f"media/{path.relative_to(settings.media_dir).as_posix()}"
            try:
                size, sha256 = archive.add(path, name, level=STORED)
            except FileNotFoundError:
                _log.info("backup.file_missed", file=name)
            else:
                listed.write(_line_of(name, size, sha256))
    _add(archive, work / PHOTOS, PHOTOS, manifest)
    (work / MANIFEST).write_bytes(manifest.to_json())
    archive.add(work / MANIFEST, MANIFEST)
    return manifest


def _line_of(name: str, size: int, sha256: str) -> str:
    return json.dumps([name, size, sha256]) + "\n"


def _add(archive: Archive, path: Path, name: str, manifest: Manifest) -> None:
    size, sha256 = archive.add(path, name)
    manifest.files[name] = {"size": size, "sha256": sha256}


def _fill_with_tables(archive: Archive, url: str, work: Path, manifest: Manifest) -> None:
    with reading(url) as store:
        for form in manifest.tables:
            spool = work / "table"
            with spool.open("wb") as target:
                manifest.rows[form.name] = store.write(form, target)
            manifest.last_numbers[form.name] = store.last_number(form)
            _add(archive, spool, f"tables/{form.name}.copy", manifest)
            spool.unlink()


def _fill_with_file(archive: Archive, url: str, work: Path, manifest: Manifest) -> None:
    copy = work / FILE
    copy_sqlite(url, copy, without=sorted(DERIVED))
    with reading(f"sqlite:///{copy}") as store:
        for form in manifest.tables:
            manifest.rows[form.name] = store.rows(form.name)
            manifest.last_numbers[form.name] = store.last_number(form)
    _add(archive, copy, FILE, manifest)
    copy.unlink()


def _unpack(file: Path, work: Path) -> Manifest:
    """Unpack a backup into ``work`` and check it against its manifest."""
    found: dict[str, dict[str, Any]] = {}
    seen = work / "seen"
    try:
        with (
            seen.open("w", encoding="utf-8") as photos,
            gzip.open(file) as unzipped,
            tarfile.open(fileobj=unzipped, mode="r|", bufsize=BLOCK) as archive,
        ):
            for member in archive:
                target = work / member.name
                if not member.isfile() or not _is_ours(member.name) or target.exists():
                    raise BadBackup(f"{file} holds {member.name!r}, which no backup of ours has.")
                source = archive.extractfile(member)
                assert source is not None
                target.parent.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256()
                with target.open("wb") as copy:
                    while block := source.read(BLOCK):
                        digest.update(block)
                        copy.write(block)
                archive.members.clear()  # type: ignore[attr-defined]  # else it keeps them all
                if member.name.startswith("media/"):
                    photos.write(_line_of(member.name, member.size, digest.hexdigest()))
                else:
                    found[member.name] = {"size": member.size, "sha256": digest.hexdigest()}
            # To the end of the file, because gzip's checksum is there.
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
    if PHOTOS not in manifest.files:  # the first format
        for line in seen.read_text(encoding="utf-8").splitlines():
            name, size, sha256 = json.loads(line)
            found[name] = {"size": size, "sha256": sha256}
    for name in sorted(set(found) | set(manifest.files)):
        if found.get(name) != manifest.files.get(name):
            raise BadBackup(f"{file} is damaged: {name} is not what the manifest says.")
    if PHOTOS in found and not filecmp.cmp(seen, work / PHOTOS, shallow=False):
        raise BadBackup(f"{file} is damaged: its photos are not what it says.")
    missing = {f"tables/{form.name}.copy" for form in manifest.tables} - set(found)
    if FILE not in found and missing:
        raise BadBackup(f"{file} lacks {', '.join(sorted(missing))}.")
    return manifest


def _is_ours(name: str) -> bool:
    """Whether a member's name is allowed in a backup: it must not lead out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        return False
    if name in (MANIFEST, FILE, PHOTOS):
        return True
    return len(path.parts) > 1 and path.parts[0] in ("tables", "media")


def _restore_database(
    settings: StatePaths, work: Path, manifest: Manifest, until: datetime, now: datetime
) -> None:
    """Fill the database; the old state stays until the new one is complete.

    On SQLite a new database is made at the backup's revision and migrated; then it replaces the old
    one. On PostgreSQL the tables are emptied and filled in one transaction; so a backup of an older
    version can be restored only into an empty database.
    """
    path = sqlite_path(settings.database_url)
    made = work / "restored.sqlite3"
    url = settings.database_url if path is None else f"sqlite:///{made}"
    if manifest.revision not in known_revisions():
        raise BadBackup("The backup was made by a newer version; please update.")
    if (work / FILE).exists():
        _check_file(work / FILE, manifest)
    if path is not None and (work / FILE).exists():
        (work / FILE).replace(made)
    else:
        _fill_database(url, work, manifest)
    if not is_newest(url):
        upgrade_now(url)
    asyncio.run(_hold_back(url, until, now))
    if path is not None:
        _put_in_place(made, path)
        _sync_folder(path.parent)


def _check_file(file: Path, manifest: Manifest) -> None:
    """Refuse a database with tables or triggers that ours does not have."""
    made = file.with_name("ours.sqlite3")
    try:
        upgrade_now(f"sqlite:///{made}", manifest.revision)
    except CommandError as error:
        raise BadBackup("The backup is of a version that is not known here.") from error
    with closing(sqlite3.connect(made)) as connection:
        ours = _schema(connection)
    made.unlink()
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA trusted_schema=OFF")
            there = _schema(connection)
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise BadBackup(f"The database in the backup cannot be read: {error}.") from error
    strange = [each for each, runs in there.items() if each not in ours or runs != ours[each]]
    missing = {("table", form.name) for form in manifest.tables} - there.keys()
    if strange or missing or revision != manifest.revision:
        raise BadBackup("The database in the backup is not what the manifest says.")


def _schema(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Return the tables of a database, and its views, triggers and virtual tables with their SQL.
    The SQL of other tables is left out.
    """
    rows = connection.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema "
        "WHERE type <> 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    return {
        (kind, name): ""
        if kind == "table" and not sql.upper().startswith("CREATE VIRTUAL")
        else sql
        for kind, name, sql in rows
    }


def _fill_database(url: str, work: Path, manifest: Manifest) -> None:
    """Read every table into the database at ``url``, which is empty or at that revision."""
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
            with _table(work, form) as source:
                store.read(form, source)
            store.raise_number(form, manifest.last_numbers.get(form.name, 0))
            if store.rows(form.name) != manifest.rows[form.name]:
                raise BadBackup(f"{form.name} has not as many rows as the manifest says.")


@contextmanager
def _table(work: Path, form: TableForm) -> Iterator[BinaryIO]:
    """The text of a table in a backup, made from SQLite's file if the backup has one."""
    spool = work / "tables" / f"{form.name}.copy"
    if (work / FILE).exists():
        spool.parent.mkdir(exist_ok=True)
        with reading(f"sqlite:///{work / FILE}") as store, spool.open("wb") as target:
            store.write(form, target)
    with spool.open("rb") as source:
        yield source
    spool.unlink()


async def _hold_back(url: str, until: datetime, now: datetime) -> None:
    database = Database(url)
    try:
        async with database.writing() as session:
            await hold_back(session, until, now)
    finally:
        await database.close()


def _put_in_place(made: Path, path: Path) -> None:
    """Give ``path`` the content of ``made``, even while a service has it open.

    In that case its content is overwritten in one transaction, because the service would go on
    writing to the old file. If nobody has it open, or it is no database, the file is replaced,
    which is twice as fast.
    """
    # The log is merged into the new database, so that it is a single file.
    with closing(sqlite3.connect(made)) as whole:
        whole.execute("PRAGMA journal_mode=DELETE")
    if not path.exists():
        _replace_file(made, path)
        return
    try:
        with closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as old:
            if _is_alone(old):
                _replace_file(made, path)
                return
        with (
            closing(sqlite3.connect(made)) as source,
            closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as target,
        ):
            source.backup(target)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
            raise
        _replace_file(made, path)


def _is_alone(connection: sqlite3.Connection) -> bool:
    """Whether nobody else has the database open; until it is closed, nobody else can read it.

    SQLite gives up its log only to the last connection.
    """
    try:
        (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return str(mode) == "delete"


def _replace_file(made: Path, path: Path) -> None:
    with made.open("rb") as written:
        os.fsync(written.fileno())
    for leftover in (f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    made.replace(path)


def _media_files(media: Path) -> Iterator[Path]:
    """Return the files that belong into a backup: not the mark, nor what can be had again (map
    tiles, exports).
    """
    for path in files_below(media) if media.is_dir() else ():
        if path.name != MARK and path.relative_to(media).parts[0] not in (TILES, EXPORTS):
            yield path


def _restore_media(media: Path, restored: Path) -> None:
    """Replace the content of the folder, not the folder, which may be a mounted volume."""
    media.mkdir(parents=True, exist_ok=True)
    for old in media.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink()
    for new in restored.iterdir() if restored.is_dir() else ():
        shutil.move(new, media / new.name)


def _is_filled(settings: StatePaths) -> bool:
    media = settings.media_dir
    if any(_media_files(media)):
        return True
    path = sqlite_path(settings.database_url)
    if path is not None and not path.exists():
        return False
    with reading(settings.database_url) as store:
        return any(store.has_rows(form.name) for form in _forms())


def _revision(url: str) -> str | None:
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    driver = "postgresql+psycopg" if path is None else "sqlite"
    engine = create_engine(
        make_url(url).set(drivername=driver), poolclass=NullPool, hide_parameters=True
    )
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
