"""News of an office: no other office changes, discards or sends it, by page or by form."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.news.models import News, NewsState
from city.city import Decision
from console.models import Role
from feeds.models import Notice, Status
from tests.support.news_desk import WORDS, begun, planned, saved
from tests.support.office import Browser, Office, Page

COLLECTION = {"topic": "collection", "title-ja": "年末の収集", "text-ja": "日が変わります。"}
NOT_OWN = "ほかの部署のもの"


def address_of(browser: Browser, page: Page) -> str:
    return page.url.removeprefix(browser.url).partition("?")[0].removesuffix("/check")


async def written_by_editor(office: Office) -> tuple[Browser, str]:
    """Return public relations' browser and the address of its draft."""
    editor = await office.at_desk(Role.EDITOR, "editor")
    page = await saved(editor, await begun(editor))
    return editor, address_of(editor, page)


async def test_an_office_writes_and_sends_news_of_its_own_topic(office: Office) -> None:
    desk = await office.at_desk(Role.DEPARTMENT, "waste", "waste")
    page = await planned(desk, **COLLECTION)
    assert (await office.rows(News))[0].state is NewsState.PLANNED, page.words
    await desk.submit(page, f"{address_of(desk, page)}/recall")
    assert (await office.rows(News))[0].state is NewsState.DRAFT


async def test_an_office_does_not_make_a_draft_of_others_its_own(office: Office) -> None:
    _, address = await written_by_editor(office)
    [before] = await office.rows(News)
    desk = await office.at_desk(Role.DEPARTMENT, "waste", "waste")
    page = await desk.get(address)
    assert page.url.endswith("/check"), "they may look, and there is no form"
    assert not page.has_form(address) and not page.has_form(f"{address}/plan")
    csrf = (await begun(desk)).form(f"/console/news/{before.id + 1}")["csrf"]
    for act in ("", "/discard", "/plan", "/test", "/recall"):
        form = {**WORDS, **COLLECTION, "csrf": csrf, "version": str(before.version)}
        refused = await desk.post(f"{address}{act}", form)
        assert (refused.status, NOT_OWN in refused.words) == (400, True), (act, refused.words)
    stored = next(one for one in await office.rows(News) if one.id == before.id)
    assert stored.model_dump() == before.model_dump()


async def test_a_draft_without_a_topic_is_its_writers(office: Office) -> None:
    editor = await office.at_desk(Role.EDITOR, "editor")
    address = address_of(editor, await begun(editor))
    desk = await office.at_desk(Role.DEPARTMENT, "waste", "waste")
    own = address_of(desk, await begun(desk))
    csrf = (await desk.get(own)).form(own)["csrf"]
    refused = await desk.post(address, {**WORDS, **COLLECTION, "csrf": csrf, "version": "1"})
    assert (refused.status, NOT_OWN in refused.words) == (400, True)


async def test_an_office_takes_back_only_what_is_its_own(office: Office) -> None:
    editor, address = await written_by_editor(office)
    form = (await editor.get(address)).form(address)
    await editor.post(f"{address}/discard", form)
    desk = await office.at_desk(Role.DEPARTMENT, "waste", "waste")
    assert not (await desk.get("/console/news")).has_form(f"{address}/restore")
    own = address_of(desk, await begun(desk))
    csrf = (await desk.get(own)).form(own)["csrf"]
    assert (await desk.post(f"{address}/restore", {"csrf": csrf})).status == 400


async def test_an_office_does_not_settle_an_article_of_others(office: Office) -> None:
    now = office.clock.now()
    held = Notice(
        identity="article:1",
        topic="events",
        status=Status.NONE,
        drill=False,
        reported_at=now,
        texts={"ja": {"title": "催し", "text": "市場"}},
        decision=Decision.HOLD,
        decided_by="rule:web",
        created_at=now,
    )
    await office.store(held)
    desk = await office.at_desk(Role.DEPARTMENT, "waste", "waste")
    page = await desk.get("/console/news")
    address = f"/console/news/from/{held.id}"
    assert not page.has_form(address)
    csrf = page.form("/console/news")["csrf"]
    assert (await desk.post(address, {"csrf": csrf})).status == 400
    assert await office.rows(News) == []


async def test_an_office_without_a_topic_reads_what_to_do(office: Office) -> None:
    desk = await office.at_desk(Role.DEPARTMENT, "parks", "parks")
    page = await begun(desk)
    assert page.tree.xpath("//*[@data-testid='no-topics']")


@pytest.mark.parametrize(
    "changes",
    [
        {"picture_id": "987654321"},
        {"send_at": "0001-01-01T00:00"},
        {"send_at": "9999-12-31T23:59"},
        {"send_at": "9999-12-31T23:59-23:00"},
        {"followed_from": "0001-01"},
        {"followed_before": "9999-12"},
        {"child_from": "999999999999999999"},
        {"repeat": "weekly", "until": "9999-12-31", "send_at": "9999-12-31T23:59"},
        {"for_language": "xx", "areas": "nowhere", "media": "telex"},
        {"title-ja": "\u200b", "text-ja": "\ud7ff\u202e"},
    ],
)
async def test_nothing_that_is_typed_breaks_the_composer(
    office: Office, changes: dict[str, Any]
) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await saved(desk, await begun(desk), then="check", **changes)
    assert page.status in (200, 400), page.words
    address = address_of(desk, page)
    page = await desk.get(address)
    assert page.status == 200
    form = {**page.form(address), **WORDS, **changes}
    assert (await desk.post(f"{address}/look", form)).status == 200
    csrf = form["csrf"]
    for act in ("test", "plan"):
        page = await desk.post(f"{address}/{act}", {"csrf": csrf, "version": "2"})
        assert page.status in (200, 400), (act, page.words)
    assert (await desk.get(f"{address}/check")).status == 200
    for path in ("/console/news", "/console/news-calendar"):
        assert (await desk.get(path)).status == 200


async def test_news_without_words_is_looked_at_and_breaks_nothing(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    address = address_of(desk, await begun(desk))
    csrf = (await desk.get(address)).form(address)["csrf"]
    for act in ("test", "plan", "recall"):
        page = await desk.post(f"{address}/{act}", {"csrf": csrf, "version": "1"})
        assert page.status == 400, (act, page.words)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    assert (await viewer.get(f"{address}/check")).status == 200
