"""Members of staff on a city hall's list, and what they do with their phones."""

from __future__ import annotations

import asyncio

from bot.dialogues.kinds import Pressed
from bot.messages import decode_postback
from bot.staff_chat import StaffChat
from response.joining import Codes
from response.models import StaffMessage
from tests.support.office import Browser, Office, Page
from tests.support.town import find_action, words_in

LIST = (
    "氏名,部署,メール,班\n"
    "佐藤 花子,危機管理課,sato@city.example,第1配備\n"
    "鈴木 次郎,道路課,suzuki@city.example,\n"
    "高橋 三郎,道路課,,第1配備\n"
)


async def listed(desk: Browser, text: str = LIST) -> Page:
    """Take over a list of staff."""
    page = await desk.get("/console/call-up/staff")
    return await desk.submit(page, "/console/call-up/staff/import", list=text)


async def join(office: Office, member_id: int) -> str:
    """Join a member with a phone, as the chat does; return the LINE user id."""
    user = await office.resident()
    async with office.database.writing() as session:
        codes = Codes(office.context.settings.secret_key)
        code = await codes.make(session, member_id, office.clock.now(), actor="t")
        await codes.join(session, code, user, office.clock.now())
    return user


async def sent(office: Office, number: int) -> None:
    """Wait until so many messages to staff were taken."""
    async with asyncio.timeout(10):
        while True:
            messages = await office.rows(StaffMessage)
            if len(messages) >= number and all(m.state.value == "sent" for m in messages):
                return
            await asyncio.sleep(0.02)


async def presses(office: Office, user: str, label: str) -> str:
    """Press a button of the last message on a phone; return what the city answers."""
    action = find_action(office.received(user)[-1], label)
    do, values = decode_postback(action["data"])
    chat = StaffChat(office.context.city, Codes(office.context.settings.secret_key))
    async with office.database.writing() as session:
        said = await chat.answer(session, Pressed(do, values), user, "ja", office.clock.now())
    return words_in(said)
