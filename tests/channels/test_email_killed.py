"""Promise 2 for mail, when its process is killed: nobody is missed, and nobody gets three.

A mail server does not recognise a repeat. What was on the wire when a process died goes once more,
with the same Message-ID.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from channels import dispatch
from channels.email.medium import EMAIL
from channels.models import DeliveryState
from core.clock import SystemClock
from core.database import Database
from core.work import NoWorkers, Queue
from core.work_shared import ProcrastinateQueue
from simulator.mail import Mailbox
from tests.support.engine import add_residents, make_notice, small_city
from tests.support.queues import install_schema
from tests.support.senders import start_mail_sender

pytestmark = pytest.mark.slow

PEOPLE = 400
KILLED_AT = (60, 180, 300)
"""The number of mails at which a process is killed."""
DEAD_AFTER_SECONDS = 3.0
CONNECTIONS = 4
UNWRITTEN = 60
"""Mails that were taken and whose outcome the process had not written when it died, at most."""


async def test_nobody_is_missed_and_what_was_on_the_wire_goes_once_more(
    database: Database, tmp_path: Path
) -> None:
    await add_residents(database, 1, PEOPLE, medium="email", address=("r", "@home.example"))
    queue: Queue = NoWorkers()
    clock = SystemClock()
    if not database.is_sqlite:
        await install_schema(database.url)
        queue = ProcrastinateQueue(database, clock)
    async with Mailbox(keep=PEOPLE * 4) as box:
        box.faults.delay = 0.02
        async with database.writing() as session:
            notice = make_notice(now=clock.now())
            session.add(notice)
            await session.flush()
            made = await dispatch.deliver(
                session,
                queue,
                notice,
                small_city(),
                clock.now(),
                created_by="rule:test",
                medium=EMAIL,
            )
            delivery = made.id
        assert delivery is not None
        log = tmp_path / "sender.log"
        process = start_mail_sender(box.port, database, log, dead_after=DEAD_AFTER_SECONDS)
        try:
            for mails in KILLED_AT:
                async with asyncio.timeout(60):
                    while len(box.mails) < mails:
                        await asyncio.sleep(0.005)
                process.kill()
                await process.ended()
                process = start_mail_sender(box.port, database, log, dead_after=DEAD_AFTER_SECONDS)
            async with asyncio.timeout(90):
                async for state in dispatch.follow(database, delivery):
                    if state.ended:
                        break
        finally:
            process.kill()
            await process.ended()
    assert (state.state, state.sent, state.failed) == (DeliveryState.DONE, PEOPLE, 0)
    counted = Counter(str(mail["To"]) for mail in box.mails)
    assert set(counted) == {f"r{number:032x}@home.example" for number in range(1, PEOPLE + 1)}
    assert max(counted.values()) <= 1 + len(KILLED_AT)
    twice = counted.total() - PEOPLE
    assert twice <= len(KILLED_AT) * UNWRITTEN
    ids: dict[str, set[str]] = {}
    for mail in box.mails:
        ids.setdefault(str(mail["To"]), set()).add(str(mail["Message-ID"]))
    assert all(len(each) == 1 for each in ids.values())
