"""The link of a crew's phone: whom it lets in, and what it refuses."""

from __future__ import annotations

import errno
from datetime import timedelta

import pytest
from sqlmodel import select

from console.link_pages import KEPT_COPY
from console.models import Role
from reports.models import OrderPhone, Photo, Report
from tests.support.crews import (
    a_photo,
    act,
    at_roads,
    by_form,
    crew_link,
    items_of,
    ordered,
    outcomes,
    sent,
    sent_photo,
)
from tests.support.filed_reports import reported
from tests.support.office import Office
from tests.support.project import PROJECT


async def test_links_of_others_forged_withdrawn_and_ended_open_nothing(office: Office) -> None:
    desk = await at_roads(office)
    report, other = await reported(office), await reported(office)
    order_id = await ordered(office, desk, report.number)
    other_id = await ordered(office, desk, other.number, of="補修2班")
    tomorrow = await ordered(office, desk, other.number, day=1)
    path, second = await crew_link(office, desk, order_id), await crew_link(office, desk, other_id)
    third = await crew_link(office, desk, tomorrow)
    phone = await office.browser()
    [item], [theirs] = items_of(await phone.get(path)), items_of(await phone.get(second))
    photo_of_other = await sent_photo(phone, second, a_photo(), item=theirs)
    [photo] = photo_of_other[1]["items"][0]["photos"]
    # Another team's and another day's places cannot be named, nor their photos be seen.
    for act_of_other in (act("done", theirs), act("open", theirs)):
        _, answer = await sent(phone, path, act_of_other)
        assert answer["refused"] == [act_of_other["id"]] and answer["done"] == []
    assert (await sent_photo(phone, path, a_photo("red"), item=theirs))[1]["done"] == []
    async with phone.http.get(f"{office.url}{path}/photos/{photo}") as got:
        assert got.status == 404
    async with phone.http.get(f"{office.url}{second}/photos/{photo}") as got:
        assert got.status == 200 and got.headers["Content-Type"] == "image/jpeg"
    token = path.rpartition("/")[2]
    turned = token[:-1] + ("A" if token[-1] != "A" else "B")
    shelter = "/crew/" + "A" * 48
    for wrong in (
        f"/crew/{turned}",
        "/crew/x",
        "/crew/" + "A" * 300,
        "/crew/%00",
        "/crew/é",
        shelter,
    ):
        assert (await phone.get(wrong)).status == 404, wrong
        assert (await sent(phone, wrong, act("done", item)))[0] == 404
        assert (await sent_photo(phone, wrong, a_photo(), item=item))[0] == 404
    page = await desk.get(f"/console/orders/{order_id}")
    [revoke] = page.tree.xpath("//form[contains(@action, '/revoke')]/@action")
    await desk.submit(page, revoke)
    for status, answer in (
        await sent(phone, path, act("done", item)),
        await sent_photo(phone, path, a_photo(), item=item),
    ):
        assert (status, answer["error"]) == (410, "ended")
    assert (await phone.get(path)).status == 410
    office.clock.ahead += timedelta(days=2)
    assert (await phone.get(second)).status == 410, "the day is over"
    assert (await phone.get(third)).status == 200, "the next day's is not"
    office.clock.ahead += timedelta(days=1)
    assert (await phone.get(third)).status == 410
    assert await outcomes(office) == ["open"] * 3


async def test_that_a_link_was_passed_on_is_seen(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    order_id = await ordered(office, desk, report.number)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    for _ in range(2):
        await phone.get(path, **{"User-Agent": "Mozilla/5.0 (Linux; Android 15)"})
    page = await desk.get(f"/console/orders/{order_id}")
    assert "1台で開かれました" in page.words and "Android" in page.words
    await (await office.browser()).get(path)
    page = await desk.get(f"/console/orders/{order_id}")
    assert page.tree.xpath("//*[@data-testid='passed-on']")
    async with office.database.reading() as session:
        assert len(list(await session.scalars(select(OrderPhone)))) == 2


async def test_the_copy_for_where_there_is_no_line_is_no_opening(office: Office) -> None:
    """A browser that opens the page once asks twice: its service worker keeps a copy."""
    script = (PROJECT / "console" / "static" / "link_worker.js").read_text("utf-8")
    assert f'"{KEPT_COPY}"' in script
    desk = await at_roads(office)
    path = await crew_link(
        office, desk, await ordered(office, desk, (await reported(office)).number)
    )
    phone = await office.browser()
    await phone.get(path)
    assert (await phone.get(path, **{KEPT_COPY: "yes"})).status == 200
    await (await office.browser()).get(path, **{KEPT_COPY: "yes"})
    async with office.database.reading() as session:
        assert list(await session.scalars(select(OrderPhone.opened))) == [1]


async def test_only_who_answers_reports_sees_the_links(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    order_id = await ordered(office, desk, report.number)
    path = await crew_link(office, desk, order_id)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    for page in ("", "/print"):
        seen = await viewer.get(f"/console/orders/{order_id}{page}")
        assert seen.status == 200 and report.number in seen.words
        assert path not in seen.body


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"acts": [null, 1, [], {}]}',
        '{"acts": [{"id": "short", "kind": "done"}]}',
        '{"acts": [{"id": "key000000x1", "kind": ["done"], "item": {}}]}',
        '{"acts": [{"id": "key000000x2", "kind": "done", "item": true}]}',
        '{"acts": [{"id": "key000000x3", "kind": "done", "item": 1e400}]}',
        '{"acts": [{"id": "key000000x4", "kind": "photo", "item": 1}]}',
        '{"acts": [{"id": "key000000x5", "kind": "found", "category": "x", "words": "y"}]}',
        '{"acts": [{"id": "key000000x6", "kind": "from-here", "longitude": NaN, "latitude": 1}]}',
        "[" * 20_000,
    ],
)
async def test_what_is_no_act_changes_nothing(office: Office, body: str) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    status, answer = await sent(await office.browser(), path, body=body)
    assert status == 200 and answer["done"] == []
    assert await outcomes(office) == ["open"]
    assert len(await office.rows(Report)) == 1


async def test_a_bomb_and_what_is_no_photo_are_refused(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 99))
    whole = a_photo(size=(800, 600))
    for data in (b"", b"<svg onload=alert(1)>", whole[:200], bomb, b"\xff" * (21 * 1024 * 1024)):
        status, answer = await sent_photo(phone, path, data, item=item)
        assert status == 200 and answer["done"] == [], len(data)
        assert len(answer["refused"]) == 1
    assert await office.rows(Photo) == []


async def test_a_photo_that_the_disk_cannot_take_is_not_gone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone keeps what is answered 503. By a form the place is not done without its photo."""
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("reports.photos.tempfile.mkstemp", full)
        assert await sent_photo(phone, path, a_photo(), key="key00000001", item=item) == (
            503,
            {"error": "disk"},
        )
        page = await by_form(phone, path, do="done", item=item, key="key00000002", photo=a_photo())
        assert page.status == 200 and "done=wrong" in page.url
        assert await outcomes(office) == ["open"]
    status, answer = await sent_photo(phone, path, a_photo(), key="key00000001", item=item)
    assert status == 200 and answer["done"] == ["key00000001"]
    page = await by_form(phone, path, do="done", item=item, key="key00000002", photo=a_photo("red"))
    assert "done=yes" in page.url
    assert await outcomes(office) == ["done"]
    assert len(await office.rows(Photo)) == 2


async def test_a_link_fills_neither_the_database_nor_the_disk(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console import crew_pages
    from console.link_pages import MOST_OF_LINK

    assert MOST_OF_LINK == 5_000
    monkeypatch.setattr(crew_pages, "MOST_OF_LINK", 12)
    monkeypatch.setattr(crew_pages, "MOST_PHOTOS_OF_LINK", 9)
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    for number in range(8):
        photo = await sent_photo(phone, path, a_photo(f"#{number * 9:02}0000"), item=item)
        assert photo[1]["refused"] == []
    full = await sent_photo(phone, path, a_photo("blue"), item=item)
    assert len(full[1]["refused"]) == 1, "a place has room for eight photos"
    acts = [act("sort", ids=[item]) for _ in range(4)]
    assert (await sent(phone, path, *acts))[0] == 200
    status, answer = await sent(phone, path, act("done", item))
    assert (status, answer["error"]) == (429, "too-many")
    assert (await sent_photo(phone, path, a_photo(), item=item))[0] == 429


async def test_what_people_wrote_is_text_on_every_page(office: Office) -> None:
    desk = await at_roads(office)
    bad = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    report = await reported(office, description=bad, address=bad)
    order_id = await ordered(office, desk, report.number, words=bad)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    await sent(phone, path, act("could-not", item, words=bad))
    await sent(
        phone,
        path,
        act(
            "found",
            category=office.context.city.report_categories[0].code,
            words=bad,
            longitude=140.1,
            latitude=36.1,
        ),
    )
    pages = [await phone.get(path)]
    pages += [await desk.get(f"/console/orders/{order_id}{one}") for one in ("", "/print")]
    for page in pages:
        assert "<script>alert" not in page.body and "<img src=x" not in page.body
        assert "alert(1)" in page.words, page.url
