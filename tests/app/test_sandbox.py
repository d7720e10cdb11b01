"""A sandbox for staff is never mistaken for the city's account, and never reaches its residents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.processes import Parts, assembled
from app.schema import upgrade_now
from app.web import create_app
from channels.line.errors import LineRefused
from channels.line.sandbox import MARK, SandboxClient, marked
from city.folder import CityFolder, load_folder
from core.errors import BadInput
from core.settings import BadSettings, Settings
from simulator.line import Simulator, SimulatorOptions
from subscriptions import residents
from tests.support.project import SAMPLE_CITY
from tests.support.serving import served
from tests.support.town import SECRET

WHOLE = Parts(web=True, work=True, schedule=True)
FRIEND = "U" + "1" * 32


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    options = SimulatorOptions(channel_secret=SECRET, channel_access_token="a-token")
    async with Simulator(options) as made:
        yield made


@pytest.fixture
def sandbox(database_url: str, simulator: Simulator, tmp_path: Path) -> Settings:
    upgrade_now(database_url)
    return Settings(
        city=SAMPLE_CITY,
        database_url=database_url,
        media_dir=tmp_path / "media",
        public_url="http://127.0.0.1:8000",
        line_channel_secret=SECRET,
        line_channel_access_token="a-token",
        secret_key="k" * 40,
        line_api_url=simulator.url,
        line_data_api_url=simulator.url,
        sandbox=True,
        posts={"TODOKE_POSTS_X_URL": "mastodon://token@social.example"},
        websub_hub="https://hub.example/",
    )


def folder(line_id: str = "@todoke-sandbox-is-not") -> CityFolder:
    made = load_folder(SAMPLE_CITY)
    return replace(made, city=made.city.model_copy(update={"line_id": line_id}))


async def test_messages_menus_and_pages_say_that_it_is_a_sandbox(
    sandbox: Settings, simulator: Simulator
) -> None:
    friend = simulator.users.add_user("職員", "ja")
    simulator.users.set_standing(friend, "friend")
    async with assembled(sandbox, WHOLE, folder=folder()) as service:
        assert isinstance(service.line, SandboxClient)
        assert not service.context.settings.posts and not service.context.settings.websub_hub
        await service.line.push(friend, [{"type": "text", "text": "試験です"}])
        [got] = [one for one in simulator.users.get(friend).chat if one.side == "account"]
        assert got.message["text"] == f"{MARK}試験です"
        for everybody in ("broadcast", "narrowcast"):
            with pytest.raises(LineRefused):
                await service.line.post(everybody, b'{"messages":[]}', None)
        app = create_app(service.context, service.line, folder=service.folder)
        async with served(app) as url, aiohttp.ClientSession() as http:
            for path in ("/", "/console/sign-in", "/shelters"):
                async with http.get(url + path) as answer:
                    page = await answer.text()
                assert 'data-testid="sandbox-band"' in page and "<title>【試し】" in page, path
            async with http.get(url + "/static/sandbox/sandbox.css") as answer:
                assert answer.status == 200


async def test_a_real_service_does_not_begin_on_its_database(sandbox: Settings) -> None:
    async with assembled(sandbox, WHOLE, folder=folder()):
        pass
    async with assembled(sandbox, WHOLE, folder=folder()):
        pass
    with pytest.raises(BadInput, match="a sandbox's"):
        async with assembled(replace(sandbox, sandbox=False), WHOLE, folder=folder()):
            pass


async def test_it_does_not_begin_on_a_database_with_residents(sandbox: Settings) -> None:
    real = replace(sandbox, sandbox=False)
    async with (
        assembled(real, WHOLE, folder=folder()) as service,
        service.context.database.writing() as session,
    ):
        now = service.context.clock.now()
        await residents.follow(session, service.context.city, FRIEND, "ja", now)
    with pytest.raises(BadInput, match="database of its own"):
        async with assembled(sandbox, WHOLE, folder=folder()):
            pass


async def test_it_does_not_begin_with_the_citys_own_account(sandbox: Settings) -> None:
    with pytest.raises(BadInput, match="own account @todoke"):
        async with assembled(sandbox, WHOLE, folder=folder("@todoke")):
            pass


@pytest.mark.parametrize(
    "message",
    [
        {"type": "text", "text": "x" * 5_000},
        {
            "type": "flex",
            "altText": "カード",
            "contents": {
                "type": "bubble",
                "body": {"type": "box", "layout": "vertical", "contents": []},
            },
        },
        {
            "type": "flex",
            "altText": "カード",
            "contents": {
                "type": "carousel",
                "contents": [
                    {
                        "type": "bubble",
                        "body": {"type": "box", "layout": "horizontal", "contents": []},
                    }
                ],
            },
        },
        {"type": "template", "altText": "表", "template": {}},
    ],
)
def test_every_kind_of_message_is_marked(message: dict[str, Any]) -> None:
    made = marked(message)
    assert str(made.get("text", made.get("altText"))).startswith(MARK)
    if message["type"] == "flex":
        assert MARK in json.dumps(made["contents"], ensure_ascii=False)
    assert len(made.get("text", "")) <= 5_000


def test_it_is_yes_or_no(sandbox: Settings) -> None:
    with pytest.raises(BadSettings, match="TODOKE_SANDBOX is yes or no"):
        Settings.from_environment({"TODOKE_SANDBOX": "maybe"}, sends=False)
