"""Backup and restore: all of it, from one moment, onto either database, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import compress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlmodel import SQLModel, select

from app.backup import DERIVED, FILE, PHOTOS, BadBackup, backup, restore
from app.dump import TableForm, reading
from app.schema import upgrade_now
from bot.models import WebhookEvent
from channels.models import Batch, BatchState, Delivery, DeliveryState, Variant
from city.city import Decision
from city.folder import load_city
from core.audit import record
from core.audit_check import check_whole
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from core.restored import held_until
from core.settings import Settings
from feeds.models import Notice, Status
from subscriptions import residents
from subscriptions.audience import count
from subscriptions.audience_query import AudienceQuery
from subscriptions.generate import generate

SAMPLE = Path(__file__).parents[2] / "deploy" / "city"
NOW = datetime(2026, 6, 15, 3, 0, 0, 123456, tzinfo=UTC)
TRICKY = 'tab\t newline\n return\r backslash \\ \\N \\t "quote" 😀 \u200b \u202e \x0b\x08'


def settings_for(url: str, folder: Path) -> Settings:
    return Settings(
        city=SAMPLE,
        database_url=url,
        media_dir=folder / "media",
        public_url="http://127.0.0.1:8000",
        line_channel_secret="s",
        line_channel_access_token="t",
        secret_key="k",
    )


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """A migrated, empty database and no media, on each database."""
    upgrade_now(database_url)
    return settings_for(database_url, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgresql_url: Callable[[], str]
) -> Settings:
    """The target of a restore: empty, on each database."""
    if request.param == "sqlite":
        return settings_for(f"sqlite:///{tmp_path}/else where/db.sqlite3", tmp_path / "else where")
    return settings_for(new_postgresql_url(), tmp_path / "else where")


async def fill(settings: Settings) -> None:
    """Put values of every kind of column into the database, and photos into the folder."""
    city, database = load_city(SAMPLE), Database(settings.database_url)
    await generate(database, city, 120, seed=1, now=NOW)
    async with database.writing() as session:
        gone = await residents.follow(session, city, "U" + "e" * 32, "ja", NOW)
        assert gone.id is not None
        await residents.erase(session, city, gone.id, NOW)
        await record(
            session,
            NOW,
            actor="a@city.example",
            action="note.made",
            subject=f"note:{TRICKY}",
            note=TRICKY,
        )
        await record(
            session, NOW, actor="b@city.example", action="note.made", subject="note:1", n=1.5
        )
        notices = [
            Notice(
                identity=f"n{number}",
                topic="weather",
                status=Status.ISSUED,
                drill=number == 1,
                areas=["chuo"],
                texts={"ja": {"title": TRICKY, "text": "たとえば"}, "my": {"title": "မိုး"}},
                reported_at=NOW + timedelta(microseconds=number),
                decision=Decision.SEND,
                decided_by="rule:x",
                created_at=NOW,
            )
            for number in range(2)
        ]
        session.add_all(notices)
        await session.flush()
        notices[0].replaces_id = notices[1].id
        assert notices[0].id is not None
        delivery = Delivery(
            channel="line",
            notice_id=notices[0].id,
            state=DeliveryState.DONE,  # a restore pauses running deliveries
            priority=1,
            created_by="rule:x",
            created_at=NOW,
        )
        session.add(delivery)
        await session.flush()
        assert delivery.id is not None
        variant = Variant(
            delivery_id=delivery.id, language="my", digest="d", messages=bytes(range(256))
        )
        session.add(variant)
        await session.flush()
        assert variant.id is not None
        session.add(
            Batch(
                delivery_id=delivery.id,
                variant_id=variant.id,
                retry_key="k",
                endpoint="multicast",
                size=1,
                members=b"\\\t\n\x00",
                state=BatchState.SENT,
            )
        )
        session.add(
            WebhookEvent(
                event_id="e",
                kind="message",
                timestamp_ms=1_781_000_000_123,
                payload=json.dumps({"text": TRICKY}),
                received_at=NOW,
            )
        )
    await database.close()
    photos = settings.media_dir / "photos" / "ab"
    photos.mkdir(parents=True)
    (photos / "abc.jpg").write_bytes(bytes(range(256)) * 50)
    (settings.media_dir / "empty").write_bytes(b"")


async def content(url: str) -> dict[str, list[Any]]:
    """Return all rows of all tables, as the models see them."""
    database = Database(url)
    found = {}
    async with database.reading() as session:
        for table in SQLModel.metadata.sorted_tables:
            if table.name not in DERIVED and table.name != "restore_holds":
                rows = await session.execute(select(*table.columns).order_by(*table.primary_key))
                found[table.name] = [tuple(row) for row in rows]
    await database.close()
    return found


def media(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
async def test_all_that_was_backed_up_is_restored_on_either_database(
    settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    await fill(settings)
    before = await content(settings.database_url)
    file = tmp_path / "backups" / "today.tar.gz"
    manifest = await asyncio.to_thread(backup, settings, file, clock=ManualClock(NOW))
    assert manifest.rows["residents"] == 120
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["today.tar.gz"]

    await asyncio.to_thread(restore, elsewhere, file)
    assert await content(elsewhere.database_url) == before
    assert media(elsewhere.media_dir) == media(settings.media_dir)

    city, database = load_city(SAMPLE), Database(elsewhere.database_url)
    assert (await check_whole(database, ManualClock(NOW))).broken is None
    async with database.reading() as session:
        query = AudienceQuery("evacuation", 4, mandatory=True)
        followers = [row for row in before["residents"] if "following" in row]
        assert await count(session, query) == len(followers)
    async with database.writing() as session:
        new = await residents.follow(session, city, "U" + "f" * 32, "ja", NOW)
        assert new.id is not None
        # 121 was erased before the backup; its number is not given again
        assert new.id > 121
        if not database.is_sqlite:
            await session.execute(text("SELECT count(*) FROM procrastinate_jobs"))
    await database.close()


@pytest.mark.slow
async def test_what_is_there_is_replaced_only_when_told_to(
    settings: Settings, tmp_path: Path
) -> None:
    await fill(settings)
    file = tmp_path / "b.tar.gz"
    await asyncio.to_thread(backup, settings, file)
    before, photos = await content(settings.database_url), media(settings.media_dir)
    city, database = load_city(SAMPLE), Database(settings.database_url)
    async with database.writing() as session:
        await residents.follow(session, city, "U" + "f" * 32, "ja", NOW)
    await database.close()
    (settings.media_dir / "later.jpg").write_bytes(b"later")
    with pytest.raises(BadInput, match="force"):
        await asyncio.to_thread(restore, settings, file)
    assert "later.jpg" in media(settings.media_dir)
    await asyncio.to_thread(restore, settings, file, force=True)
    assert await content(settings.database_url) == before
    assert media(settings.media_dir) == photos


async def test_a_service_that_runs_goes_on_with_the_restored_state(
    settings: Settings, tmp_path: Path
) -> None:
    """What it writes after a restore is in the restored database."""
    await fill(settings)
    city, database = load_city(SAMPLE), Database(settings.database_url)
    file, done, stopping = tmp_path / "b.tar.gz", 0, asyncio.Event()
    await asyncio.to_thread(backup, settings, file)
    before = await content(settings.database_url)

    async def serve() -> None:
        nonlocal done
        while not stopping.is_set():
            async with database.writing() as session:
                await residents.follow(session, city, f"U{done:032x}", "ja", NOW)
            done += 1

    serving = asyncio.create_task(serve())
    while done < 5:
        await asyncio.sleep(0)
    await asyncio.to_thread(restore, settings, file, force=True)
    at = done
    while done < at + 5:
        await asyncio.sleep(0)
    stopping.set()
    await serving
    newest = f"U{done - 1:032x}"
    await database.close()
    after = await content(settings.database_url)
    users = {row[1] for row in after["residents"]}
    assert {row[1] for row in before["residents"]} <= users
    assert newest in users
    assert f"U{0:032x}" not in users
    assert after["notices"] == before["notices"]


async def test_what_is_no_database_any_more_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "todoke.sqlite3"
    settings = settings_for(f"sqlite:///{path}", tmp_path)
    upgrade_now(settings.database_url)
    await fill(settings)
    file = tmp_path / "b.tar.gz"
    await asyncio.to_thread(backup, settings, file)
    before = await content(settings.database_url)
    path.write_bytes(b"a broken disk" * 1000)
    await asyncio.to_thread(restore, settings, file, force=True)
    assert await content(settings.database_url) == before


@pytest.mark.slow
async def test_a_backup_is_of_one_moment_while_the_service_runs(
    settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    """A resident and their topics come and go together, however the backup falls."""
    await fill(settings)
    city, database = load_city(SAMPLE), Database(settings.database_url)
    file, done = tmp_path / "b.tar.gz", threading.Event()

    def back_up() -> None:
        try:
            for _ in range(3):
                backup(settings, file)
        finally:
            done.set()

    working = asyncio.create_task(asyncio.to_thread(back_up))
    number = 0
    while not done.is_set():
        async with database.writing() as session:
            resident = await residents.follow(session, city, f"U{number:032x}", "ja", NOW)
            assert resident.id is not None
            await residents.choose_topics(session, city, resident.id, {"events": 0}, NOW)
        number += 1
    await working
    await database.close()
    await asyncio.to_thread(restore, elsewhere, file)
    restored = await content(elsewhere.database_url)
    with_events = {row[0] for row in restored["subscriptions"] if row[1] == "events"}
    newcomers = [row for row in restored["residents"] if row[1].startswith("U0000")]
    assert {row[0] for row in newcomers} <= with_events


async def test_a_damaged_backup_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    await fill(settings)
    file, bad = tmp_path / "b.tar.gz", tmp_path / "bad.tar.gz"
    await asyncio.to_thread(backup, settings, file)
    before = await content(settings.database_url)
    whole = file.read_bytes()

    def rewritten(change: Callable[[str, bytes], tuple[str, bytes] | None]) -> bytes:
        target = io.BytesIO()
        with tarfile.open(file) as source, tarfile.open(fileobj=target, mode="w:gz") as copy:
            for member in source:
                held = source.extractfile(member)
                assert held is not None
                changed = change(member.name, held.read())
                if changed is not None:
                    info = tarfile.TarInfo(changed[0])
                    info.size = len(changed[1])
                    copy.addfile(info, io.BytesIO(changed[1]))
        return target.getvalue()

    link = io.BytesIO()
    with tarfile.open(fileobj=link, mode="w:gz") as archive:
        member = tarfile.TarInfo("media/x")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    for damaged in (
        b"",
        b"not an archive",
        whole[: len(whole) // 2],
        whole[:-9],
        # More than a header of gzip, whose time and name nothing protects.
        whole[:2000] + bytes(each ^ 1 for each in whole[2000:2064]) + whole[2064:],
        rewritten(
            lambda name, data: (
                (name, data[:-1]) if name in ("tables/residents.copy", FILE) else (name, data)
            )
        ),
        rewritten(lambda name, data: None if name == "manifest.json" else (name, data)),
        rewritten(
            lambda name, data: None if name in ("tables/notices.copy", FILE) else (name, data)
        ),
        rewritten(lambda name, data: None if name == PHOTOS else (name, data)),
        rewritten(
            lambda name, data: (name, data + b"x") if name.endswith("abc.jpg") else (name, data)
        ),
        rewritten(lambda name, data: None if name.endswith("abc.jpg") else (name, data)),
        rewritten(lambda name, data: (name.replace("media/", "media/../../"), data)),
        rewritten(lambda name, data: (name.replace("media/", "/"), data)),
        rewritten(
            lambda name, data: (
                name,
                data.replace(b'"format": 2', b'"format": 9') if name == "manifest.json" else data,
            )
        ),
        rewritten(
            lambda name, data: (
                name,
                data.replace(b'"min_level"', b'"x; DROP"') if name == "manifest.json" else data,
            )
        ),
        link.getvalue(),
    ):
        bad.write_bytes(damaged)
        with pytest.raises(BadBackup):
            await asyncio.to_thread(restore, settings, bad, force=True)
    with pytest.raises(BadBackup):
        await asyncio.to_thread(restore, settings, tmp_path / "nothing", force=True)
    assert await content(settings.database_url) == before
    assert (settings.media_dir / "photos" / "ab" / "abc.jpg").exists()


async def test_a_database_that_would_run_something_is_not_restored(tmp_path: Path) -> None:
    """A trigger in a file that somebody else made, with a manifest that fits it."""
    settings = settings_for(f"sqlite:///{tmp_path}/todoke.sqlite3", tmp_path)
    upgrade_now(settings.database_url)
    file, bad, work = tmp_path / "b.tar.gz", tmp_path / "bad.tar.gz", tmp_path / "work"
    await asyncio.to_thread(backup, settings, file)
    with tarfile.open(file) as source:
        source.extractall(work, filter="data")
    with closing(sqlite3.connect(work / FILE)) as connection:
        connection.execute(
            "CREATE TRIGGER evil AFTER INSERT ON residents BEGIN DELETE FROM audit; END"
        )
    data = (work / FILE).read_bytes()
    manifest = json.loads((work / "manifest.json").read_bytes())
    manifest["files"][FILE] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (work / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(bad, "w:gz") as target:
        for path in sorted(work.iterdir()):
            target.add(path, path.name)
    with pytest.raises(BadBackup, match="not what the manifest says"):
        await asyncio.to_thread(restore, settings, bad, force=True)


async def test_a_backup_of_nothing_is_refused(elsewhere: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="db upgrade"):
        await asyncio.to_thread(backup, elsewhere, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


async def test_an_old_backup_goes_when_the_new_one_is_whole(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(settings)
    file = tmp_path / "backups" / "b.tar.gz"
    await asyncio.to_thread(backup, settings, file)
    old = file.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(OSError, match="space"):
        await asyncio.to_thread(backup, settings, file)
    assert file.read_bytes() == old
    assert [path.name for path in file.parent.iterdir()] == ["b.tar.gz"]


def as_of(settings: Settings, file: Path, revision: str, folder: Path) -> Path:
    """Rewrite a backup as a version of that revision would have made it: in the first format."""
    url = f"sqlite:///{folder}/revision-{revision}.sqlite3"
    upgrade_now(url, revision)
    engine = create_engine(url)
    schema = inspect(engine)
    had = {
        name: {column["name"] for column in schema.get_columns(name)}
        for name in schema.get_table_names()
    }
    engine.dispose()
    older = folder / f"revision-{revision}.tar.gz"
    with tarfile.open(file) as source, tarfile.open(older, "w:gz") as copy:
        members = {member.name: source.extractfile(member) for member in source}
        data = {name: held.read() for name, held in members.items() if held is not None}
        manifest = json.loads(data.pop("manifest.json"))
        manifest.update(format=1, revision=revision, files={})
        for name in (FILE, PHOTOS):
            data.pop(name, None)
        with reading(settings.database_url) as store:
            for table in SQLModel.metadata.sorted_tables:
                text_of = io.BytesIO()
                store.write(TableForm.of(table), text_of)
                data[f"tables/{table.name}.copy"] = text_of.getvalue()
        for name in DERIVED:
            del data[f"tables/{name}.copy"]
        for form in manifest["tables"]:
            name = f"tables/{form['name']}.copy"
            kept = [column in had.get(form["name"], ()) for column in form["columns"]]
            if form["name"] not in had:
                del data[name]
                continue
            form["columns"] = dict(compress(form["columns"].items(), kept))
            lines = data[name].decode().removesuffix("\n").split("\n") if data[name] else []
            cells = ("\t".join(compress(line.split("\t"), kept)) + "\n" for line in lines)
            data[name] = "".join(cells).encode()
        for name, whole in data.items():
            digest = hashlib.sha256(whole).hexdigest()
            manifest["files"][name] = {"size": len(whole), "sha256": digest}
        manifest["tables"] = [form for form in manifest["tables"] if form["name"] in had]
        data["manifest.json"] = json.dumps(manifest).encode()
        for name, whole in data.items():
            info = tarfile.TarInfo(name)
            info.size = len(whole)
            copy.addfile(info, io.BytesIO(whole))
    return older


@pytest.mark.slow
async def test_an_older_backup_is_migrated(
    settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    """A backup of the first revision, without the tables and columns that came later."""
    await fill(settings)
    file = tmp_path / "b.tar.gz"
    await asyncio.to_thread(backup, settings, file)
    before = await content(settings.database_url)
    older = await asyncio.to_thread(as_of, settings, file, "0001", tmp_path)
    await asyncio.to_thread(restore, elsewhere, older)
    after = await content(elsewhere.database_url)
    assert after["residents"] == before["residents"]
    assert after["webhook_events"] == before["webhook_events"]
    database = Database(elsewhere.database_url)
    async with database.reading() as session:
        assert await held_until(session) is not None
    await database.close()
