"""Residents taken in before they speak: lists never bring anybody back against their will."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from city.city import City
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from subscriptions import arrivals, residents
from subscriptions.arrivals import Newcomer, TakenIn
from subscriptions.audience import count
from subscriptions.audience_query import AudienceQuery
from subscriptions.import_file import Imported, import_file
from subscriptions.import_mapping import WordMapping, plain_mapping, read_mapping
from subscriptions.models import Arrival, ArrivalKind, GoneFriend, Resident
from subscriptions.retention import forget_left

MAPPING = """
[columns]
user_id = "ユーザーID"
language = "言語"
topics = ["情報区分"]
districts = ["地区"]
[topics]
"催し物" = "events"
"その他" = []
[districts]
"北地区" = "north"
"みなみ" = "south"
[languages]
"ベトナム語" = "vi"
"""


def user(number: int) -> str:
    return f"U{number:032x}"


async def taken(
    database: Database,
    city: City,
    users: list[str],
    now: datetime,
    *,
    listed_at: datetime | None = None,
) -> TakenIn:
    async with database.writing() as session:
        arrival = await arrivals.begin(session, ArrivalKind.FRIENDS, actor="shell:it", now=now)
        assert arrival.id is not None
        people = [Newcomer(each) for each in users]
        return await arrivals.take_in(session, city, arrival.id, people, now, listed_at=listed_at)


async def resident(database: Database, line_user_id: str) -> Resident | None:
    async with database.reading() as session:
        return await residents.find(session, line_user_id)


async def test_friends_have_a_new_residents_topics(
    database: Database, city: City, clock: ManualClock
) -> None:
    now = clock.now()
    assert (await taken(database, city, [user(1), user(2)], now)).new == 2
    async with database.reading() as session:
        made = await residents.find(session, user(1))
        assert made is not None and made.id is not None
        choices = await residents.preferences(session, city, made.id)
        warned = await count(session, AudienceQuery("weather", 5, ("north",)))
    assert choices.topics == {"evacuation": 0, "weather": 0, "lifeline": 0}
    assert (choices.language, choices.language_chosen, choices.areas) == ("ja", False, ())
    assert made.ask_language
    assert warned == 2


async def test_a_list_changes_nobody_who_is_there(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        known = await residents.follow(session, city, user(1), "vi", clock.now())
        assert known.id is not None
        await residents.choose_topics(session, city, known.id, {"events": 0}, clock.now())
    before = await resident(database, user(1))
    assert await taken(database, city, [user(1)], clock.now()) == TakenIn(known=1)
    assert await resident(database, user(1)) == before


async def test_who_left_after_the_list_was_read_stays_gone(
    database: Database, city: City, clock: ManualClock
) -> None:
    asked = clock.now()
    async with database.writing() as session:
        await residents.follow(session, city, user(1), "ja", asked)
        await residents.unfollow(session, city, user(1), asked + timedelta(seconds=5))
        # Nobody here knew the second one, who blocked the account all the same.
        await residents.unfollow(session, city, user(2), asked + timedelta(seconds=5))
    later = asked + timedelta(seconds=9)
    assert await taken(database, city, [user(1), user(2)], later, listed_at=asked) == TakenIn(
        left=2
    )
    async with database.reading() as session:
        assert await count(session, AudienceQuery("", 5, mandatory=True)) == 0


async def test_who_left_long_before_and_is_listed_has_come_back(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        back = await residents.follow(session, city, user(1), "vi", clock.now())
        assert back.id is not None
        await residents.choose_areas(session, city, back.id, ["north"], clock.now())
        await residents.unfollow(session, city, user(1), clock.now())
        await residents.unfollow(session, city, user(2), clock.now())
    later = clock.now() + timedelta(days=1)
    found = await taken(database, city, [user(1), user(2)], later, listed_at=later)
    assert (found.returned, found.new) == (1, 1)
    async with database.reading() as session:
        assert await count(session, AudienceQuery("", 5, ("south",), mandatory=True)) == 1
        assert await count(session, AudienceQuery("", 5, ("north",), mandatory=True)) == 2
    # A file is no word of LINE's: it brings nobody back.
    async with database.writing() as session:
        await residents.unfollow(session, city, user(1), later)
    much_later = later + timedelta(days=20)
    assert await taken(database, city, [user(1)], much_later) == TakenIn(left=1)


async def test_who_had_themselves_erased_comes_back_only_by_themselves(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        made = await residents.follow(session, city, user(1), "ja", clock.now())
        assert made.id is not None
        await residents.erase(session, city, made.id, clock.now())
    async with database.reading() as session:
        kept = list(await session.scalars(select(GoneFriend)))
    assert user(1)[1:] not in repr(kept)
    later = clock.now() + timedelta(days=400)
    assert await taken(database, city, [user(1)], later, listed_at=later) == TakenIn(erased=1)
    async with database.writing() as session:
        await residents.follow(session, city, user(1), "ja", later)
        assert not list(await session.scalars(select(GoneFriend)))


async def test_who_left_unknown_is_forgotten_after_the_citys_days(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        await residents.unfollow(session, city, user(1), clock.now())
    await forget_left(database, 30, clock.now() + timedelta(days=31))
    async with database.reading() as session:
        assert not list(await session.scalars(select(GoneFriend)))


async def test_the_language_is_asked_for_once(
    database: Database, city: City, clock: ManualClock
) -> None:
    await taken(database, city, [user(1), user(2)], clock.now())
    one = await resident(database, user(1))
    assert one is not None and one.id is not None
    async with database.writing() as session:
        assert await arrivals.ask_once(session, [one.id]) == {one.id}
    async with database.writing() as session:
        assert await arrivals.ask_once(session, [one.id]) == set()


async def run_import(
    database: Database,
    city: City,
    clock: ManualClock,
    file: Path,
    mapping: WordMapping | None = None,
    *,
    dry_run: bool = False,
) -> tuple[Imported, list[tuple[int, str]]]:
    said: list[tuple[int, str]] = []
    done = await import_file(
        database,
        city,
        clock,
        file,
        mapping or plain_mapping(city),
        actor="shell:it",
        dry_run=dry_run,
        complain=lambda line, sentence: said.append((line, str(sentence))),
    )
    return done, said


@pytest.fixture
def mapping(tmp_path: Path, city: City) -> WordMapping:
    file = tmp_path / "mapping.toml"
    file.write_text(MAPPING, encoding="utf-8")
    return read_mapping(file, city)


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8-sig", "\r\n"), ("cp932", "\r\n"), ("utf-16", "\n")]
)
async def test_a_file_as_excel_writes_it(
    database: Database,
    city: City,
    clock: ManualClock,
    tmp_path: Path,
    mapping: WordMapping,
    encoding: str,
    end: str,
) -> None:
    rows = [
        "ユーザーID,言語,情報区分,地区",
        f"{user(1)},ベトナム語,催し物、その他,北地区",
        f'"=""{user(2)}""",,,"みなみ・東"',
        f"{user(1)},ja,,",
        "=HYPERLINK(1),,,",
        f"U{'G' * 32},,,",
        ",,,",
        f"{user(3)},宇宙語,=cmd|' /C calc'!A0,北地区、みなみ",
        f"{user(4)}",
    ]
    file = tmp_path / "residents.csv"
    file.write_bytes(end.join(rows).encode(encoding))
    done, said = await run_import(database, city, clock, file, mapping)
    assert [line for line, _ in said] == [4, 5, 6]
    assert "line 2" in said[0][1]
    assert (done.rows, done.bad, done.duplicates, done.people, done.taken.new) == (7, 2, 1, 4, 4)
    assert dict(done.words["districts"].unknown) == {"みなみ・東": 1}
    assert dict(done.words["language"].unknown) == {"宇宙語": 1}
    assert dict(done.words["topics"].meant) == {"催し物": 1, "その他": 1}
    assert dict(done.chosen["topics"]) == {"events": 1, "": 3}
    assert dict(done.chosen["districts"]) == {"north": 2, "south": 1, "": 2}
    assert dict(done.chosen["language"]) == {"vi": 1, "": 3}
    async with database.reading() as session:
        found = {}
        for number in range(1, 5):
            row = await residents.find(session, user(number))
            assert row is not None and row.id is not None
            found[number] = await residents.preferences(session, city, row.id)
            assert row.ask_language is (number != 1)
    assert found[1].topics == {"evacuation": 0, "weather": 0, "lifeline": 0, "events": 0}
    assert (found[1].language, found[1].areas) == ("vi", ("north",))
    assert found[2].areas == ()  # a district that means nothing here: the whole city
    assert found[3].areas == ("north", "south")
    assert found[4].topics == {"evacuation": 0, "weather": 0, "lifeline": 0}


async def test_a_dry_run_says_the_same_and_changes_nothing(
    database: Database, city: City, clock: ManualClock, tmp_path: Path
) -> None:
    async with database.writing() as session:
        await residents.follow(session, city, user(1), "ja", clock.now())
    file = tmp_path / "ours.csv"
    file.write_text(
        f"user_id,language,topics,districts\n{user(1)},en,,\n{user(2)},pt-BR,events,north\n"
    )
    done, said = await run_import(database, city, clock, file, dry_run=True)
    assert (done.taken.new, done.taken.known, said, done.arrival_id) == (1, 1, [], None)
    assert await resident(database, user(2)) is None
    async with database.reading() as session:
        assert not list(await session.scalars(select(Arrival)))
    done, _ = await run_import(database, city, clock, file)
    assert (done.taken.new, done.taken.known) == (1, 1)
    made = await resident(database, user(2))
    assert made is not None and made.language == "pt"


async def test_a_file_with_one_answer_a_row(
    database: Database, city: City, clock: ManualClock, tmp_path: Path
) -> None:
    words = tmp_path / "mapping.toml"
    words.write_text(
        '[rows]\nuser_id = "userId"\nitem = "itemKey"\nvalue = "value"\n'
        'items = { area = "districts", topic = "topics" }\n'
        '[districts]\n"1" = "north"\n"2" = "south"\n[topics]\n"行事" = "events"\n'
    )
    file = tmp_path / "answers.csv"
    file.write_text(
        "itemKey,userId,value\n"
        f"area,{user(1)},1\nage,{user(1)},30代\ntopic,{user(2)},行事\narea,{user(1)},2\n"
    )
    done, said = await run_import(database, city, clock, file, read_mapping(words, city))
    assert (done.people, done.duplicates, said) == (2, 0, [])
    assert dict(done.unused) == {"age": 1}, "what no mapping names is told"
    async with database.reading() as session:
        one = await residents.find(session, user(1))
        assert one is not None and one.id is not None
        assert (await residents.preferences(session, city, one.id)).areas == ("north", "south")


ANSWERS = (
    # 受信設定 of LINE SMART CITY: radio, checkbox and pulldown items.
    "受付日時,ユーザーID,情報区分,地区,年代,性別\r\n"
    f"2023/03/01 10:00,{user(1)},防災・消防、ごみ,北地区,３０代,女性\r\n"
    f"2023/03/02 11:00,{user(2)},ごみ,ﾐﾅﾐ,,\r\n"
    f"2023/03/02 12:00,{user(3)},,,60代,\r\n"
)


async def test_answers_of_another_product_are_repeated_without_harm(
    database: Database, city: City, clock: ManualClock, tmp_path: Path
) -> None:
    """What residents chose here since stays, however often the file comes."""
    words = tmp_path / "mapping.toml"
    words.write_text(
        '[columns]\nuser_id = "ユーザーID"\ntopics = "情報区分"\ndistricts = "地区"\n'
        '[topics]\n"防災・消防" = ["weather", "lifeline"]\n"ごみ" = []\n'
        '[districts]\n"北地区" = "north"\n"ミナミ" = "south"\n'
    )
    file = tmp_path / "answers.csv"
    file.write_bytes(ANSWERS.encode("cp932"))
    words_of = read_mapping(words, city)
    looked, _ = await run_import(database, city, clock, file, words_of, dry_run=True)
    assert dict(looked.chosen["districts"]) == {"north": 1, "south": 1, "": 1}
    assert dict(looked.unused) == {"受付日時": 3, "年代": 2, "性別": 1}
    assert await resident(database, user(1)) is None
    await run_import(database, city, clock, file, words_of)
    async with database.writing() as session:
        chose = await residents.find(session, user(1))
        assert chose is not None and chose.id is not None
        await residents.choose_areas(session, city, chose.id, ["south"], clock.now())
        before = await residents.preferences(session, city, chose.id)
    again, _ = await run_import(database, city, clock, file, words_of)
    assert (again.taken.new, again.taken.known) == (0, 3)
    async with database.reading() as session:
        assert await residents.preferences(session, city, chose.id) == before


async def test_undo_removes_what_the_import_made_and_nobody_changed(
    database: Database, city: City, clock: ManualClock, tmp_path: Path
) -> None:
    async with database.writing() as session:
        await residents.follow(session, city, user(1), "ja", clock.now())
    file = tmp_path / "ours.csv"
    file.write_text("user_id\n" + "".join(f"{user(number)}\n" for number in range(1, 6)))
    done, _ = await run_import(database, city, clock, file)
    assert done.arrival_id is not None
    async with database.writing() as session:
        chose = await residents.find(session, user(2))
        assert chose is not None and chose.id is not None
        await residents.choose_language(session, city, chose.id, "en", clock.now())
        await residents.unfollow(session, city, user(3), clock.now())
        spoke = await residents.find(session, user(4))
        assert spoke is not None
        await residents.spoke(session, spoke, clock.now())
    async with database.writing() as session:
        assert await arrivals.undo(session, done.arrival_id, clock.now(), actor="shell:it") == (
            1,
            False,
        )
    async with database.reading() as session:
        left = list(await session.scalars(select(Resident.line_user_id).order_by(col(Resident.id))))
    assert left == [user(1), user(2), user(3), user(4)]
    # Nobody wished to be erased: the same file brings them again.
    again, _ = await run_import(database, city, clock, file)
    assert again.taken.new == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[topics]\n"防災" = "disaster"\n', "disaster"),
        ('[columns]\nuserid = "a"\n', "user_id"),
        ('[columns]\nuser_id = "a"\n[rows]\nuser_id = "b"\n', "not both"),
        ("[columns\n", "mapping.toml"),
    ],
)
def test_a_mapping_with_mistakes_is_refused(
    city: City, tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=sentence):
        read_mapping(file, city)


@pytest.mark.parametrize("content", [b"", b"name,age\na,3\n", b"user_id\n\xff\xfe\x81"])
async def test_a_file_that_is_no_list_of_users_is_refused(
    database: Database, city: City, clock: ManualClock, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "residents.csv"
    file.write_bytes(content)
    with pytest.raises(BadInput):
        await run_import(database, city, clock, file)
