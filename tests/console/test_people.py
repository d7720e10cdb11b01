"""People in a disaster: counts for everybody, a household's needs for those who answer them only,
followed to done, and gone after the time set (promises 5, 7 and 9)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select as select_rows
from sqlmodel import SQLModel, col, select

from app.retention import forget
from console import presets
from console.models import Role
from core.errors import BadInput
from response import cases, check_ins, modes, tasks
from response.households import AnswerPhoto, Told, tell
from response.models import (
    CaseState,
    CaseStep,
    Condition,
    DisasterMode,
    HouseholdCase,
    HouseholdNote,
    Need,
    Whereabouts,
)
from subscriptions import residents
from subscriptions.models import Resident
from tests.support.office import Browser, Office, Page

PEOPLE = "/console/people"
SECRET = "インスリンが切れた佐藤です"


async def number_of(office: Office, user: str) -> int:
    async with office.database.reading() as session:
        found = await residents.find(session, user)
        assert found is not None and found.id is not None
        return found.id


class Voice:
    """One household that answers, through the service's own door."""

    def __init__(self, office: Office, resident: int, drill: bool) -> None:
        self.office, self.resident, self.drill, self.ms = office, resident, drill, 0

    async def says(self, origin: str, **parts: Any) -> None:
        self.ms += 1
        async with self.office.database.writing() as session:
            await tell(
                session,
                self.resident,
                Told(origin, **parts),
                self.office.clock.now(),
                told_ms=self.ms,
                drill=self.drill,
                area=self.office.context.city.districts[0].code,
            )


async def household(office: Office, *, language: str = "ja", drill: bool = False) -> Voice:
    user = await office.resident(language)
    return Voice(office, await number_of(office, user), drill)


async def case_of(office: Office, voice: Voice) -> HouseholdCase:
    async with office.database.reading() as session:
        found = await session.scalar(
            select(HouseholdCase).where(
                col(HouseholdCase.resident_id) == voice.resident,
                col(HouseholdCase.drill).is_(voice.drill),
            )
        )
        assert found is not None
        return found


async def does(browser: Browser, case: HouseholdCase, do: str, **fields: Any) -> Page:
    """Fill in the form of a household's page and press one of its buttons."""
    address = f"{PEOPLE}/{case.id}"
    page = await browser.get(address)
    assert page.status == 200, page.words
    for form in page.tree.forms:
        buttons = set(form.xpath('.//button[@name="do"]/@value'))
        hidden = set(form.xpath('.//input[@name="do"]/@value'))
        if form.get("action") == address and do in buttons | hidden:
            return await browser.post(address, {**dict(form.form_values()), "do": do, **fields})
    raise AssertionError(f"no form does {do}: {page.words[:800]}")


async def test_a_need_is_followed_to_done_and_the_household_hears_of_it(office: Office) -> None:
    voice = await household(office, language="vi")
    await voice.says("a", condition=Condition.IN_NEED, people=3)
    await voice.says("a", need=(Need.MEDICINE, True))
    await voice.says("a", words=SECRET, words_message="m1")
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await browser.get(PEOPLE)
    assert "薬" in page.words and "3人" in page.words
    assert SECRET not in page.body, "words are on the household's own page"
    case = await case_of(office, voice)
    page = await does(browser, case, "mine")
    assert page.status == 200 and SECRET in page.words
    page = await does(browser, case, "note", words="電話で確認")
    page = await does(browser, case, "send", ready="coming")
    page = await does(browser, case, "done", words="薬を届けた")
    case = await case_of(office, voice)
    assert (case.state, case.person) == (CaseState.DONE, "sato@city.example")
    async with office.database.reading() as session:
        history = await cases.history(session, case.id or 0)
    assert [one.step for one in history] == [
        CaseStep.DONE,
        CaseStep.SENT,
        CaseStep.NOTED,
        CaseStep.TAKEN,
    ]
    sent = next(one for one in history if one.step is CaseStep.SENT)
    assert sent.delivery_id is not None
    await office.done(sent.delivery_id)
    async with office.database.reading() as session:
        user = (await session.get_one(Resident, voice.resident)).line_user_id
        assert user is not None
    [[message]] = office.received(user)
    assert presets.household_answer("coming", "vi") in message["text"]
    assert "訓練" not in message["text"]
    acts = [entry.action for entry in await office.audit()]
    assert [act for act in acts if act.startswith("household.")] == [
        "household.listed",
        "household.seen",
        "household.taken",
        "household.noted",
        "household.answered",
        "household.done",
    ]
    assert SECRET not in json.dumps([entry.detail for entry in await office.audit()])


async def test_what_got_worse_opens_the_case_again(office: Office) -> None:
    voice = await household(office)
    await voice.says("a", condition=Condition.SAFE)
    assert (await case_of(office, voice)).state is CaseState.NOTHING
    await voice.says("b", condition=Condition.IN_NEED)
    case = await case_of(office, voice)
    assert (case.state, case.urgency) == (CaseState.OPEN, cases.SOMETHING)
    browser = await office.at_desk(Role.DISASTER, "sato")
    await does(browser, case, "done", words="済")
    await voice.says("b", need=(Need.MEDICINE, True))
    case = await case_of(office, voice)
    assert (case.state, case.urgency) == (CaseState.OPEN, cases.MEDICINE)
    page = await browser.get(f"{PEOPLE}/{case.id}")
    assert "悪化" in page.words
    await does(browser, case, "mine")
    await voice.says("c", condition=Condition.EVACUATED)
    case = await case_of(office, voice)
    assert (case.state, case.urgency) == (CaseState.TAKEN, 0), "who is on the way sees it"
    page = await browser.get(f"{PEOPLE}/{case.id}")
    assert "無事の連絡がありました" in page.words
    await does(browser, case, "done")
    await voice.says("d", condition=Condition.SAFE)
    assert (await case_of(office, voice)).state is CaseState.DONE
    await voice.says("e", condition=Condition.CANNOT_MOVE)
    assert (await case_of(office, voice)).state is CaseState.OPEN


async def test_the_most_urgent_and_who_waits_longest_come_first(office: Office) -> None:
    made = []
    for condition, need in (
        (Condition.IN_NEED, Need.WATER),
        (Condition.CANNOT_MOVE, None),
        (Condition.IN_NEED, Need.MEDICINE),
        (Condition.CANNOT_MOVE, None),
        (Condition.SAFE, None),
    ):
        voice = await household(office)
        made.append(voice.resident)
        await voice.says("a", condition=condition)
        if need:
            await voice.says("a", need=(need, True))
    async with office.database.reading() as session:
        found = await cases.households(session, cases.CaseFilter(drill=False), most=10)
        medicine = await cases.households(
            session, cases.CaseFilter(drill=False, need=Need.MEDICINE), most=10
        )
        safe = await cases.households(
            session, cases.CaseFilter(drill=False, states=(CaseState.NOTHING,)), most=10
        )
    assert [made.index(one.case.resident_id) for one in found] == [1, 3, 2, 0]
    assert [made.index(one.case.resident_id) for one in medicine] == [2]
    assert [made.index(one.case.resident_id) for one in safe] == [4]


async def test_two_people_do_not_take_one_household(office: Office) -> None:
    voice = await household(office)
    await voice.says("a", condition=Condition.CANNOT_MOVE)
    case = await case_of(office, voice)
    sato = await office.at_desk(Role.DISASTER, "sato")
    ito = await office.at_desk(Role.DISASTER, "ito")
    address = f"{PEOPLE}/{case.id}"
    fields = (await ito.get(address)).form(address) | {"do": "mine"}
    await does(sato, case, "mine")
    page = await ito.post(address, fields)
    assert page.status == 400 and "更新されました" in page.words
    assert (await case_of(office, voice)).person == "sato@city.example"


async def test_the_same_form_sends_one_message(office: Office) -> None:
    voice = await household(office, language="pt")
    await voice.says("a", condition=Condition.CANNOT_MOVE)
    case = await case_of(office, voice)
    browser = await office.at_desk(Role.DISASTER, "sato")
    address = f"{PEOPLE}/{case.id}"
    page = await browser.get(address)
    [form] = page.tree.xpath('//form[.//input[@name="do"][@value="send"]]')
    fields = {**dict(form.form_values()), "answer": "消防が向かいます。"}
    for _ in range(2):
        assert (await browser.post(address, fields)).status == 200
    [delivery] = await office.deliveries()
    assert not delivery.respects_quiet, "the answer to a call for help does not wait for morning"
    await office.done(delivery.id or 0)
    [note] = await office.rows(HouseholdNote)
    assert presets.CATALOGUE.text("pt", presets.WRITTEN_IN_JAPANESE) in note.words
    page = await browser.post(address, fields | {"key": "another", "answer": "", "ready": "go"})
    assert page.status == 400, "the answer that names a site needs one"


async def test_names_and_needs_are_for_those_who_answer_them(office: Office) -> None:
    voice = await household(office)
    await voice.says("a", condition=Condition.CANNOT_MOVE)
    await voice.says("a", words=SECRET, words_message="m1")
    await voice.says("a", photo=AnswerPhoto("0" * 64, 10, 10, 100))
    async with office.database.writing() as session:
        await check_ins.check_in(
            session,
            voice.resident,
            office.folder.shelters[0].code,
            office.clock.now(),
            drill=False,
        )
        task = await tasks.ask(
            session,
            office.context.city,
            tasks.Asked(
                title=SECRET,
                origin="t",
                to_department=office.context.city.departments[0].code,
                case_id=(await case_of(office, voice)).id,
            ),
            office.clock.now(),
            drill=False,
            actor="test",
        )
    case = await case_of(office, voice)
    async with office.database.reading() as session:
        [photo] = await cases.photos_of(session, case)
    for role in (Role.ROADS, Role.EDITOR, Role.VIEWER):
        browser = await office.at_desk(role, f"{role.value}")
        page = await browser.get(f"{PEOPLE}?state=all")
        assert page.status == 200 and "動けない" in page.words, "everybody sees the counts"
        assert not page.tree.xpath('//table[contains(@class, "people")]')
        assert f"{PEOPLE}/{case.id}" not in page.body
        for address in (
            f"{PEOPLE}/{case.id}",
            f"{PEOPLE}/{case.id}/photos/{photo.id}",
        ):
            assert (await browser.get(address)).status == 403
        assert (await browser.get(f"/console/tasks/{task.id}")).status == 404
        for address in (
            "/console/tasks?state=all",
            "/console/",
            f"{PEOPLE}/live",
            "/console/record",
        ):
            assert SECRET not in (await browser.get(address)).body
        places = json.loads((await browser.get(f"{PEOPLE}/map.json")).body)
        assert SECRET not in json.dumps(places, ensure_ascii=False)
        assert all("household" not in str(one) for one in places["features"]["features"])
    assert not [one for one in await office.audit() if one.action == "household.seen"]
    desk = await office.at_desk(Role.DISASTER, "sato")
    assert SECRET in (await desk.get(f"/console/tasks/{task.id}")).body
    assert SECRET not in (await desk.get("/console/record")).body, "the record is handed on"


async def test_each_view_is_in_the_trail_once_a_sitting(office: Office) -> None:
    voice = await household(office)
    await voice.says("a", condition=Condition.CANNOT_MOVE)
    case = await case_of(office, voice)
    browser = await office.at_desk(Role.DISASTER, "sato")
    for _ in range(3):
        await browser.get(f"{PEOPLE}/{case.id}")
        await browser.get(f"{PEOPLE}/live")

    async def seen() -> list[tuple[str, str]]:
        return [
            (one.actor, one.subject)
            for one in await office.audit()
            if one.action == "household.seen"
        ]

    assert await seen() == [("sato@city.example", f"household:{case.id}")]
    again = await office.browser()
    await again.sign_in("sato@city.example")
    await again.get(f"{PEOPLE}/{case.id}")
    other = await office.at_desk(Role.ADMIN, "ito")
    await other.get(f"{PEOPLE}/{case.id}")
    assert [who for who, _ in await seen()] == ["sato@city.example"] * 2 + ["ito@city.example"]


async def test_real_and_drill_households_are_never_together(office: Office) -> None:
    user = await office.resident("en")
    number = await number_of(office, user)
    await Voice(office, number, False).says("a", condition=Condition.SAFE)
    drill = Voice(office, number, True)
    await drill.says("b", condition=Condition.CANNOT_MOVE)
    browser = await office.at_desk(Role.DISASTER, "sato")
    case = await case_of(office, drill)
    link = f"{PEOPLE}/{case.id}"
    assert link not in (await browser.get(f"{PEOPLE}?world=real&state=all")).body
    page = await browser.get(f"{PEOPLE}?world=drill&state=all")
    assert link in page.body and "is-drill" in page.tree.xpath("//body")[0].get("class")
    await does(browser, case, "send", ready="coming")
    [delivery] = await office.deliveries()
    assert delivery.respects_quiet, "a drill wakes nobody"
    await office.done(delivery.id or 0)
    [[message]] = office.received(user)
    assert message["text"].startswith("[DRILL]") or message["text"].startswith("【")
    assert (await case_of(office, Voice(office, number, False))).state is CaseState.NOTHING


async def dumped(office: Office) -> str:
    """Return every row of every table as text."""
    parts = []
    async with office.database.reading() as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in await session.execute(select_rows(table)):
                parts += [
                    value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    for value in row
                ]
    return "\n".join(parts)


@pytest.mark.parametrize("erased", ["by the time set", "by the resident"])
async def test_nothing_of_a_household_stays(office: Office, erased: str) -> None:
    voice = await household(office)
    await voice.says("a", condition=Condition.CANNOT_MOVE, whereabouts=Whereabouts.HOME)
    await voice.says("a", words=f"{SECRET}1", words_message="m1")
    await voice.says("a", photo=AnswerPhoto("ab" * 32, 10, 10, 100, "m2"))
    case = await case_of(office, voice)
    browser = await office.at_desk(Role.DISASTER, "sato")
    await does(browser, case, "note", words=f"{SECRET}2")
    await does(browser, case, "send", answer=f"{SECRET}3")
    page = await browser.get(f"/console/tasks?about=household:{case.id}")
    department = office.context.city.departments[0].code
    fields = {"title": f"{SECRET}4", "words": f"{SECRET}5", "to": department}
    form = page.tree.get_element_by_id("ask")
    await browser.post("/console/tasks", {**dict(form.form_values()), **fields})
    await does(browser, case, "done", words=f"{SECRET}6")
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    before = await dumped(office)
    assert [n for n in range(1, 7) if f"{SECRET}{n}" not in before] == []
    if erased == "by the time set":
        office.clock.ahead += timedelta(days=office.context.city.retention.safety_answers - 1)
        await forget(office.context)
        assert f"{SECRET}1" in await dumped(office)
        office.clock.ahead += timedelta(days=1, minutes=1)
        await forget(office.context)
    else:
        from channels.forget import forget_personal

        async with office.database.writing() as session:
            await forget_personal(session, [voice.resident])
            await residents.erase(session, office.context.city, voice.resident, office.clock.now())
    after = await dumped(office)
    assert SECRET not in after
    assert "ab" * 32 not in after
    assert not await office.rows(HouseholdCase)


async def test_a_person_who_is_not_there_cannot_be_named(office: Office) -> None:
    voice = await household(office)
    await voice.says("a", condition=Condition.CANNOT_MOVE)
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await does(browser, await case_of(office, voice), "take", person="x@y", department="")
    assert page.status == 400
    async with office.database.writing() as session:
        case = await cases.locked(session, (await case_of(office, voice)).id or 0, None)
        with pytest.raises(BadInput):
            await cases.reopen(session, case, "", office.clock.now(), actor="sato")


async def test_nothing_of_a_drill_goes_to_residents_in_a_drill_of_staff_or_when_it_is_real(
    office: Office,
) -> None:
    """What an earlier drill with residents left is still on the list."""
    voice = await household(office, drill=True)
    await voice.says("a", condition=Condition.IN_NEED)
    case = await case_of(office, voice)
    browser = await office.at_desk(Role.DISASTER, "sato")
    now = office.clock.now()
    mode = DisasterMode(drill=True, staff_only=True, began_at=now, began_by="sato")
    await office.store(mode)
    page = await does(browser, case, "send", ready="coming")
    assert page.status == 400 and "住民には何も送れません" in page.words
    async with office.database.writing() as session:
        city = office.context.city
        await modes.begin(session, city, (), now, drill=False, actor="sato")
    page = await does(browser, case, "send", ready="coming")
    assert page.status == 400 and "今は本番です" in page.words
    assert await office.deliveries() == []
