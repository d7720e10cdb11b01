"""Senders to staff are killed at random moments: LINE once for each, mail once more at most."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import col, func, select

from core.clock import SystemClock
from core.database import Database
from core.work import NoWorkers
from response import staff_messages
from response.models import StaffLineLink, StaffMember, StaffMessage, StaffMessageState
from response.staff_messages import Words
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.mail import Mailbox
from tests.support.engine import user_id
from tests.support.processes import Forked
from tests.support.project import PROJECT
from tests.support.queues import install_schema

pytestmark = pytest.mark.slow

STAFF, KILLS = 160, 3
AT_ONCE = 6
"""Mails that a process has on the wire at once, and as many urgent ones."""
FAULTS = "5xx-after=3%,5xx-before=3%,drop=2%,only=push"


async def members(database: Database) -> list[StaffMember]:
    now = SystemClock().now()
    people = [
        StaffMember(
            name=f"職員{n}",
            department="crisis",
            mail=f"staff{n}@city.example",
            added_at=now,
            changed_at=now,
        )
        for n in range(1, STAFF + 1)
    ]
    async with database.writing() as session:
        session.add_all(people)
        await session.flush()
        session.add_all(
            StaffLineLink(member_id=one.id, line_user_id=user_id(one.id), joined_at=now)
            for one in people
            if one.id is not None
        )
    return people


async def left(database: Database) -> int:
    async with database.reading() as session:
        query = select(func.count()).where(col(StaffMessage.state) != StaffMessageState.SENT)
        return await session.scalar(query) or 0


async def test_everybody_is_told_once_by_line_though_senders_are_killed(
    database: Database, tmp_path: Path
) -> None:
    seed = int(os.environ.get("TODOKE_SEED") or random.randrange(10**6))
    chance = random.Random(seed)
    print(f"seed {seed}")
    people, now = await members(database), SystemClock().now()
    if not database.is_sqlite:
        await install_schema(database.url)
    options = SimulatorOptions(
        any_user=True, faults=FaultPlan.parse(f"{FAULTS},seed={seed}"), ledger="compact"
    )
    async with Simulator(options) as simulator, Mailbox() as mails:
        async with database.writing() as session:
            await staff_messages.tell(
                session,
                NoWorkers(),
                people,
                Words("参集", "市役所３階へ"),
                now,
                occasion="call_up:1:first",
                about="call_up:1",
                drill=False,
            )
        address = database.url.render_as_string(hide_password=False)

        def start() -> Forked:
            return Forked(
                "tests.support.staff_sender_process",
                ["--line", simulator.url, "--smtp", str(mails.port), "--database", address],
                out=tmp_path / "sender.log",
                folder=PROJECT,
            )

        process = start()
        try:
            for kill in range(KILLS):
                wanted = len(mails.mails) + STAFF // (2 * KILLS)
                async with asyncio.timeout(30):
                    while len(mails.mails) < wanted and await left(database):
                        await asyncio.sleep(0.02)
                await asyncio.sleep(chance.random() * 0.2)
                process.kill()
                await process.ended()
                print(f"kill {kill}: {len(mails.mails)} mails, {await left(database)} left")
                process = start()
            async with asyncio.timeout(90):
                while await left(database):
                    await asyncio.sleep(0.1)
        finally:
            process.kill()
            await process.ended()
        counted = simulator.ledger.recipients()
        letters = Counter(str(mail["To"]) for mail in mails.mails)
        keys = {str(mail["Message-ID"]) for mail in mails.mails}
    assert [counted[user_id(n)] for n in range(1, STAFF + 1)] == [1] * STAFF
    assert len(letters) == len(keys) == STAFF, "a mail that comes again is the same mail"
    assert sum(letters.values()) <= STAFF + 2 * AT_ONCE * KILLS
