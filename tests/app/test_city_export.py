"""``todoke city export``: the folder with what offices changed, as files that check."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from app.own_words import written_out
from city.folder import check_city, load_folder
from core.database import Database
from core.own_words import Change, write
from reports import kinds
from tests.support.project import SAMPLE_CITY

NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)


async def test_all_that_was_changed_is_in_the_files(database: Database, tmp_path: Path) -> None:
    base = load_folder(SAMPLE_CITY)
    row = {"品目": "本", "分別区分": "burnable", "出し方": "束ねる"}
    park = {**kinds.dump_kind(base.city.kind("park")), "due_days": 3}  # type: ignore[arg-type]
    async with database.writing() as session:
        await write(
            session,
            "items",
            [Change("本", None, row)],
            holds_from=date(2026, 11, 30),
            note="",
            actor="test",
            now=NOW,
        )
        proposed = await kinds.propose(
            session, base.city, "park", park, seen="0.0", note="", actor="test", now=NOW
        )
        seen = kinds.mark_of(proposed, None)
        await kinds.confirm(session, base.city, "park", seen=seen, actor="test", now=NOW)
    out = tmp_path / "out"
    changed = await written_out(database, SAMPLE_CITY, out, NOW)
    assert changed == ["city.toml", "collection/items.csv"]
    assert check_city(out) == []
    after = load_folder(out)
    assert "本" in {one.name for one in after.calendar.items}
    kind = after.city.kind("park")
    assert kind is not None and kind.due_days == 3
    others = {"report_categories": base.city.report_categories}
    assert after.city.model_copy(update=others) == base.city


async def test_without_changes_it_is_the_folder(database: Database, tmp_path: Path) -> None:
    assert await written_out(database, SAMPLE_CITY, tmp_path / "out", NOW) == []
    written = {one.name for one in (tmp_path / "out").iterdir()}
    assert written == {one.name for one in SAMPLE_CITY.iterdir()}
