"""The desk: residents who want to talk to a person, and one chat with its answers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.chat import desk
from alerts.chat.desk import Answer
from alerts.chat.hours import is_open, next_opening
from alerts.chat.models import LONGEST_TEXT, ChatMessage, ChatThread, Side, ThreadState
from alerts.machine import PROBLEMS
from channels.line.medium import LINE
from city.chat import ChatRules
from city.city import name_in
from city.parts import sentence_in
from console import accounts, words
from console.access import Permission, may
from console.models import Role, Staff
from console.photos import photo_answer
from console.web import Missing, NotPermitted, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import mark, reads_japanese
from core.text import clean
from feeds.translate import FAILED, article_translations
from subscriptions.models import Resident, ResidentState

router = APIRouter(prefix="/console/chat", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.CHAT))]
NO_DESK = mark("The city has no desk. Its folder says when it is open ([chat] in city.toml).")
NOBODY = mark("Choose a colleague.")


@dataclass(frozen=True)
class Typed:
    """The form of an answer."""

    text: str = ""
    japanese: str = ""
    made: str = ""
    key: str = ""

    @property
    def origin(self) -> str:
        if not self.made:
            return ""
        return "machine" if self.made == mark_of(self.text) else "changed"


def mark_of(text: str) -> str:
    """Return a short mark of words, to see whether somebody changed a machine's."""
    return hashlib.sha256(clean(text).encode()).hexdigest()[:16]


@router.get("")
async def list_page(visitor: Desk) -> Response:
    return await _list(visitor, "chats.html")


@router.get("/live")
async def live_list(visitor: Desk) -> Response:
    """Return the part of the list that is polled."""
    return await _list(visitor, "_chats.html")


@router.get("/{thread_id}")
async def thread_page(visitor: Desk, thread_id: RowNumber) -> Response:
    """Show a chat; that somebody read it is in the trail once for each sign-in."""
    await _noted(visitor, thread_id)
    return await _thread(visitor, thread_id, "chat.html")


@router.get("/{thread_id}/live")
async def live_thread(visitor: Desk, thread_id: RowNumber) -> Response:
    """Return the messages, which are polled."""
    return await _thread(visitor, thread_id, "_chat.html")


@router.get("/{thread_id}/photos/{message_id}")
async def photo(
    visitor: Desk, thread_id: RowNumber, message_id: RowNumber, small: bool = False
) -> Response:
    """Return a photo that a resident sent."""
    _rules(visitor)
    async with visitor.context.database.reading() as session:
        found = await session.get(ChatMessage, message_id)
    if found is None or found.thread_id != thread_id or not found.sha256:
        raise Missing
    return await photo_answer(visitor, found.sha256, f"chat-{message_id}", small=small)


@router.post("/{thread_id}")
async def act(visitor: Desk, thread_id: RowNumber) -> Response:
    """Take a chat, answer, have a machine draft, hand it over, or close it."""
    _rules(visitor)
    form, now = visitor.form, visitor.context.clock.now()
    typed = Typed(
        form.get("text", "")[: LONGEST_TEXT * 2],
        form.get("japanese", "")[: LONGEST_TEXT * 2],
        form.text("made")[:16],
        form.text("key")[:40],
    )
    do, means = form.text("do"), desk.Means(visitor.context.queue, LINE, _replies(visitor))
    if do == "draft":
        return await _draft(visitor, thread_id, typed)
    if do == "ready":
        return await _ready(visitor, thread_id, typed)
    try:
        async with visitor.context.database.writing() as session:
            match do:
                case "take":
                    await desk.take(session, thread_id, actor=visitor.actor, now=now)
                case "say":
                    answer = Answer(
                        typed.text, typed.japanese, typed.origin, typed.key or mark_of(typed.text)
                    )
                    await desk.say(session, means, thread_id, answer, actor=visitor.actor, now=now)
                case "hand-over" | "release":
                    to = await _colleague(visitor, session, do)
                    await desk.hand_over(session, thread_id, to, actor=visitor.actor, now=now)
                case "close":
                    await desk.close(session, means, thread_id, actor=visitor.actor, now=now)
    except Refusal as refusal:
        return await _thread(visitor, thread_id, "chat.html", refusal=refusal, typed=typed)
    return visitor.go("/console/chat" if do == "close" else f"/console/chat/{thread_id}")


def _replies(visitor: Visit) -> desk.Replies | None:
    return getattr(visitor.request.app.state, "chat_replies", None)


def _rules(visitor: Visit) -> ChatRules:
    """Return the desk's rules.

    Raises
    ------
    NotPermitted
        The visitor's departments are none of the desk's.
    """
    rules = visitor.context.city.chat or ChatRules()
    if not _is_of_desk(rules, visitor.staff):
        raise NotPermitted
    return rules


def _is_of_desk(rules: ChatRules, staff: Staff) -> bool:
    ours = not rules.departments or bool(set(rules.departments) & set(staff.departments))
    return may(staff.roles, Permission.CHAT) and (ours or Role.ADMIN in staff.roles)


async def _colleague(visitor: Visit, session: AsyncSession, do: str) -> str:
    if do == "release":
        return ""
    colleagues = await _colleagues(visitor, session)
    to = visitor.form.text("to")
    if to not in colleagues:
        raise Refusal(NOBODY)
    return to


async def _colleagues(visitor: Visit, session: AsyncSession) -> dict[str, str]:
    """Return those who may answer, their names by their address."""
    rules = _rules(visitor)
    return {
        staff.email: staff.name or staff.email
        for staff in await accounts.everybody(session)
        if staff.active and _is_of_desk(rules, staff)
    }


async def _noted(visitor: Visit, thread_id: int) -> None:
    _rules(visitor)
    context = visitor.context
    seen: set[tuple[str, int]] = visitor.request.app.state.__dict__.setdefault("chats_read", set())
    mine = visitor.session.nonce, thread_id
    if mine in seen:
        return
    async with context.database.writing() as session:
        thread = await session.get(ChatThread, thread_id)
        if thread is None:
            raise Missing
        await desk.note_read(session, thread, actor=visitor.actor, now=context.clock.now())
    if len(seen) > 10_000:
        seen.clear()
    seen.add(mine)


async def _list(visitor: Visit, template: str) -> Response:
    rules, now = _rules(visitor), visitor.context.clock.now()
    async with visitor.context.database.reading() as session:
        threads = await desk.listed(session)
        closed = await desk.lately_closed(session)
        lately = await desk.minutes_lately(session, now)
    return visitor.page(
        template,
        has_desk=visitor.context.city.chat is not None,
        no_desk=visitor.say(NO_DESK),
        is_open=is_open(rules, now),
        again=next_opening(rules, now),
        rules=rules,
        lately=lately,
        groups=[
            (
                mark("Waiting for somebody"),
                [one for one in threads if one.state is ThreadState.WAITING],
            ),
            (mark("Yours"), [one for one in threads if one.taken_by == visitor.actor]),
            (
                mark("Of colleagues"),
                [one for one in threads if one.taken_by not in ("", visitor.actor)],
            ),
        ],
        closed=closed,
        minutes=lambda since: int((now - since).total_seconds() // 60),
    )


async def _thread(
    visitor: Visit,
    thread_id: int,
    template: str,
    *,
    refusal: Refusal | None = None,
    typed: Typed | None = None,
    problem: str = "",
) -> Response:
    rules = _rules(visitor)
    async with visitor.context.database.reading() as session:
        thread = await session.get(ChatThread, thread_id)
        if thread is None:
            raise Missing
        said = await desk.messages_of(session, thread_id)
        sent = await desk.became(session, said, _replies(visitor))
        resident = await session.get(Resident, thread.resident_id)
        colleagues = await _colleagues(visitor, session)
    if refusal is not None and refusal.message == desk.TAKEN:
        by = str(refusal.values["name"])
        refusal = Refusal(desk.TAKEN, name=visitor.names.get(by, by))
    return visitor.page(
        template,
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        problem=problem,
        thread=thread,
        said=said,
        sent=sent,
        left=resident is None or resident.state is not ResidentState.FOLLOWING,
        mine=thread.taken_by == visitor.actor,
        is_over=thread.state is ThreadState.CLOSED,
        foreign=not reads_japanese(thread.language),
        has_machine=visitor.context.settings.translator is not None,
        typed=typed or Typed(),
        made=(typed or Typed()).made,
        key=(typed.key if typed else "")
        or hashlib.sha256(f"{thread_id}/{thread.version}/{visitor.actor}".encode()).hexdigest()[
            :32
        ],
        colleagues={key: name for key, name in colleagues.items() if key != visitor.actor},
        ready=_ready_answers(visitor, rules),
        most=LONGEST_TEXT,
        sending=secrets.token_hex(8),
        Side=Side,
    )


def _ready_answers(visitor: Visit, rules: ChatRules) -> dict[str, list[tuple[str, str]]]:
    """Return the ready answers by department, with their Japanese words."""
    departments: Mapping[str, str] = {
        one.code: name_in(one.names, visitor.language) for one in visitor.context.city.departments
    }
    found: dict[str, list[tuple[str, str]]] = {}
    for one in rules.ready:
        called = departments.get(one.department, "")
        found.setdefault(called, []).append((one.code, one.texts["ja"]))
    return found


async def _ready(visitor: Visit, thread_id: int, typed: Typed) -> Response:
    """Put a ready answer into the form, in the resident's language if it is written in it."""
    async with visitor.context.database.reading() as session:
        thread = await session.get(ChatThread, thread_id)
    if thread is None:
        raise Missing
    code = visitor.form.text("ready")
    found = next((one for one in _rules(visitor).ready if one.code == code), None)
    if found is not None:
        theirs = sentence_in(found.texts, thread.language)
        typed = replace(
            typed,
            text="\n".join(part for part in (typed.text, theirs) if part),
            japanese="\n".join(part for part in (typed.japanese, found.texts["ja"]) if part),
        )
    return await _thread(visitor, thread_id, "chat.html", typed=typed)


async def _draft(visitor: Visit, thread_id: int, typed: Typed) -> Response:
    """Have a machine put the Japanese words into the resident's language."""
    context = visitor.context
    async with context.database.reading() as session:
        thread = await session.get(ChatThread, thread_id)
    if thread is None:
        raise Missing
    machine = article_translations(
        context.settings.translator, context.http, context.city, context.database, context.clock
    )
    lines = [line for line in clean(typed.japanese).split("\n") if line.strip()]
    problem = PROBLEMS[FAILED]
    if machine is not None and lines:
        found: Any = (await machine.words(list(dict.fromkeys(lines)), [thread.language])).get(
            thread.language
        )
        problem = PROBLEMS[found.problem] if found is not None and found.problem else ""
        if found is not None and not found.problem:
            text = "\n".join(found.texts[line] for line in lines)
            typed = replace(typed, text=text, made=mark_of(text))
    return await _thread(visitor, thread_id, "chat.html", typed=typed, problem=problem)
