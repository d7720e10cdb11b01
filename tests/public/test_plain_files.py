"""Plain files for when the service is down: small, whole, dated, true, and never a drill."""

from __future__ import annotations

import errno
import json
import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from core.languages import LANGUAGES
from feeds.models import Notice, Status
from feeds.notice_codes import new_code
from public.page_size import MOST_BYTES, fitting
from public.plain_directory import TEMPORARY, PlainDirectory
from public.plain_files import (
    OLD_AFTER,
    RENEWED,
    PlainContent,
    files_of,
    read_content,
    state_key,
)
from response.models import ShelterState
from response.shelters import set_state
from tests.support.office import Office
from tests.support.public_notices import notice

URL = "https://todoke.city.example"


async def content_of(office: Office, written: tuple[str, ...] = ()) -> PlainContent:
    async with office.database.reading() as session:
        return await read_content(
            session, office.context.city, office.folder, office.clock.now(), written
        )


async def pages_of(office: Office, written: tuple[str, ...] = ()) -> dict[str, bytes]:
    return dict(files_of(await content_of(office, written), office.context.city, URL))


def order(office: Office, identity: str = "order", **changes: Any) -> Notice:
    return notice(office, identity, **{"topic": "evacuation", "level": 4, **changes})


async def test_what_is_in_force_is_on_every_page_in_every_language(office: Office) -> None:
    one = order(office)
    await office.store(one)
    async with office.database.writing() as session:
        await set_state(
            session,
            office.folder.shelters,
            "0001",
            ShelterState.OPEN,
            office.clock.now(),
            actor="desk@city.example",
            drill=False,
        )
    pages = await pages_of(office)
    for name in ("index", "shelters", "lifelines", f"n/{one.code}", "n/unknown"):
        assert {f"{name}.{code}.html" for code in LANGUAGES} | {f"{name}.html"} <= set(pages)
    assert "order title" in pages["index.en.html"].decode()
    assert "In force now" in pages[f"n/{one.code}.en.html"].decode()
    assert ">Open<" in pages["shelters.en.html"].decode()
    assert "desk@city.example" not in str(pages)
    told = json.loads(pages["in-force.json"])
    assert [each["code"] for each in told["in_force"]] == [one.code]
    assert told["in_force"][0]["url"] == f"{URL}/n/{one.code}"
    # What links to others comes last.
    assert list(pages)[-1].startswith("index")


async def test_each_page_is_small_has_no_script_and_says_of_when_it_is(office: Office) -> None:
    await office.store(*(order(office, f"order-{n}", level=2 + n % 4) for n in range(60)))
    long = order(office, "long", level=5)
    long.texts = {"ja": {"title": "長" * 5_000, "text": "とても長い文。" * 20_000}}
    await office.store(long)
    pages = await pages_of(office)
    at = office.clock.now()
    assert len(pages) > 1_000
    for name, page in pages.items():
        assert len(page) < MOST_BYTES == 30_000, name
        if not name.endswith(".html"):
            continue
        tree: Any = html.fromstring(page)
        assert not tree.xpath("//script | //link[@rel='stylesheet'] | //img | //iframe | //form")
        assert tree.xpath("string(//style)")
        (when,) = tree.xpath('//meta[@name="todoke-as-of"]/@content')
        assert when[:16] == at.isoformat()[:16]
        links = [link for link in tree.xpath("//a/@href") if not link.startswith(URL)]
        folder = Path("/") / Path(name).parent
        for link in links:
            assert not link.startswith(("/", "http")), link
            assert os.path.normpath(folder / link).lstrip("/") in pages, (name, link)
    first = pages["index.ja.html"].decode()
    # The first ones have their words, others their title, and the last one is counted.
    assert first.count("<article") == 60
    assert "<p>+ 1</p>" in first
    assert first.index("長長長") < first.index("order-5")
    told = json.loads(pages["in-force.json"])
    assert told["left_out"] + len(told["in_force"]) == 61


async def test_a_drill_is_never_in_them(office: Office) -> None:
    drill = order(office, "exercise", drill=True, level=5)
    await office.store(drill)
    content = await content_of(office, (str(drill.code),))
    assert content.gone == (drill.code,)
    pages = dict(files_of(content, office.context.city, URL))
    assert "exercise" not in b"".join(pages.values()).decode()
    assert not [name for name in pages if str(drill.code) in name]
    assert "No warnings" in pages["index.en.html"].decode()


async def test_what_was_taken_back_says_so_and_goes_after_two_weeks(office: Office) -> None:
    wrong = order(office, "wrong")
    await office.store(wrong)
    code = str(wrong.code)
    await office.store(order(office, "back", status=Status.CANCELLED, replaces_id=wrong.id))
    pages = await pages_of(office, (code,))
    assert "Taken back: do not follow this message." in pages[f"n/{code}.en.html"].decode()
    assert "wrong" not in pages["index.en.html"].decode()
    office.clock.ahead += timedelta(days=15)
    content = await content_of(office, (code, new_code()))
    assert code in content.gone and len(content.gone) == 2


async def test_hostile_words_stay_words(office: Office) -> None:
    evil = '</style><script>alert(1)</script>\u202e<a href="javascript:x">'
    one = order(office, "evil")
    one.texts = {"ja": {"title": evil, "text": evil}}
    await office.store(one)
    pages = await pages_of(office)
    for name, page in pages.items():
        if name.endswith(".html"):
            tree = html.fromstring(page)
            assert not tree.xpath("//script") and not tree.xpath('//a[contains(@href, "javas")]')
            assert page.count(b"</style>") == 1


async def key_of(office: Office) -> str:
    async with office.database.reading() as session:
        return await state_key(session, office.context.city, office.clock.now())


async def test_the_key_is_the_same_until_something_changes(office: Office) -> None:
    one = order(office)
    await office.store(one)
    before = await key_of(office)
    office.clock.ahead += timedelta(seconds=30)
    assert await key_of(office) == before
    await office.store(order(office, "raised", status=Status.RAISED, replaces_id=one.id, level=5))
    raised = await key_of(office)
    assert raised != before
    office.clock.ahead += timedelta(hours=49)
    assert await key_of(office) != raised
    assert OLD_AFTER > RENEWED


def bytes_of(size: int, many: int) -> bytes:
    return b"x" * (many * size)


def test_the_fullest_page_that_fits_is_taken() -> None:
    for size in (1, 7, 100, 29_999, 30_000):
        page = fitting(partial(bytes_of, size), 1_000)
        assert len(page) < MOST_BYTES
        assert len(page) + size >= MOST_BYTES or len(page) == 1_000 * size


def test_files_are_replaced_at_once_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    directory, code = PlainDirectory(tmp_path / "plain"), new_code()
    assert directory.codes() == []
    assert directory.write([(f"n/{code}.html", b"one"), ("index.html", b"first")]) == 2
    (tmp_path / "plain" / "robots.txt").write_text("ours")
    (tmp_path / "plain" / "n" / f"{TEMPORARY}left").write_text("of a killed process")
    assert directory.codes() == [code]
    directory.write([("index.html", b"second")])
    files = sorted(path.name for path in (tmp_path / "plain").rglob("*") if path.is_file())
    assert files == sorted(["index.html", "robots.txt", f"{code}.html"])
    assert (tmp_path / "plain" / "index.html").read_bytes() == b"second"
    assert (tmp_path / "plain" / "index.html").stat().st_mode & 0o777 == 0o644
    directory.remove([code])
    assert directory.codes() == []


def test_a_full_disk_keeps_the_last_good_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = PlainDirectory(tmp_path)
    directory.write([("shelters.html", b"old"), ("index.html", b"old")])
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        directory.write([("shelters.html", b"new"), ("index.html", b"new" * 9_000)])
    assert (tmp_path / "shelters.html").read_bytes() == b"new"
    assert (tmp_path / "index.html").read_bytes() == b"old"
    assert not list(tmp_path.glob(f"{TEMPORARY}*"))
