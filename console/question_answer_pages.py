"""Answer once what residents asked: a question of the city's own words, with their sentences."""

from __future__ import annotations

import hashlib
import secrets
from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import APIRouter, Response

from city.faq import LONGEST_ASKED, MAX_ANSWER, MAX_QUESTION, MOST_ASKED
from city.own_words import held_row
from city.word_parts import ASKED_COLUMN, Cells, column_in
from city.word_tables import QUESTIONS
from console import words
from console.question_pages import GONE, MOST_SENTENCES, Editor, asked_now
from console.web import Missing, StaffRoute, Visit
from console.word_desk import THERE, Desk
from console.word_drafts import Drafted, drafted, has_machine
from console.word_pages import said_fault
from core import own_words
from core.errors import Refusal
from core.languages import EASY_JAPANESE, mark
from core.own_words import Change
from core.text import clean
from public import questions
from public.question_groups import Group, Sentence

router = APIRouter(prefix="/console", route_class=StaffRoute)
FIRST = ("ja", EASY_JAPANESE, "en")
"""Languages that the form shows first; the others are folded away."""
TICKED = 50
"""Sentences of a group that are ticked when the page is opened."""
JAPANESE_NEEDED = mark("Write the question and the answer in Japanese.")
NO_SUCH_QUESTION = mark("The question that you chose is no longer there.")
TOO_MANY = mark("A question has at most {most} other sentences, each of at most {longest} letters.")


@dataclass(frozen=True)
class Typed:
    """The form.

    Parameters
    ----------
    lead
        A sentence of the group; empty for an answer that nobody asked for yet.
    key
        The question that gets the sentences; empty for a new one.
    patterns, more
        Sentences of the group that were ticked, and others.
    machine
        By language, the mark of the words that a machine wrote into it.
    """

    lead: str
    key: str
    texts: Cells
    patterns: tuple[str, ...]
    more: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)

    @property
    def row_key(self) -> str:
        """The name of the question: of a new one always the same for this group."""
        return self.key or f"asked-{hashlib.sha256(self.lead.encode()).hexdigest()[:10]}"

    def sentences(self) -> list[str]:
        lines = (clean(line, line=True) for line in self.more.splitlines())
        return list(dict.fromkeys((*self.patterns, *(line for line in lines if line))))

    def origins(self) -> dict[str, str]:
        """Return where each language's words come from, if a machine wrote some."""
        return {
            code: "machine" if made == mark_of(self.texts, code) else "machine, changed"
            for code, made in self.machine.items()
        }


@router.get("/questions/answer")
async def answer_page(visitor: Editor) -> Response:
    """Show the form for a group."""
    lead = visitor.request.query_params.get("asked", "")[:200]
    group = (await asked_now(visitor)).with_lead(lead)
    if group is None:
        raise Missing
    desk = await Desk.of(visitor)
    texts = {}
    if group.lead.language in ("ja", EASY_JAPANESE):
        texts[column_in("質問", "ja")] = group.lead.text[:MAX_QUESTION]
    ticked = tuple(one.text for one in group.sentences[:TICKED])
    return _form(visitor, desk, Typed(lead, "", texts, ticked), group)


@router.post("/questions/answer")
async def save_answer(visitor: Editor) -> Response:
    """Have a machine draft, look at what it changes, save, or go on writing."""
    desk, typed = await Desk.of(visitor), _typed(visitor)
    group = (await asked_now(visitor)).with_lead(typed.lead)
    act = visitor.form.text("do")
    if act == "save" and await _is_saved(visitor, typed):
        return visitor.go("/console/questions?done=answered")
    if group is None:
        # A colleague decided meanwhile. What was typed stays on the page.
        lost = Group(tuple(Sentence(one, "ja", 1, desk.today) for one in typed.patterns))
        return _form(visitor, desk, typed, lost, refusal=Refusal(GONE))
    if act == "draft":
        return await _draft(visitor, desk, typed, group)
    if act not in ("look", "save"):
        return _form(visitor, desk, typed, group)
    try:
        before, cells = _row(desk, typed)
    except Refusal as refusal:
        return _form(visitor, desk, typed, group, refusal=refusal)
    faults = desk.faults(QUESTIONS, {typed.row_key: cells}, desk.today).get(typed.row_key, [])
    if faults:
        said = [said_fault(visitor, one) for one in faults]
        return _form(visitor, desk, typed, group, faults=said)
    check = await _checked(visitor, desk, typed, cells, group)
    if act == "look":
        return _look(visitor, desk, typed, group, before, cells, check)
    done = [
        one.text
        for one in group.sentences
        if one.text in typed.patterns or check.heard[one.text, one.language] != "not"
    ]
    try:
        await _save(visitor, desk, typed, before, cells, done)
    except questions.NothingToDecide:
        return _form(visitor, desk, typed, group, refusal=Refusal(GONE))
    except Refusal as refusal:
        return _form(visitor, desk, typed, group, refusal=refusal)
    await visitor.request.app.state.own_words.refresh()
    return visitor.go("/console/questions?done=answered")


def mark_of(texts: Mapping[str, str], language: str) -> str:
    """Return a short mark of the words of a language, to see whether they were changed."""
    said = "\0".join(texts.get(column_in(one, language), "") for one in ("質問", "回答"))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _typed(visitor: Visit) -> Typed:
    form = visitor.form
    texts = {
        one.name: clean(form.get(f"c:{one.name}", ""), line=one.text == "質問")
        for one in QUESTIONS.columns
        if one.language
    }
    machine = {code: form.text(f"made:{code}")[:16] for code in QUESTIONS.languages}
    return Typed(
        lead=form.get("lead", "")[:200],
        key=form.text("key")[:60],
        texts={name: text for name, text in texts.items() if text},
        patterns=tuple(form.all("pattern")[:MOST_SENTENCES]),
        more=form.get("more", "")[:10_000],
        machine={code: made for code, made in machine.items() if made},
    )


def _row(desk: Desk, typed: Typed) -> tuple[Cells | None, Cells]:
    """Return the question before and after.

    Raises
    ------
    Refusal
        Something is missing, too long, or no longer there.
    """
    before = desk.row_on(QUESTIONS, typed.row_key, desk.today)
    others = typed.sentences()
    if typed.key:
        if before is None:
            raise Refusal(NO_SUCH_QUESTION)
        others = list(dict.fromkeys((*before.get(ASKED_COLUMN, "").splitlines(), *others)))
        texts = dict(before)
    else:
        if before is not None:
            raise Refusal(THERE)
        texts = {"名前": typed.row_key, **typed.texts}
        if not all(texts.get(column_in(one, "ja")) for one in ("質問", "回答")):
            raise Refusal(JAPANESE_NEEDED)
    if len(others) > MOST_ASKED or any(len(one) > LONGEST_ASKED for one in others):
        raise Refusal(TOO_MANY, most=MOST_ASKED, longest=LONGEST_ASKED)
    if others:
        texts[ASKED_COLUMN] = "\n".join(others)
    return before, texts


async def _is_saved(visitor: Visit, typed: Typed) -> bool:
    """Whether the same form was sent twice."""
    async with visitor.context.database.reading() as session:
        history = await own_words.history(session, QUESTIONS.code, typed.row_key)
    last = history[0] if history else None
    if last is None or last.undone_at is not None or last.by != visitor.actor:
        return False
    kept = (last.cells or {}).get(ASKED_COLUMN, "").splitlines()
    texts = {name: text for name, text in (last.cells or {}).items() if name in typed.texts}
    return set(typed.sentences()) <= set(kept) and (bool(typed.key) or texts == typed.texts)


async def _save(
    visitor: Visit, desk: Desk, typed: Typed, before: Cells | None, cells: Cells, done: list[str]
) -> None:
    now = visitor.context.clock.now()
    async with visitor.context.database.writing() as session:
        history = await own_words.history(session, QUESTIONS.code, typed.row_key)
        alive = [one for one in reversed(history) if one.undone_at is None]
        own = desk.words.own(QUESTIONS).get(typed.row_key)
        if held_row(own, alive, desk.today) != before:
            raise Refusal(own_words.CHANGED_MEANWHILE)
        await own_words.write(
            session,
            QUESTIONS.code,
            [Change(typed.row_key, before, cells)],
            holds_from=desk.today,
            note="",
            actor=visitor.actor,
            now=now,
        )
        await questions.answered(
            session,
            done or [typed.lead],
            typed.row_key,
            question=cells.get("質問", ""),
            machine=typed.origins(),
            actor=visitor.actor,
            now=now,
        )


async def _draft(visitor: Visit, desk: Desk, typed: Typed, group: Group) -> Response:
    """Have a machine write the languages without words, and those it wrote itself."""
    origins = typed.origins()
    empty = [
        code
        for code in desk.city.languages
        if code not in ("ja", EASY_JAPANESE)
        and (
            not all(typed.texts.get(column_in(one, code)) for one in ("質問", "回答"))
            or origins.get(code) == "machine"
        )
    ]
    made = await drafted(visitor, QUESTIONS, typed.texts, empty)
    marks = {code: mark_of(made.cells, code) for code in made.languages}
    typed = replace(typed, texts=made.cells, machine={**typed.machine, **marks})
    return _form(visitor, desk, typed, group, made=made)


def _form(
    visitor: Visit,
    desk: Desk,
    typed: Typed,
    group: Group,
    *,
    refusal: Refusal | None = None,
    faults: list[str] | None = None,
    made: Drafted | None = None,
) -> Response:
    held = desk.held(QUESTIONS)
    return visitor.page(
        "question_answer.html",
        status=400 if refusal or faults else 200,
        refusal=words.said(refusal, visitor.language),
        faults=faults or [],
        typed=typed,
        origins=typed.origins(),
        group=group,
        shown=group.sentences[:MOST_SENTENCES],
        first=[code for code in FIRST if code in desk.city.languages],
        others=[code for code in desk.city.languages if code not in FIRST],
        existing={key: row.get("質問") or key for key, row in held.items()},
        made=made,
        has_machine=has_machine(visitor),
        column_in=column_in,
        most_question=MAX_QUESTION,
        most_answer=MAX_ANSWER,
        sending=secrets.token_hex(8),
    )


async def _checked(visitor: Visit, desk: Desk, typed: Typed, cells: Cells, group: Group) -> Any:
    """Return what the answer changes (``bot.question_check``)."""
    state = visitor.request.app.state
    after = desk.shown(QUESTIONS, typed.row_key, cells, desk.today)
    asked = [(one.text, one.language) for one in group.sentences[:MOST_SENTENCES]]
    return await to_thread(
        state.question_checker.check,
        state.folder,
        after,
        desk.city,
        typed.row_key,
        asked,
        visitor.context.clock.now(),
    )


def _look(
    visitor: Visit,
    desk: Desk,
    typed: Typed,
    group: Group,
    before: Cells | None,
    cells: Cells,
    check: Any,
) -> Response:
    state, now = visitor.request.app.state, visitor.context.clock.now()
    asked = visitor.form.text("language")
    language = asked if asked in desk.city.languages else "ja"
    after = desk.shown(QUESTIONS, typed.row_key, cells, desk.today)
    return visitor.page(
        "question_check.html",
        typed=typed,
        origins=typed.origins(),
        group=group,
        before=before,
        cells=cells,
        check=check,
        heard=[
            (one, check.heard[one.text, one.language]) for one in group.sentences[:MOST_SENTENCES]
        ],
        counts={
            kind: sum(one == kind for one in check.heard.values())
            for kind in ("answered", "offered", "not")
        },
        messages=state.word_cards("questions", after, desk.city, cells, language, now),
        of=language,
        languages=desk.city.languages,
    )
