"""Members of staff join by a code in the chat, stay residents, answer call-ups, and leave."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import SQLModel, func, select

from core.work import NoWorkers
from response import call_ups, staff
from response.answer_links import AnswerLinks
from response.call_ups import Call, Means
from response.joining import MOST_WRONG, VALID, Codes, typed_code
from response.models import CalledMember, StaffAnswer, StaffCode, StaffLineLink
from response.staff import Entry
from response.words import CHOICES
from tests.support.town import Town, words_in


async def entered(town: Town, name: str = "佐藤 花子", mail: str = "") -> tuple[int, str]:
    """Put somebody on the list; return their number and code."""
    context = town.context
    async with town.database.writing() as session:
        now = context.clock.now()
        member = await staff.add(
            session, town.city, Entry(name, "crisis", mail), now, actor="a@city.example"
        )
        assert member.id is not None
        codes = Codes(context.settings.secret_key)
        return member.id, await codes.make(session, member.id, now, actor="a@city.example")


async def joined(town: Town, user: str, code: str) -> None:
    await town.taps(user, await town.says(user, code), "staff-join")


async def links(town: Town) -> int:
    async with town.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(StaffLineLink)) or 0


def means(town: Town) -> Means:
    settings = town.context.settings
    # The town sends no messages to staff.
    return Means(NoWorkers(), AnswerLinks(settings.secret_key, settings.public_url))


async def test_a_colleague_joins_by_their_code_and_stays_the_resident_they_were(
    town: Town,
) -> None:
    _, code = await entered(town)
    user = town.newcomer()
    await town.follows(user)
    before, talk = await town.preferences(user), await town.dialogue(user)
    asked = await town.says(user, f"　{code.lower()} ")
    assert "佐藤 花子さん（危機管理課）ですか" in words_in(asked)
    assert await links(town) == 0, "nobody is joined before they said yes"
    said = await town.taps(user, asked, "staff-join")
    assert "佐藤 花子さんとして職員名簿に登録しました" in words_in(said)
    assert await links(town) == 1
    assert await town.preferences(user) == before
    after = await town.dialogue(user)
    assert (after.name, after.step, after.data) == (talk.name, talk.step, talk.data)


async def test_every_wrong_code_has_its_answer_in_the_persons_language(town: Town) -> None:
    member, code = await entered(town)
    first, second = town.newcomer("ja"), town.newcomer("en")
    await town.follows(first)
    await town.follows(second)
    await town.says(second, "English")
    wrong = await town.says(second, "STAFF-AAAA-AAAA")
    assert "This code is not valid" in words_in(wrong)
    await joined(town, first, code)
    assert "すでに佐藤 花子さんとして" in words_in(await town.says(first, code))
    assert "This code was used before" in words_in(await town.says(second, code))
    _, other = await entered(town, "鈴木 次郎")
    assert "先に職員名簿の登録を解除" in words_in(await town.says(first, other))
    assert await links(town) == 1
    _, old = await entered(town, "高橋 三郎")
    async with town.database.writing() as session:
        for stored in await session.scalars(select(StaffCode)):
            stored.expires_at -= VALID + timedelta(days=1)
    assert "too old" in words_in(await town.says(second, old))
    assert member


async def test_nobody_can_guess_codes_for_long_and_the_right_one_waits_too(town: Town) -> None:
    _, code = await entered(town)
    user = town.newcomer()
    await town.follows(user)
    for number in range(MOST_WRONG):
        said = await town.says(user, f"STAFF-AAAA-{number:04d}")
        assert "正しくありません" in words_in(said)
    assert "1時間後に" in words_in(await town.says(user, code))
    honest = town.newcomer()
    await town.follows(honest)
    assert "ですか" in words_in(await town.says(honest, code))


async def test_who_leaves_the_list_or_blocks_the_account_is_unlinked(town: Town) -> None:
    user = town.newcomer()
    await town.follows(user)
    member, code = await entered(town)
    await joined(town, user, code)
    listed = await town.says(user, "staff")
    assert "佐藤 花子さん（危機管理課）として登録" in words_in(listed)
    left = await town.taps(user, listed, "staff-leave")
    assert "登録を解除しました" in words_in(left)
    assert await links(town) == 0
    async with town.database.writing() as session:
        codes = Codes(town.context.settings.secret_key)
        now = town.context.clock.now()
        code = await codes.make(session, member, now, actor="a@city.example")
    await joined(town, user, code)
    assert await links(town) == 1
    town.simulator.phones.block(user)
    await town.settle()
    assert await links(town) == 0


async def test_who_has_their_data_erased_is_unlinked_too(town: Town) -> None:
    user = town.newcomer()
    await town.follows(user)
    _, code = await entered(town)
    await joined(town, user, code)
    shown = await town.says(user, "私のデータ")
    asked = await town.taps(user, shown, "erase")
    await town.taps(user, asked, "erase-yes")
    assert await links(town) == 0


async def test_a_resident_who_writes_staff_is_answered_as_a_resident(town: Town) -> None:
    user = town.newcomer()
    await town.follows(user)
    said = words_in(await town.says(user, "staff"))
    assert "名簿" not in said and said


async def test_a_colleague_answers_by_a_button_and_changes_the_answer(town: Town) -> None:
    user = town.newcomer()
    await town.follows(user)
    member, code = await entered(town)
    await joined(town, user, code)
    async with town.database.writing() as session:
        call_up = await call_ups.begin(
            session,
            means(town),
            town.city,
            Call(drill=True, words="震度６弱。市役所３階へ。"),
            town.context.clock.now(),
            actor="a@city.example",
        )
        found = await staff.members(session)
        words = call_ups.words_for(means(town).links, call_up, found[0])
    assert [b.label for b in words.buttons][1] == "参集します（30分以内）"
    number = call_up.id
    for choice, answer in (("coming-30", StaffAnswer.COMING), ("cannot", StaffAnswer.CANNOT)):
        data = f"do=staff-answer&call={number}&answer={choice}"
        town.simulator.phones.tap(user, {"type": "postback", "data": data, "label": "x"})
        said = words_in(await town.news(user))
        assert said.startswith("【訓練】") and "記録しました" in said
        async with town.database.reading() as session:
            called = await session.get_one(CalledMember, (number, member))
        assert (called.answer, called.minutes) == (answer, CHOICES[choice].minutes)
        assert called.answered_by == "line"
    stranger = town.newcomer()
    await town.follows(stranger)
    town.simulator.phones.tap(
        stranger,
        {"type": "postback", "data": f"do=staff-answer&call={number}&answer=safe", "label": "x"},
    )
    assert "職員名簿に登録されていません" in words_in(await town.news(stranger))
    async with town.database.writing() as session:
        await call_ups.end(
            session,
            means(town),
            number or 0,
            town.context.clock.now(),
            actor="a@city.example",
            tell_them=False,
        )
    data = f"do=staff-answer&call={number}&answer=safe"
    town.simulator.phones.tap(user, {"type": "postback", "data": data, "label": "x"})
    assert "終了しました" in words_in(await town.news(user))


def test_a_code_is_read_as_people_type_it_and_nothing_else_is_a_code() -> None:
    for typed in (
        "STAFF-ABCD-2345",
        "ｓｔａｆｆ－ａｂｃｄ－２３４５",
        " staff abcd 2345".replace(" a", "-a"),
    ):
        assert typed_code(typed) == "STAFF-ABCD-2345", typed
    for other in ("staff", "STAFF-ABC", "", "STAFF-ABCD-2345 です", "職員"):
        assert typed_code(other) is None, other


def test_the_list_is_apart_from_residents() -> None:
    """No table of staff refers to a resident."""
    for name in ("staff_members", "staff_line_links", "staff_messages", "called_members"):
        keys = SQLModel.metadata.tables[name].foreign_keys
        assert {key.column.table.name for key in keys} <= {"staff_members", "call_ups"}
