"""Staff read in their language why a source has trouble, and what it wants of them."""

from __future__ import annotations

import re

import pytest

from channels.line.reasons import reason as of_line
from channels.models import Delivery, DeliveryState, Priority
from channels.reasons import reason as of_delivery
from city.city import Decision
from console import words
from console.models import Role
from core.reason import Reason, Reasons
from feeds.errors import unexpected
from feeds.models import Item, ItemState, Notice, Source, Status
from feeds.reasons import reason
from tests.support.office import Office


@pytest.mark.parametrize(
    ("why", "japanese"),
    [
        (
            reason("telegram.unknown-kind", kind="VXXX99"),
            "Todokeが対応していない種類の電文です。内容を確認し、必要なら「緊急配信」で住民に"
            "知らせてください。（種類コード「VXXX99」の電文）",
        ),
        (
            reason("fetch.status", status=503),
            "情報源のサーバーがエラーを返しています。（応答 503）",
        ),
        (
            unexpected(KeyError("x")),
            "Todokeの不具合で読み取れませんでした。保守担当者に連絡してください。（KeyError: 'x'）",
        ),
        (
            reason(
                "change.all",
                changes=(
                    reason("change.issued", what="雷注意報"),
                    reason("change.lifted", what="大雨警報"),
                ),
            ),
            "発表：雷注意報、解除：大雨警報",
        ),
        (reason("news.not-concerned"), "この市に関わる内容はありません。"),
        (
            reason("rule.fits", number=1, source="news", why=reason("rule.word", word="声かけ")),
            "news のルール1：言葉 '声かけ'",
        ),
        (reason("news.too-old", hours=24), "24時間以上前の情報です。"),
    ],
)
def test_staff_read_what_kind_of_trouble_it_is_before_the_exact_reason(
    why: Reason, japanese: str
) -> None:
    assert words.said(why, "ja") == japanese


async def test_the_page_of_sources_says_it_in_the_language_of_who_reads(office: Office) -> None:
    source = office.context.city.sources[0]
    await office.store(
        Source(
            code=source.code,
            kind=source.kind,
            last_polled_at=office.clock.now(),
            failures=2,
            last_error=reason("fetch.status", status=503),
        )
    )
    await office.store(
        Item(
            source=source.code,
            identity="x",
            kind="VXXX99",
            fetched_at=office.clock.now(),
            state=ItemState.SET_ASIDE,
            reason=reason("telegram.unknown-kind", kind="VXXX99"),
        )
    )
    desk = await office.at_desk(Role.ADMIN, "佐藤")
    page = await desk.get("/console/feeds")
    assert "情報源のサーバーがエラーを返しています。（応答 503）" in page.body
    assert "Todokeが対応していない種類の電文です。" in page.body
    assert "The source answered" not in page.body
    page = await desk.get("/console/feeds/items/1")
    assert "種類コード「VXXX99」の電文" in page.body
    await desk.submit(await desk.get("/console/"), "/console/language", language="en")
    assert "(The source answered 503)" in (await desk.get("/console/feeds")).body


ENGLISH = re.compile(r"[a-z]{2,} [a-z]{2,}")


def every_reason(*registries: Reasons) -> list[Reason]:
    """Return one reason of each code, with 7 for what it names."""
    return [
        Reason(code, dict.fromkeys(sentence.placeholders, "7"))
        for registry in registries
        for code, sentence in registry.sentences.items()
    ]


async def test_no_page_of_a_delivery_says_english_in_japanese(office: Office) -> None:
    now = office.clock.now()
    notice = Notice(
        identity="notice",
        topic="city-news",
        status=Status.ISSUED,
        drill=False,
        texts={"ja": {"title": "断水", "text": "断水します。"}},
        reported_at=now,
        created_at=now,
        decision=Decision.SEND,
        decided_by="rule:news",
    )
    await office.store(notice)
    reasons = every_reason(of_delivery, of_line)
    for why in reasons:
        await office.store(
            Delivery(
                channel="line",
                notice_id=1,
                state=DeliveryState.PAUSED,
                priority=Priority.ROUTINE,
                planning_done=True,
                reason=why,
                created_by="rule:news",
                created_at=now,
            )
        )
    desk = await office.at_desk(Role.ADMIN, "佐藤")
    for number, why in enumerate(reasons, start=1):
        page = await desk.get(f"/console/deliveries/{number}")
        assert words.said(why, "ja") in page.words, why
        assert str(why) not in page.words, why
    await desk.submit(await desk.get("/console/"), "/console/language", language="en")
    for number, why in enumerate(reasons[:3], start=1):
        assert str(why) in (await desk.get(f"/console/deliveries/{number}")).words


async def test_no_page_of_the_sources_says_english_in_japanese(office: Office) -> None:
    now = office.clock.now()
    await office.store(Source(code="x", kind="rss"))
    reasons = every_reason(reason)
    for number, why in enumerate(reasons):
        await office.store(
            Item(
                source="x",
                identity=str(number),
                fetched_at=now,
                state=ItemState.SET_ASIDE,
                reason=why,
            )
        )
    desk = await office.at_desk(Role.ADMIN, "佐藤")
    for number, why in enumerate(reasons, start=1):
        page = await desk.get(f"/console/feeds/items/{number}")
        said = words.said(why, "ja")
        assert said in page.words, why
        assert not ENGLISH.search(said), said
    await desk.submit(await desk.get("/console/"), "/console/language", language="en")
    assert words.said(reasons[0], "en") in (await desk.get("/console/feeds/items/1")).words
