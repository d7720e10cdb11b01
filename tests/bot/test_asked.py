"""Asked in vain: kept without who asked; answered by staff, it is an answer at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from bot.asked import MOST, masked
from core.clock import SystemClock
from core.database import Database
from public import questions
from public.asked import forget_counts, most_asked, note_asked, slot_of
from public.models import AskedCount, AskedQuestion
from tests.support.chats import aboard
from tests.support.town import Town

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("動物園の割引券は？", "動物園の割引券は"),
        ("電話は029-123-4567です", "電話は#です"),
        ("山田さんの家の犬", "○○さんの家の犬"),
        ("おばあさんの杖の店", "おばあさんの杖の店"),
        ("My name is Taro Yamada", "my name is ○○"),
        ("田中と申します", "○○と申します"),
        ("write to me@example.com", "write to"),
        ("12345", None),
        ("つくば500あ12-34の車が止まってる", "○○の車が止まってる"),
        ("中央三丁目二番五号に行くバス", "中央#に行くバス"),
        ("グリーンハイツ101号室のゴミ", "#のゴミ"),
        ("住所は東1-2です", "住所は ○○です"),
        ("一番近い図書館", "一番近い図書館"),
        ("Taro Yamada lives next door", "○○ lives next door"),
        ("Where is Tsukuba City Hall", "where is tsukuba city hall"),
        ("Nguyễn Văn An ở đâu", "○○ ở đâu"),
        ("anh Nam hàng xóm ồn", "anh ○○ hàng xóm ồn"),
        ("Maria da Silva mora onde", "○○ mora onde"),
        ("tanaka-san no ie", "○○-san no ie"),
        ("저는 김민수입니다", "저는 ○○"),
        ("김민수 씨 연락처", "○○ 씨 연락처"),
        ("王小明的家在哪里", "○○的家在哪里"),
        ("นายสมชาย ใจดี อยู่ไหน", "นาย ○○ อยู่ไหน"),
        ("Б.Болд хаана ажилладаг вэ", "○○ хаана ажилладаг вэ"),
        ("श्री राम कहाँ छ", "श्री ○○ कहाँ छ"),
        ("ဦးအောင် ဘယ်မှာလဲ", "ဦး ○○ ဘယ်မှာလဲ"),
        ("市長さんに会いたい", "市長さんに会いたい"),
        ("あ" * (MOST + 1), None),
    ],
)
def test_numbers_addresses_and_names_are_not_kept(text: str, kept: str | None) -> None:
    assert masked(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("田中太郎の家の犬がうるさい", "○○の家の犬がうるさい"),
        ("隣の高橋がうるさい", "隣の○○がうるさい"),
        ("松本 健一が倒した看板", "○○が倒した看板"),
        ("マリア・シルバです", "○○です"),
        ("野口英世公園は何時まで", "野口英世公園は何時まで"),
        ("石川の図書館", "石川の図書館"),
        ("千葉県の税金", "千葉県の税金"),
        ("ゴミ・リサイクルの本", "ゴミ・リサイクルの本"),
    ],
)
def test_a_japanese_name_without_a_title_is_not_kept_but_a_place_is(text: str, kept: str) -> None:
    pytest.importorskip("fugashi", reason="the extra todoke[furigana] is not installed")
    assert masked(text) == kept


async def kept_in(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as session:
        found = await session.execute(select(AskedQuestion.text, AskedQuestion.language))
        return [(text, language) for text, language in found]


async def test_what_was_not_understood_is_kept_without_who_asked(town: Town) -> None:
    user = await aboard(town, "ja")
    await town.says(user, "どうぶつえんの割引券ほしい")
    await town.says(user, "どうぶつえんの割引券ほしいです")
    other = await aboard(town, "ja")
    await town.says(other, "どうぶつえんの割引券ほしい")
    async with town.database.reading() as session:
        found = list(await session.scalars(select(AskedQuestion)))
    assert [one.text for one in found][:2] == [
        "どうぶつえんの割引券ほしい",
        "どうぶつえんの割引券ほしいです",
    ]
    mine, again, theirs = [one.asker for one in found]
    assert mine == again != theirs
    assert all(0 <= (one.asker or 0) < questions.TOKENS for one in found)
    assert not any(user in repr(one) or other in repr(one) for one in found)


def test_a_token_is_shared_and_another_in_each_quarter() -> None:
    day, later = date(2026, 6, 15), date(2026, 7, 1)
    users = [f"U{n}" for n in range(20_000)]
    tokens = [questions.asker_token("key", user, day) for user in users]
    assert len(set(tokens)) <= questions.TOKENS < len(users) / 4
    assert questions.asker_token("key", "U1", date(2026, 4, 1)) == tokens[1]
    moved = [questions.asker_token("key", user, later) for user in users[:100]]
    assert sum(a == b for a, b in zip(moved, tokens, strict=False)) < 5


async def test_what_is_understood_is_not_kept(town: Town) -> None:
    user = await aboard(town, "ja")
    for text in ("ありがとう", "避難所はどこ", "助けて", "乾電池の捨て方"):
        await town.says(user, text)
    assert await kept_in(town.database) == []


async def test_it_is_erased_after_the_days_of_the_city(database: Database) -> None:
    today = date(2026, 6, 15)
    async with database.writing() as session:
        questions.note(session, "old", "en", today - timedelta(days=91))
        questions.note(session, "new", "en", today - timedelta(days=89))
    assert await questions.forget_asked(database, today - timedelta(days=90)) == 1
    assert await kept_in(database) == [("new", "en")]


async def test_what_is_asked_is_counted_by_ten_minutes_without_who_asked(town: Town) -> None:
    user = await aboard(town, "ja")
    async with town.database.reading() as session:
        before = dict(await most_asked(session, SystemClock().now(), 50))
    for text in ("避難所はどこ", "避難所はどこ", "どうぶつえんの割引券ほしい"):
        await town.says(user, text)
    async with town.database.reading() as session:
        found = dict(await most_asked(session, SystemClock().now(), 50))
        later = await most_asked(session, SystemClock().now() + timedelta(hours=2), 50)
        columns = set(AskedCount.__table__.columns.keys())  # type: ignore[attr-defined]
    assert found["shelter"] - before.get("shelter", 0) == 2
    assert found["unknown"] - before.get("unknown", 0) == 1
    assert later == []
    assert columns == {"slot", "intent", "bucket", "count"}


async def test_counts_of_several_buckets_are_one_number_and_go_in_time(database: Database) -> None:
    for bucket, moment in ((0, NOW), (1, NOW), (1, NOW + timedelta(minutes=1))):
        async with database.writing() as session:
            await note_asked(session, {"shelter": 2, "menu": 1}, moment, bucket=bucket)
    async with database.reading() as session:
        assert await most_asked(session, NOW + timedelta(minutes=5), 1) == [("shelter", 6)]
    assert slot_of(NOW + timedelta(minutes=19, seconds=5)) == NOW + timedelta(minutes=10)
    assert await forget_counts(database, NOW + timedelta(days=90)) == 4
