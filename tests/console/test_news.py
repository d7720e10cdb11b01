"""The pages of routine news: nothing typed is lost, tests go to oneself, no day is crowded."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from PIL import Image

from alerts.news.models import News, NewsState
from city.city import Decision
from console.models import Role
from core.audit import AuditEntry
from core.clock import JAPAN
from feeds.models import Notice, Status
from tests.support.news_desk import WORDS, begun, on_the_list, planned, saved
from tests.support.office import Browser, Office, Page

TOMORROW = datetime(2026, 6, 16, 9, tzinfo=JAPAN)


async def news(office: Office) -> list[News]:
    return list(await office.rows(News))


def picture(size: tuple[int, int] = (300, 200)) -> bytes:
    found = io.BytesIO()
    Image.new("RGB", size, "#a33").save(found, "PNG")
    return found.getvalue()


async def upload(browser: Browser, page: Page, content: bytes) -> Page:
    """Save the composer with a file, as a browser does."""
    action = page.url.removeprefix(browser.url).partition("?")[0]
    form = aiohttp.FormData()
    for name, value in {**page.form(action), **WORDS, "alt-ja": "赤い四角"}.items():
        for one in value if isinstance(value, list) else [value]:
            if name != "picture":
                form.add_field(name, one or "")
    form.add_field("picture", content, filename="a.png", content_type="image/png")
    async with browser.http.post(browser.url + action, data=form) as answer:
        return Page(answer.status, str(answer.url), answer.headers, await answer.text())


async def test_two_people_write_one_news_and_no_word_is_lost(office: Office) -> None:
    one = await office.at_desk(Role.EDITOR, "one")
    other = await office.at_desk(Role.EDITOR, "other")
    mine = await begun(one)
    theirs = await other.get(mine.url.removeprefix(one.url))
    await saved(other, theirs, **{"title-ja": "夏のまつり"})
    refused = await saved(one, mine)
    assert refused.status == 400
    assert "その間にほかの人が変更しました" in refused.words
    action = mine.url.removeprefix(one.url)
    assert refused.form(action)["title-ja"] == "秋のまつり"
    assert (await news(office))[0].texts["ja"]["title"] == "夏のまつり"
    # What they look at now may replace it.
    await saved(one, refused)
    assert (await news(office))[0].texts["ja"]["title"] == "秋のまつり"


async def test_what_two_people_changed_in_one_news_is_merged(office: Office) -> None:
    one = await office.at_desk(Role.EDITOR, "one")
    other = await office.at_desk(Role.EDITOR, "other")
    mine = await saved(one, await begun(one))
    address = mine.url.removeprefix(one.url).partition("?")[0]
    theirs = await other.get(address)
    areas = {"whole_city": None, "areas": "chuo"}
    await saved(other, theirs, **areas, **{"text-en": "A festival.", "url-0": "https://a.example/"})
    kept = await saved(one, mine, **{"title-ja": "夏のまつり"})
    assert "その間にほかの人が変更したところも入っています" in kept.words
    [found] = await news(office)
    assert found.texts["ja"] == {"title": "夏のまつり", "text": WORDS["text-ja"]}
    assert found.texts["en"]["text"] == "A festival."
    assert (found.whole_city, found.areas) == (False, ["chuo"])
    assert [link["url"] for link in found.links] == ["https://a.example/"]


async def test_what_both_changed_is_shown_and_saving_again_decides(office: Office) -> None:
    one = await office.at_desk(Role.EDITOR, "one")
    other = await office.at_desk(Role.EDITOR, "other")
    mine = await saved(one, await begun(one))
    address = mine.url.removeprefix(one.url).partition("?")[0]
    theirs = await other.get(address)
    changes = {"when": "now", "text-en": "Theirs.", "title-ja": "冬のまつり"}
    await saved(other, theirs, **changes)
    refused = await saved(one, mine, **{"when": "digest", "text-en": "Mine."})
    assert refused.status == 400
    both = refused.words
    assert "本文 (英語)" in both or "本文 (English)" in both
    assert "Theirs." in both and "すぐに" in both
    assert refused.form(address)["text-en"] == "Mine."
    # What only the colleague changed stands in the form already.
    assert refused.form(address)["title-ja"] == "冬のまつり"
    again = await one.post(address, refused.form(address))
    assert "/console/news/" in again.url and again.status == 200
    [found] = await news(office)
    assert (found.texts["en"]["text"], str(found.when)) == ("Mine.", "digest")
    assert found.texts["ja"]["title"] == "冬のまつり"


async def test_beginning_twice_makes_one_empty_news(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    first = await begun(desk)
    assert (await begun(desk)).url == first.url
    await saved(desk, first)
    assert (await begun(desk)).url != first.url
    other = await office.at_desk(Role.EDITOR, "other")
    await begun(other)
    assert len(await news(office)) == 3


async def test_the_trail_says_what_was_before_and_after(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await saved(desk, await begun(desk))
    await saved(desk, page, **{"title-ja": "夏のまつり", "send_at": "2026-06-17T10:30"})
    entries = [one for one in await office.rows(AuditEntry) if one.action == "news.saved"]
    detail = entries[-1].detail
    assert detail["before"] == {
        "texts ja": "秋のまつり\n中央公園でまつりがあります。",
        "send_at": "2026-06-16 09:00",
    }
    assert detail["after"] == {
        "texts ja": "夏のまつり\n中央公園でまつりがあります。",
        "send_at": "2026-06-17 10:30",
    }
    admin = await office.at_desk(Role.ADMIN, "admin")
    trail = await admin.get("/console/audit?kind=news")
    assert "2026-06-16 09:00 → 2026-06-17 10:30" in trail.words


async def test_what_was_thrown_away_comes_back_with_all_that_was_typed(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await begun(desk)
    action = page.url.removeprefix(desk.url)
    gone = await desk.post(f"{action}/discard", {**page.form(action), **WORDS})
    assert "捨てました" in gone.words
    back = await desk.submit(gone, f"{action}/restore")
    assert back.form(action)["text-ja"] == WORDS["text-ja"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url-0": "javascript:alert(1)"}, "何かを実行するおそれ"),
        ({"send_at": "2026-06-15T08:00"}, "予定の時刻は過ぎています"),
        ({"child_from": "5", "child_through": "2"}, "小さいほうを先に"),
        ({"whole_city": None}, "地区か市全域"),
    ],
)
async def test_each_mistake_has_its_sentence_and_the_words_stay(
    office: Office, changes: dict[str, Any], said: str
) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await saved(desk, await begun(desk), then="check", **changes)
    assert said in page.words
    action = page.url.removeprefix(desk.url).removesuffix("/check")
    assert page.form(action)["text-ja"] == WORDS["text-ja"]


async def test_a_picture_of_40_000_pixels_is_refused_and_the_words_stay(office: Office) -> None:
    """1.6 thousand million pixels in 200 KB."""
    desk = await office.at_desk(Role.EDITOR, "one")
    size = 40_000
    found = io.BytesIO()
    Image.new("1", (size, size)).save(found, "PNG")
    page = await upload(desk, await begun(desk), found.getvalue())
    assert page.status == 400
    assert "画像が大きすぎます" in page.words
    assert page.form(page.url.removeprefix(desk.url))["text-ja"] == WORDS["text-ja"]
    # As wide, but so low that it is small: it is taken and made small.
    found = io.BytesIO()
    Image.new("1", (size, 10)).save(found, "PNG")
    page = await upload(desk, page, found.getvalue())
    [shown] = page.tree.xpath("//img[@data-testid='picture-now']")
    assert (page.status, shown.get("width")) == (200, "1024")


async def test_a_picture_is_kept_small_and_what_is_none_has_its_sentence(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await upload(desk, await begun(desk), b"<svg onload=alert(1)>")
    assert (page.status, "読み取れる画像ではありません" in page.words) == (400, True)
    page = await upload(desk, page, picture((2000, 1000)))
    [shown] = page.tree.xpath("//img[@data-testid='picture-now']")
    assert (shown.get("width"), shown.get("height")) == ("1024", "512")
    assert shown.get("alt") == "赤い四角"
    async with desk.http.get(desk.url + shown.get("src")) as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
    async with desk.http.get(f"{desk.url}/pictures/nothing.jpg") as answer:
        assert answer.status == 404
    # A picture without words for who does not see it does not leave.
    action = page.url.removeprefix(desk.url).partition("?")[0]
    page = await desk.post(action, {**page.form(action), "alt-ja": "", "then": "check"})
    assert "何が写っているか" in page.words


async def test_an_article_that_waits_is_written_as_news(office: Office) -> None:
    now = office.clock.now()
    held = Notice(
        identity="article:1",
        topic="events",
        status=Status.NONE,
        drill=False,
        reported_at=now,
        url="https://www.city.example/fair",
        texts={"ja": {"title": "催し：市場", "text": "市場が開きます。"}},
        decision=Decision.HOLD,
        decided_by="rule:web",
        created_at=now,
    )
    await office.store(held)
    await office.resident("ja", topics={"events": 0})
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await desk.submit(await desk.get("/console/news"), f"/console/news/from/{held.id}")
    action = page.url.removeprefix(desk.url)
    assert page.form(action)["url-0"] == "https://www.city.example/fair"
    page = await saved(desk, page, when="now", send_at="", then="check")
    await desk.submit(page, f"{action}/plan")
    notices = {one.identity: one for one in await office.notices()}
    assert notices["article:1"].decision is Decision.DROP
    assert len(notices) == 2


async def test_planned_news_is_recalled_and_changed(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await planned(desk)
    [stored] = await news(office)
    assert (stored.state, stored.next_at) == (NewsState.PLANNED, TOMORROW)
    action = page.url.removeprefix(desk.url).removesuffix("/check")
    page = await desk.submit(page, f"{action}/recall")
    assert "取り消しました" in page.words
    assert (await news(office))[0].state is NewsState.DRAFT
    assert (await saved(desk, await desk.get(action))).status == 200


async def test_a_test_goes_to_oneself_alone(office: Office) -> None:
    resident = await office.resident("ja", topics={"events": 0})
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await saved(desk, await begun(desk), then="check")
    action = page.url.removeprefix(desk.url).removesuffix("/check")
    refused = await desk.submit(page, f"{action}/test")
    assert "職員名簿にない" in refused.words
    await on_the_list(office)
    await desk.submit(page, f"{action}/test")
    async with asyncio.timeout(20):
        while not office.mails.to("hanako@home.example"):
            await asyncio.sleep(0.02)
    [mail] = office.mails.to("hanako@home.example")
    assert "送信試験" in str(mail["subject"])
    assert office.received(resident) == []


async def test_the_calendar_warns_of_a_day_with_too_much(office: Office) -> None:
    for _ in range(12):
        await office.resident("ja", topics={"events": 0})
    desk = await office.at_desk(Role.EDITOR, "one")
    for hour in (9, 12, 15):
        await planned(desk, send_at=f"2026-06-16T{hour:02}:00")
    page = await desk.get("/console/news-calendar?week=2026-06-15")
    assert not page.tree.xpath("//*[@data-testid='crowded']")
    fourth = await planned(desk, send_at="2026-06-16T20:00")
    assert "この日、約10人に3通を超える" in fourth.words
    page = await desk.get("/console/news-calendar?week=2026-06-15")
    [crowded] = page.tree.xpath("//*[@data-testid='day-2026-06-16']//*[@data-testid='crowded']")
    assert "約10人に3通を超えて" in crowded.text_content()


async def test_repeated_news_stands_on_each_of_its_days(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    await planned(desk, repeat="weekly", until="2026-07-31")
    page = await desk.get("/console/news-calendar?week=2026-06-15")
    days = [
        day.get("data-testid")
        for day in page.tree.xpath("//*[@class='calendar']/li")
        if "秋のまつり" in day.text_content()
    ]
    first = TOMORROW.date()
    assert days == [f"day-{first + timedelta(days=7 * week)}" for week in range(4)]


async def test_a_department_writes_news_of_its_own_topics_alone(office: Office) -> None:
    desk = await office.at_desk(Role.DEPARTMENT, "office", "parks")
    page = await begun(desk)
    refused = await saved(desk, page)  # events are nobody's own
    assert "ほかの部署" in refused.words
    action = page.url.removeprefix(desk.url)
    assert refused.form(action)["text-ja"] == WORDS["text-ja"]
    assert not refused.tree.xpath("//select[@name='topic']/option[@value='events']")
