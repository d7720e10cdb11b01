"""A city hall with a desk: residents write on their phones, staff answer in the console."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.own_words import WordsNow
from bot import webhook
from bot.chat_replies import ChatReplies
from bot.inbox import Inbox
from channels.line.client import LineClient
from city.chat import ChatRules, ReadyAnswer
from city.folder import load_folder
from core.database import Database
from subscriptions.residents import MENU_TASK
from tests.support.office import Office, running_office
from tests.support.project import SAMPLE_CITY
from tests.support.town import find_action, words_in

READY = ReadyAnswer(
    code="wait",
    texts={"ja": "少しお待ちください。", "en": "Please wait a moment.", "my": "ခဏစောင့်ပါ။"},
)
RULES = ChatRules(ready=(READY,), alarm_minutes=10, idle_minutes=60)


async def _no_menu(_user: str) -> None:
    """Rich menus have a test of their own."""


@dataclass
class ChatDesk:
    """The office, and the residents' side of it."""

    office: Office
    inbox: Inbox

    async def settle(self) -> None:
        await self.office.simulator.webhooks.idle()
        await self.office.settled()

    def heard(self, user: str) -> list[dict[str, Any]]:
        """Return all that the account said to a resident."""
        chat = self.office.simulator.users.get(user).chat
        return [item.message for item in chat if item.side == "account"]

    async def says(self, user: str, text: str) -> list[dict[str, Any]]:
        """Write something; return what the account said since."""
        before = len(self.heard(user))
        self.office.simulator.phones.send_text(user, text)
        await self.settle()
        return self.heard(user)[before:]

    async def presses(self, user: str, data: str) -> list[dict[str, Any]]:
        before = len(self.heard(user))
        self.office.simulator.phones.postback(user, data)
        await self.settle()
        return self.heard(user)[before:]

    async def resident(self, language: str = "ja") -> str:
        """Somebody who has chosen a language and nothing else."""
        user = await self.office.resident(language)
        await self.settle()
        await self.presses(user, f"do=set-language&to={language}")
        for _ in range(2):
            await self.presses(user, "do=skip")
        return user

    async def begins(self, user: str) -> str:
        """Ask for a person and press the button; return what the account says."""
        news = await self.presses(user, "do=ask&what=person")
        action = find_action(news, "chat-begin")
        return words_in(await self.presses(user, str(action["data"])))


@contextlib.asynccontextmanager
async def chat_desk(
    database: Database,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    rules: ChatRules | None = RULES,
) -> AsyncIterator[ChatDesk]:
    """Run it, with an inbox for the residents' events."""
    sample = load_folder(SAMPLE_CITY)
    city = sample.city.model_copy(update={"chat": rules})
    async with running_office(database, replace(sample, city=city), folder, monkeypatch) as office:
        context = office.context
        line = LineClient(context.http, context.settings, context.clock)
        inbox = Inbox(context, line, office.folder)
        inbox.register()
        context.queue.register(MENU_TASK, _no_menu)
        words: WordsNow = office.app.state.own_words
        words.follow(inbox.take_folder)
        office.app.state.chat_replies = ChatReplies(context.queue)
        store = webhook.attach(office.app, context)
        office.app.include_router(webhook.router)
        office.stack.push_async_callback(store.stop)
        office.simulator.webhooks.url = f"{office.url}/line/webhook"
        yield ChatDesk(office, inbox)
