"""When another vendor's service is dead, staff are told once, and monitoring sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from app import health, relay_watch
from app.relay_watch import relay_fault, relay_jobs, tell_if_dead
from bot.models import RelayBody, RelayState
from bot.relay_sender import DEAD_AFTER, forget_relayed, waiting_bodies
from console.models import Role
from core.errors import BadInput
from core.relay_settings import RelaySettings, relay
from tests.support.office import Office


@pytest.fixture
def watched(office: Office) -> Office:
    settings = replace(
        office.context.settings,
        relay=RelaySettings(url="https://vendor.example/hook?token=secret", secret="s"),
    )
    object.__setattr__(office.context, "settings", settings)
    office.app.state.relay_fault = partial(relay_fault, office.context)
    return office


async def failing(office: Office, since: timedelta) -> None:
    now = office.clock.now()
    async with office.database.writing() as session:
        session.add(RelayBody(body="{}", received_at=now))
        session.add(RelayState(id=1, failing_since=now - since, failures=9, error="HTTP 503"))


async def test_staff_are_told_once_by_mail_and_on_the_first_page(watched: Office) -> None:
    desk = await watched.at_desk(Role.ADMIN, "admin")
    await failing(watched, DEAD_AFTER - timedelta(seconds=30))
    await tell_if_dead(watched.context)
    assert not await relay_fault(watched.context)
    assert not (await desk.get("/console/")).tree.xpath("//*[@data-testid='relay-fault']")
    watched.clock.ahead += timedelta(minutes=2)
    for _ in range(3):
        await tell_if_dead(watched.context)
    mails = [one for one in watched.mails.mails if "転送先" in str(one["Subject"])]
    assert len(mails) == 1
    assert "secret" not in mails[0].as_string()
    page = await desk.get("/console/")
    assert "応答していません" in page.tree.xpath("string(//*[@data-testid='relay-fault'])")


async def test_monitoring_sees_how_it_does(watched: Office) -> None:
    await failing(watched, timedelta(minutes=20))
    found = (await health._relay(watched.context))["relay"]
    assert isinstance(found, dict)
    assert (found["state"], found["waiting"], found["error"]) == ("failing", 1, "HTTP 503")


async def test_what_nobody_looks_after_is_forgotten(watched: Office) -> None:
    await failing(watched, timedelta(0))
    later = watched.clock.now() + timedelta(days=2)
    assert await forget_relayed(watched.database, later) == 1
    async with watched.database.reading() as session:
        assert await waiting_bodies(session) == 0


def test_without_an_address_there_is_no_job(office: Office) -> None:
    assert relay_jobs(office.context) == []
    assert relay_watch.EVERY_SECONDS > 0


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"TODOKE_RELAY_URL": "ftp://x?token=abc"}, "TODOKE_RELAY_URL must be"),
        ({"TODOKE_RELAY_URL": "https://x:0/"}, "TODOKE_RELAY_URL must be"),
        ({"TODOKE_RELAY_URL": "https://x/", "TODOKE_RELAY_SECONDS": "99"}, "from 1 to 20"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(env: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput, match=why) as refused:
        relay(env)
    assert "abc" not in str(refused.value)


def test_the_channels_secret_signs_unless_there_is_another() -> None:
    env = {"TODOKE_RELAY_URL": "https://x.example/", "TODOKE_LINE_CHANNEL_SECRET": "channel"}
    made = relay(env)
    assert made is not None and (made.secret, made.seconds) == ("channel", 5.0)
    other = relay({**env, "TODOKE_RELAY_SECRET": "theirs", "TODOKE_RELAY_SECONDS": "9"})
    assert other is not None and (other.secret, other.seconds) == ("theirs", 9.0)
    assert relay({}) is None
