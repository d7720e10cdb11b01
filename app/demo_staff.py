"""The demo's list of staff to call: a dozen in three departments, two with a phone."""

from __future__ import annotations

from city.context import Context
from response import staff
from response.joining import Codes
from response.staff import Entry
from simulator.line.client import SimulatorClient

ACTOR = "rule:demo"
PEOPLE = (
    ("佐藤 花子", "crisis", "disaster", "第1配備"),
    ("鈴木 次郎", "crisis", "colleague", "第1配備"),
    ("高橋 三郎", "crisis", "takahashi", "第1配備"),
    ("田中 美咲", "crisis", "tanaka", "第2配備"),
    ("伊藤 健", "roads", "ito", "第1配備"),
    ("渡辺 誠", "roads", "watanabe", "第1配備"),
    ("山本 由美", "roads", "yamamoto", "第2配備"),
    ("中村 修", "roads", "nakamura", "第2配備"),
    ("小林 直子", "parks", "kobayashi", "第1配備"),
    ("加藤 亮", "parks", "kato", "第2配備"),
    ("吉田 恵", "parks", "yoshida", "第2配備"),
    ("Maria Silva", "parks", "silva", "第2配備"),
)
WITH_A_PHONE = 2
"""The first ones joined with a phone of the simulator."""
ACCOUNTS = ("disaster", "colleague")
"""Those whose name is also that of an account of the console."""


async def add_staff_to_call(context: Context, host: str) -> None:
    """Put invented members of staff on the list, and join the first ones with phones."""
    now, city = context.clock.now(), context.city
    codes = Codes(context.settings.secret_key)
    async with SimulatorClient(context.settings.line_api_url) as client:
        users = [
            await client.add_user(f"{name}（職員）", "ja", follows=True)
            for name, *_ in PEOPLE[:WITH_A_PHONE]
        ]
    async with context.database.writing() as session:
        for number, (name, department, mail, team) in enumerate(PEOPLE):
            address = f"{mail}@{host}"
            account = address if mail in ACCOUNTS else ""
            language = "pt" if name == "Maria Silva" else ""
            entry = Entry(name, department, address, team, language, account)
            member = await staff.add(session, city, entry, now, actor=ACTOR)
            assert member.id is not None
            code = await codes.make(session, member.id, now, actor=ACTOR)
            if number < len(users):
                await codes.join(session, code, users[number], now)
