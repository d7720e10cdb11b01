"""One alert, sent from the console and from the shell: the same notice, the same trail."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
import structlog

from app.cli import main
from app.schema import upgrade_now
from channels.models import Delivery
from city.folder import CityFolder, load_folder
from console.models import Role
from core.clock import Clock
from core.database import Database
from feeds.models import Status
from tests.support.console_alerts import TEXT, delivery_of, sent, written
from tests.support.office import NOON, Browser, Office
from tests.support.project import SAMPLE_CITY

PUBLIC_URL = "http://127.0.0.1:8000"
WHY = "当直が一人だけで、川があふれています"
WHO, BEFORE = {"decided_by"}, {"id", "identity", "replaces_id", "code"}
HOW = {"written_by", "warned"}
"""Differences that are meant: who it was, and what the second is warned of because of the first. A
number is another one, as it is another alert.
"""
NUMBERS = {"draft", "version", "delivery", "replaces", "media"}
DECIDED = {"kind", "priority", "respects_quiet", "silent", "audience", "expires_at", "created_at"}


@pytest.fixture(scope="session")
def sample() -> CityFolder:
    """The sample city as the shell reads it, with the address of its page of shelters."""
    folder = load_folder(SAMPLE_CITY)
    return replace(folder, city=folder.city.served_at(PUBLIC_URL))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database as the shell wants it: with all its revisions."""
    await asyncio.to_thread(upgrade_now, database_url)
    made = Database(database_url)
    yield made
    await made.close()


@pytest.fixture
def at_noon(office: Office, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both go by one clock, which stands still, so that what is dated is dated alike."""

    async def clock(_database: Database) -> Clock:
        return office.clock

    monkeypatch.setattr(office.clock, "now", lambda: NOON.astimezone(UTC))
    monkeypatch.setattr("app.cli.alerts.service_clock", clock)
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)
    monkeypatch.setenv("TODOKE_PUBLIC_URL", PUBLIC_URL)


async def by_shell(capsys: pytest.CaptureFixture[str], *words: str) -> int:
    """Run a command that sends; returns the delivery's id."""

    def run() -> None:
        logs = structlog.get_config()
        try:
            main(["alert", *words, "--real", "--yes", "--reason", WHY, "--json"])
        except SystemExit as left:
            assert left.code == 0, capsys.readouterr()
        finally:
            structlog.configure(**logs)

    capsys.readouterr()
    await asyncio.to_thread(run)
    out = capsys.readouterr().out
    # The service writes its log beside it.
    printed, _ = json.JSONDecoder().raw_decode(out[out.index("{\n") :])
    return int(printed["id"])


async def taken_back(browser: Browser, delivery: int, status: str) -> int:
    page = await browser.get(f"/console/deliveries/{delivery}")
    action = page.tree.xpath("//form[contains(@action, '/take-back')]/@action")[0]
    form = {"csrf": page.form(action)["csrf"], "status": status}
    page = await browser.post(action, form)
    number = int(page.url.rsplit("/", 2)[1])
    return delivery_of(await sent(browser, number, page, alone_reason=WHY))


async def entries(office: Office, actor: str) -> dict[str, dict[str, Any]]:
    """Return what somebody's last act of each kind left in the trail, by action."""
    return {
        entry.action: entry.detail
        for entry in await office.audit()
        if entry.actor == actor and entry.action.startswith("alert.")
    }


def without(detail: dict[str, Any], *names: set[str]) -> dict[str, Any]:
    left_out = set().union(*names)
    return {name: value for name, value in detail.items() if name not in left_out}


@pytest.mark.usefixtures("at_noon")
async def test_an_alert_and_its_end_are_the_same_from_the_console_and_from_the_shell(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    for language in ("ja", "my"):
        await office.resident(language)
    place = office.context.city.districts[0].code
    desk = await office.at_desk(Role.DISASTER, "author")
    fields: dict[str, Any] = {
        "whole_city": None,
        "areas": place,
        "title__en": "River",
        "text__en": "Go upstairs.",
    }
    number, page = await written(desk, "real", **fields)
    console = [delivery_of(await sent(desk, number, page, alone_reason=WHY))]
    shell = [
        await by_shell(
            capsys,
            *("send", "--topic", "evacuation", "--level", "4", "--area", place),
            *("--text", f"ja={TEXT}", "--text", "en=Go upstairs.", "--title", "en=River"),
        )
    ]
    await same_trail(office, but={"alert.saved"})
    console.append(await taken_back(desk, console[0], "lifted"))
    shell.append(await by_shell(capsys, "lift", str(shell[0])))
    await same_trail(office, but={"alert.saved"})

    notices = {notice.id: notice for notice in await office.notices()}
    deliveries = {delivery.id: delivery for delivery in await office.deliveries()}
    for one, other in zip(console, shell, strict=True):
        assert decided(deliveries[one]) == decided(deliveries[other])
        left, right = (notices[deliveries[each].notice_id] for each in (one, other))
        assert without(left.model_dump(), WHO, BEFORE) == without(right.model_dump(), WHO, BEFORE)
        assert {each.identity.rpartition(":")[0] for each in (left, right)} == {"staff:draft"}
    assert [notices[deliveries[each].notice_id].status for each in shell] == [
        Status.ISSUED,
        Status.LIFTED,
    ]
    # Each end follows its own beginning.
    for first, last in (console, shell):
        follows = notices[deliveries[last].notice_id].replaces_id
        assert follows == deliveries[first].notice_id


def decided(delivery: Delivery) -> dict[str, Any]:
    return {name: value for name, value in delivery.model_dump().items() if name in DECIDED}


async def same_trail(office: Office, *, but: set[str]) -> None:
    one = await entries(office, "author@city.example")
    other = await entries(office, f"shell:{getpass.getuser()}")
    # What is typed in a shell is there at once; a form is saved before it is looked at.
    assert set(one) - but == set(other) == {"alert.begun", "alert.sent"}
    for action, detail in other.items():
        assert list(detail) == list(one[action]), action
        assert without(detail, NUMBERS, HOW) == without(one[action], NUMBERS, HOW), action
