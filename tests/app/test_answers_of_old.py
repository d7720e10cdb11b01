"""Answers that staff gave before are the city's own words after the upgrade, without what residents
typed; those that were taken back are gone."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import MetaData, create_engine, insert, select

from app.schema import upgrade_now
from tests.support.databases import sync_url

LATE = datetime(2026, 6, 1, 20, tzinfo=UTC)
"""The second of June in Japan."""
TEXTS = {
    "ja": {"question": "動物園の割引券は？", "text": "市民課にあります。"},
    "en": {"question": "Discount for the zoo?", "text": "At the citizens' desk."},
}


def test_old_answers_become_the_citys_own_words(database_url: str) -> None:
    upgrade_now(database_url, "0055")
    engine = create_engine(sync_url(database_url))
    tables = MetaData()
    tables.reflect(engine, only=["staff_answers", "asked_questions"])
    given = {
        "texts": TEXTS,
        "asked": ["zoo ticket of mine"],
        "link": "https://city.example/zoo",
        "written_by": "editor@city.example",
        "written_at": LATE,
    }
    with engine.begin() as connection:
        answers = tables.tables["staff_answers"]
        connection.execute(
            insert(answers), [given | {"withdrawn_at": None}, given | {"withdrawn_at": LATE}]
        )
        connection.execute(
            insert(tables.tables["asked_questions"]),
            [{"text": "プールは", "language": "ja", "asked_on": date(2026, 6, 1)}],
        )
    upgrade_now(database_url)
    tables = MetaData()
    tables.reflect(engine, only=["word_versions", "asked_questions"])
    with engine.connect() as connection:
        [version] = connection.execute(select(tables.tables["word_versions"])).mappings().all()
        [asked] = connection.execute(select(tables.tables["asked_questions"])).mappings().all()
    engine.dispose()
    assert (version["part"], version["key"]) == ("questions", "staff-1")
    assert str(version["holds_from"]) == "2026-06-02" and version["undone_at"] is None
    assert version["by"] == "editor@city.example"
    assert version["cells"] == {
        "名前": "staff-1",
        "質問": "動物園の割引券は？",
        "回答": "市民課にあります。\n\nhttps://city.example/zoo",
        "質問_en": "Discount for the zoo?",
        "回答_en": "At the citizens' desk.\n\nhttps://city.example/zoo",
    }
    assert (asked["text"], asked["asker"], asked["answer_key"]) == ("プールは", None, None)
