"""Photos are looked at, covered and released, one after the other; nothing is public before."""

from __future__ import annotations

import errno
import hashlib

import aiohttp
import pytest

from console.models import Role
from core.audit import AuditEntry
from reports.models import Photo, Report
from reports.photos import photo_path
from reports.states import ReportState
from tests.support.filed_reports import picture
from tests.support.office import Browser, Office, Page
from tests.support.public_cases import case_in, photographed


async def seen_by_everybody(office: Office, report: Report, photo: Photo) -> bytes | None:
    address = f"{office.url}/reports/{report.number}/photos/{photo.id}.jpg"
    browser = await office.browser()
    async with browser.http.get(address) as answer:
        return await answer.read() if answer.status == 200 else None


async def decided(desk: Browser, page: Page, photo: Photo, **fields: str) -> Page:
    return await desk.submit(page, f"/console/release/{photo.id}", **fields)


async def test_a_morning_of_photos_goes_from_one_to_the_next(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    case = await case_in(office, ReportState.ACCEPTED)
    first, second, third = [await photographed(office, case) for _ in range(3)]
    page = await desk.get("/console/release")
    assert page.tree.xpath("//*[@data-testid='waiting']/text()") == ["3"]
    assert f"/photos/{third.id}" in page.body, "the newest first"
    page = await decided(desk, page, third, act="release", areas="100,100,80,60\n300,10,50,50")
    assert page.url.endswith(f"/console/release/{second.id}")
    page = await decided(desk, page, second, act="keep")
    assert page.url.endswith(f"/console/release/{first.id}")
    page = await decided(desk, page, first, act="release")
    assert "確認待ちの写真はありません" in page.words

    shown = await seen_by_everybody(office, case, third)
    original = photo_path(office.context.settings.media_dir, third.sha256).read_bytes()
    assert shown is not None and shown != original
    assert await seen_by_everybody(office, case, first) == original
    assert await seen_by_everybody(office, case, second) is None
    trail = [entry for entry in await office.audit() if entry.action.startswith("photo.")]
    assert [entry.action for entry in trail] == [
        *("photo.released", "photo.kept_private", "photo.released"),
    ]
    assert all(isinstance(entry, AuditEntry) and "road@" in entry.actor for entry in trail)


async def test_a_released_photo_is_taken_back_and_gone_at_once(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    case = await case_in(office, ReportState.DONE)
    photo = await photographed(office, case)
    page = await desk.get(f"/console/release/{photo.id}")
    await decided(desk, page, photo, act="release", areas="10,10,100,100")
    shown = await seen_by_everybody(office, case, photo)
    assert shown is not None
    (row,) = await office.rows(Photo)
    assert row.public_sha256 == hashlib.sha256(shown).hexdigest()
    async with desk.http.get(f"{office.url}/console/release/{photo.id}/public") as answer:
        assert await answer.read() == shown
    page = await desk.get(f"/console/release/{photo.id}")
    await decided(desk, page, photo, act="keep")
    assert await seen_by_everybody(office, case, photo) is None
    assert (await desk.get(f"/console/release/{photo.id}/public")).status == 404
    (row,) = await office.rows(Photo)
    assert row.public_sha256 == "", "nothing names the copy: its file goes too"


async def test_two_people_with_one_photo_decide_once(office: Office) -> None:
    one, other = [await office.at_desk(Role.ROADS, name) for name in ("one", "other")]
    case = await case_in(office, ReportState.ACCEPTED)
    photo = await photographed(office, case)
    page, same = [await desk.get(f"/console/release/{photo.id}") for desk in (one, other)]
    await decided(one, page, photo, act="keep")
    refused = await decided(other, same, photo, act="release", areas="1,1,50,50")
    assert refused.status == 400 and "その間に" in refused.words
    assert "1,1,50,50" in refused.body, "what was drawn is still there"
    assert await seen_by_everybody(office, case, photo) is None


async def test_nonsense_covers_nothing_and_releases_nothing(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    case = await case_in(office, ReportState.ACCEPTED)
    photo = await photographed(office, case)
    page = await desk.get(f"/console/release/{photo.id}")
    for areas in ("1,2,3", "<script>", "9999,1,5,5", "1,1,9,9 " * 41):
        refused = await decided(desk, page, photo, act="release", areas=areas)
        assert refused.status == 400, areas
        assert "<script>" not in refused.body.replace("<script src", "")
    photo_path(office.context.settings.media_dir, photo.sha256).unlink()
    refused = await decided(desk, page, photo, act="release", areas="1,1,50,50")
    assert refused.status == 400
    assert await seen_by_everybody(office, case, photo) is None


async def test_only_photos_of_public_cases_wait(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    leader = await case_in(office, ReportState.ACCEPTED)
    hidden = await case_in(office, ReportState.ACCEPTED, hidden=True)
    new = await case_in(office, ReportState.NEW)
    joined = await case_in(office, ReportState.DUPLICATE, case_id=leader.id)
    for one in (hidden, new):
        await photographed(office, one)
    page = await desk.get("/console/release")
    assert "確認待ちの写真はありません" in page.words
    photo = await photographed(office, joined)
    page = await desk.get("/console/release")
    assert leader.number in page.words
    await decided(desk, page, photo, act="release")
    case = await (await office.browser()).get(f"/reports/{leader.number}")
    assert f"/photos/{photo.id}.jpg" in case.body, "on the page of its case"


async def test_areas_that_were_drawn_before_a_photo_was_turned_release_nothing(
    office: Office,
) -> None:
    """They would lie beside the face."""
    desk = await office.at_desk(Role.ROADS, "road")
    colleague = await office.at_desk(Role.ROADS, "colleague")
    case = await case_in(office, ReportState.ACCEPTED)
    photo = await photographed(office, case)
    page = await desk.get(f"/console/release/{photo.id}")
    shown = await colleague.get(f"/console/reports/{case.number}")
    address = f"/console/reports/{case.number}"
    token = shown.form(address)["csrf"]
    turn = f"{address}/photos/{photo.id}/turn"
    assert (await colleague.post(turn, {"csrf": token})).status == 200
    refused = await decided(desk, page, photo, act="release", areas="10,10,100,100")
    assert refused.status == 400 and "10,10,100,100" in refused.body
    assert await seen_by_everybody(office, case, photo) is None


async def test_a_full_disk_has_its_sentence_and_nothing_that_was_drawn_is_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    case = await case_in(office, ReportState.ACCEPTED)
    photo = await photographed(office, case)
    page = await desk.get(f"/console/release/{photo.id}")
    entry = await desk.get("/console/entry?kind=sign")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reports.photos.tempfile.mkstemp", full)
    refused = await decided(desk, page, photo, act="release", areas="10,10,100,100")
    assert refused.status == 400 and "10,10,100,100" in refused.body
    assert "ディスク" in refused.words
    assert await seen_by_everybody(office, case, photo) is None
    form = aiohttp.FormData()
    for name, value in {**entry.form("/console/entry"), "address": "中央公園"}.items():
        if name != "photo":
            form.add_field(name, str(value))
    form.add_field("photo", picture(), filename="a.jpg", content_type="image/jpeg")
    async with desk.http.post(desk.url + "/console/entry", data=form) as answer:
        said = await answer.text()
    assert answer.status == 400 and "ディスク" in said and "中央公園" in said
