"""A resident talks to a person: one thread, one colleague, each answer once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from alerts.chat import desk as acts
from alerts.chat.models import ChatMessage, ChatThread, ThreadState
from app.chat_jobs import alarm, translate_new
from app.retention import forget
from bot.my_data import kept_of
from channels.line.medium import LINE
from console.models import Role
from core.database import Database
from response.models import StaffMember, StaffMessage
from simulator.line.faults import FaultPlan
from simulator.line.phones import Content
from subscriptions.models import Resident
from subscriptions.residents import find
from tests.support.chat_desk import RULES, ChatDesk, chat_desk
from tests.support.chats import a_photo
from tests.support.office import Browser, Page
from tests.support.town import words_in
from tests.support.translator import translator

LIST = "/console/chat"


@pytest.fixture
async def hall(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatDesk]:
    async with chat_desk(database, tmp_path, monkeypatch) as made:
        yield made


async def thread_of(hall: ChatDesk) -> ChatThread:
    async with hall.office.database.reading() as session:
        return (await session.scalars(select(ChatThread))).one()


async def messages(hall: ChatDesk) -> list[tuple[str, str]]:
    return [(one.side.value, one.text) for one in await hall.office.rows(ChatMessage)]


async def sent(hall: ChatDesk) -> None:
    """Wait until all deliveries have ended."""
    for delivery in await hall.office.deliveries():
        await hall.office.done(delivery.id or 0)


async def taken(desk: Browser) -> Page:
    page = await desk.get(f"{LIST}/1")
    return await desk.submit(page, f"{LIST}/1", do="take")


async def say(desk: Browser, page: Page, text: str, **more: str) -> Page:
    fields = {"csrf": page.form(f"{LIST}/1")["csrf"], "text": text, "do": "say", **more}
    return await desk.post(f"{LIST}/1", fields)


async def test_a_resident_writes_a_colleague_answers_and_the_bot_keeps_quiet(
    hall: ChatDesk,
) -> None:
    user = await hall.resident("en")
    begun = await hall.begins(user)
    assert "A person of the city will answer you here" in begun and "End the chat" in begun
    assert await hall.says(user, "How do I register my dog?") == []
    assert await hall.says(user, "collection days") == [], "the bot keeps quiet"
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    listed = await desk.get(LIST)
    assert "チャット 1" in listed.words and user not in listed.body
    page = await taken(desk)
    assert "How do I register my dog?" in page.words and user not in page.body
    page = await say(desk, page, "At the citizens' desk.", key="k1")
    assert page.status == 200, page.words
    await sent(hall)
    assert hall.heard(user)[-1]["text"] == "At the citizens' desk."
    assert "届きました" in (await desk.get(f"{LIST}/1/live")).words
    again = await say(desk, page, "At the citizens' desk.", key="k1")
    assert again.status == 200
    await sent(hall)
    assert words_in(hall.heard(user)).count("citizens' desk") == 1, "the same form sends once"
    page = await desk.post(f"{LIST}/1", {"csrf": page.form(f"{LIST}/1")["csrf"], "do": "close"})
    await sent(hall)
    assert "The chat has ended" in words_in(hall.heard(user)[-1:])
    assert (await thread_of(hall)).state is ThreadState.CLOSED
    assert await hall.says(user, "collection days"), "the conversation answers again"
    done = [one.action for one in await hall.office.audit() if one.action.startswith("chat.")]
    assert done == ["chat.read", "chat.taken", "chat.answered", "chat.closed"]


async def test_two_press_at_once_and_the_other_sees_who_has_it(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    one = await hall.office.at_desk(Role.EDITOR, "one")
    two = await hall.office.at_desk(Role.EDITOR, "two")
    first, second = await one.get(f"{LIST}/1"), await two.get(f"{LIST}/1")
    pages = await asyncio.gather(
        one.submit(first, f"{LIST}/1", do="take"), two.submit(second, f"{LIST}/1", do="take")
    )
    assert sorted(page.status for page in pages) == [200, 400]
    [lost] = [page for page in pages if page.status == 400]
    owner = (await thread_of(hall)).taken_by
    assert owner in lost.words
    loser, seen = (two, second) if owner.startswith("one") else (one, first)
    refused = await say(loser, seen, "私が答えます")
    assert refused.status == 400 and not [m for m in await messages(hall) if m[0] == "staff"]


async def test_it_is_handed_over_and_given_back(hall: ChatDesk) -> None:
    await hall.begins(await hall.resident())
    one = await hall.office.at_desk(Role.EDITOR, "one")
    email = await hall.office.hire(Role.EDITOR, "two")
    await hall.office.hire(Role.VIEWER, "viewer")
    page = await taken(one)
    token = page.form(f"{LIST}/1")["csrf"]
    nobody = await one.post(
        f"{LIST}/1", {"csrf": token, "do": "hand-over", "to": "viewer@city.example"}
    )
    assert nobody.status == 400
    given = await one.post(f"{LIST}/1", {"csrf": token, "do": "hand-over", "to": email})
    assert given.status == 200, given.words
    assert (await thread_of(hall)).taken_by == email
    refused = await say(one, page, "まだ私です")
    assert refused.status == 400


async def test_the_resident_ends_it_by_a_word(hall: ChatDesk) -> None:
    user = await hall.resident("my")
    await hall.begins(user)
    news = await hall.says(user, "စကားပြောခန်း ပိတ်ရန်")
    assert "စကားပြောခန်း ပြီးဆုံးပါပြီ" in words_in(news)
    assert (await thread_of(hall)).closed_by == "resident"
    assert "ဝန်ထမ်း" in await hall.begins(user), "and begins another one"
    assert len(await hall.office.rows(ChatThread)) == 2


async def test_a_cry_for_help_shows_119_and_marks_the_thread(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    news = await hall.says(user, "助けて")
    assert "119" in str(news)
    assert (await thread_of(hall)).urgent
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    assert "助けを求める言葉" in (await desk.get(LIST)).words


async def test_an_event_that_comes_twice_is_one_message(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    simulator = hall.office.simulator
    event = simulator.phones.send_text(user, "犬の登録は？")
    await hall.settle()
    simulator.webhooks.send_again(event)
    await hall.settle()
    assert (await messages(hall)).count(("resident", "犬の登録は？")) == 1
    assert await hall.presses(user, "do=chat-begin"), "pressed again"
    assert len(await hall.office.rows(ChatThread)) == 1, "one thread a resident"


async def test_photos_are_kept_safely_and_shown_to_the_desk_only(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    photo = Content(a_photo(place=True), "image/jpeg")
    hall.office.simulator.phones.send_media(user, "image", photo)
    await hall.settle()
    [kept] = await hall.office.rows(ChatMessage)
    assert kept.sha256
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    shown = await desk.http.get(f"{hall.office.url}{LIST}/1/photos/{kept.id}")
    assert shown.status == 200 and shown.content_type == "image/jpeg"
    assert b"A camera" not in await shown.read()
    viewer = await hall.office.at_desk(Role.VIEWER, "viewer")
    refused = await viewer.http.get(f"{hall.office.url}{LIST}/1/photos/{kept.id}")
    assert refused.status == 403


async def test_out_of_hours_it_says_when_a_person_answers_again(hall: ChatDesk) -> None:
    user = await hall.resident("en")
    hall.office.clock.ahead += timedelta(hours=9)  # nine in the evening of a Monday
    news = await hall.presses(user, "do=ask&what=person")
    assert "Tue, Jun 16 08:30" in words_in(news)
    news = await hall.presses(user, "do=chat-begin")
    assert "Tue, Jun 16 08:30" in words_in(news) and not await hall.office.rows(ChatThread)


async def test_idle_threads_close_with_a_message_and_waiting_ones_do_not(hall: ChatDesk) -> None:
    user, other = await hall.resident(), await hall.resident()
    await hall.begins(user)
    await hall.begins(other)
    await hall.says(other, "まだ待っています")
    now = hall.office.clock.now() + timedelta(minutes=61)
    means = acts.Means(hall.office.context.queue, LINE)
    assert await acts.close_idle(hall.office.database, means, 60, now) == 1
    assert await acts.close_idle(hall.office.database, means, 60, now) == 0
    await sent(hall)
    assert "しばらくお返事がなかった" in words_in(hall.heard(user)[-1:])
    states = [one.state for one in await hall.office.rows(ChatThread)]
    assert states == [ThreadState.CLOSED, ThreadState.WAITING]


async def test_the_desk_is_told_once_of_who_waits_too_long(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    await hall.says(user, "誰かいますか")
    now = hall.office.clock.now()
    await hall.office.store(
        StaffMember(
            name="佐藤",
            department="crisis",
            mail="sato@city.example",
            language="ja",
            added_at=now,
            changed_at=now,
        )
    )
    rules = RULES.model_copy(update={"departments": ("crisis",)})
    context = hall.office.context
    assert await alarm(context, rules, now + timedelta(minutes=9)) == 0
    late = now + timedelta(minutes=11)
    assert [await alarm(context, rules, late), await alarm(context, rules, late)] == [1, 0]
    [told] = await hall.office.rows(StaffMessage)
    assert "11分" in str(told.content) and "誰か" not in str(told.content)


async def test_a_translation_with_other_numbers_is_not_kept(hall: ChatDesk) -> None:
    user = await hall.resident("en")
    await hall.begins(user)
    await hall.says(user, "I live in room 12")

    class Machine:
        name = "wrong"

        async def readable(self) -> frozenset[str]:
            return frozenset({"en"})

        async def into_japanese(self, texts: Sequence[str], language: str) -> list[str]:
            return ["21号室に住んでいます" for _ in texts]

    office = hall.office
    assert await translate_new(office.database, Machine(), office.clock) == 0
    [kept] = await office.rows(ChatMessage)
    assert (kept.japanese, kept.translated_by) == ("", "none")
    assert await translate_new(office.database, Machine(), office.clock) == 0, "asked once"


async def test_a_machine_drafts_the_answer_and_the_mark_stays(hall: ChatDesk) -> None:
    user = await hall.resident("en")
    await hall.begins(user)
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    page = await taken(desk)
    async with translator(hall.office, {"en": "At the desk."}):
        token = page.form(f"{LIST}/1")["csrf"]
        fields = {"csrf": token, "do": "draft", "japanese": "窓口です。", "key": "d1"}
        page = await desk.post(f"{LIST}/1", fields)
    assert "At the desk." in page.words and "機械の下書き" in page.words
    made = page.tree.xpath("//input[@name='made']/@value")[0]
    page = await say(desk, page, "At the desk.", japanese="窓口です。", made=made, key="d1")
    [answer] = [one for one in await hall.office.rows(ChatMessage) if one.side.value == "staff"]
    assert (answer.origin, answer.japanese, answer.text) == (
        "machine",
        "窓口です。",
        "At the desk.",
    )
    page = await say(desk, page, "At desk 3.", japanese="窓口です。", made=made, key="d2")
    last = (await hall.office.rows(ChatMessage))[-1]
    assert last.origin == "changed"


async def test_a_ready_answer_is_put_in_in_the_residents_language(hall: ChatDesk) -> None:
    await hall.begins(await hall.resident("my"))
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    page = await taken(desk)
    token = page.form(f"{LIST}/1")["csrf"]
    page = await desk.post(f"{LIST}/1", {"csrf": token, "do": "ready", "ready": "wait"})
    assert "ခဏစောင့်ပါ။" in page.words and "少しお待ちください。" in page.words


async def test_who_has_blocked_the_account_gets_nothing_and_staff_are_told(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    page = await taken(desk)
    hall.office.simulator.phones.block(user)
    await hall.settle()
    page = await say(desk, page, "こんにちは")
    assert page.status == 400 and "ブロック" in page.words and "こんにちは" in page.body


async def test_a_quick_answer_is_a_reply_and_costs_no_message(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    page = await taken(desk)
    await hall.says(user, "犬の登録は？")
    before = len(await hall.office.deliveries())
    for _ in range(2):
        await say(desk, page, "市民課です。", key="k1")
    await hall.settle()
    assert words_in(hall.heard(user)).count("市民課です。") == 1
    assert len(await hall.office.deliveries()) == before
    assert "届きました" in (await desk.get(f"{LIST}/1")).words
    # The token is used; and a late answer is pushed.
    await say(desk, page, "2階です。", key="k2")
    await hall.says(user, "何時まで？")
    hall.office.clock.ahead += timedelta(seconds=41)
    await say(desk, page, "5時です。", key="k3")
    await sent(hall)
    assert [one["text"] for one in hall.heard(user)[-2:]] == ["2階です。", "5時です。"]
    assert len(await hall.office.deliveries()) == before + 2


async def test_each_answer_arrives_once_though_line_refuses_fails_and_forgets(
    hall: ChatDesk,
) -> None:
    user = await hall.resident()
    await hall.begins(user)
    desk = await hall.office.at_desk(Role.EDITOR, "editor")
    page = await taken(desk)
    before = len(hall.heard(user))
    plan = "429=20%,5xx-before=10%,5xx-after=20%,drop-after=20%,only=push,seed=5"
    hall.office.simulator.faults = FaultPlan.parse(plan)
    for n in range(6):
        assert (await say(desk, page, f"返事{n}", key=f"k{n}")).status == 200
    await sent(hall)
    arrived = [one["text"] for one in hall.heard(user)[before:]]
    assert sorted(arrived) == [f"返事{n}" for n in range(6)]


async def test_it_is_in_the_residents_file_and_goes_with_them_and_in_time(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    await hall.says(user, "秘密のことば")
    office = hall.office
    async with office.database.reading() as session:
        resident = await find(session, user)
        assert resident is not None
        kept = await kept_of(session, office.context.city, resident, office.clock.now())
    assert "秘密のことば" in str(kept["kept"]["chat_messages"])
    await hall.presses(user, "do=erase-yes")
    assert not await office.rows(ChatThread) and not await office.rows(ChatMessage)
    other = await hall.resident()
    await hall.begins(other)
    async with office.database.writing() as session:
        thread = await session.scalar(
            select(ChatThread)
            .join(Resident, col(Resident.id) == col(ChatThread.resident_id))
            .where(col(Resident.line_user_id) == other)
            .with_for_update(of=ChatThread)
        )
        assert thread is not None
        await acts.resident_ends(session, thread, office.clock.now())
    office.clock.ahead += timedelta(days=89)
    await forget(office.context)
    assert len(await office.rows(ChatThread)) == 1
    office.clock.ahead += timedelta(days=2)
    await forget(office.context)
    assert not await office.rows(ChatThread)


async def test_a_message_that_is_taken_back_goes(hall: ChatDesk) -> None:
    user = await hall.resident()
    await hall.begins(user)
    await hall.says(user, "まちがい")
    [kept] = await hall.office.rows(ChatMessage)
    hall.office.simulator.phones.unsend(user, kept.message_id)
    await hall.settle()
    assert not await hall.office.rows(ChatMessage)


async def test_only_the_desks_departments_see_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = RULES.model_copy(update={"departments": ("waste",)})
    async with chat_desk(database, tmp_path, monkeypatch, rules) as hall:
        await hall.begins(await hall.resident())
        code = next(one.code for one in hall.office.context.city.departments)
        outside = await hall.office.at_desk(Role.DEPARTMENT, "outside", code)
        assert (await outside.get(f"{LIST}/1")).status == (200 if code == "waste" else 403)
        admin = await hall.office.at_desk(Role.ADMIN, "admin")
        assert (await admin.get(f"{LIST}/1")).status == 200


async def test_a_city_without_a_desk_offers_none(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat_desk(database, tmp_path, monkeypatch, None) as hall:
        user = await hall.resident("en")
        news = await hall.presses(user, "do=ask&what=person")
        assert "call or visit the city hall" in words_in(news)
        assert "chat-begin" not in str(news)
        await hall.presses(user, "do=chat-begin")
        assert not await hall.office.rows(ChatThread)
