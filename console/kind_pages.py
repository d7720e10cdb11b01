"""The kinds of reports as the office shapes them: written, looked at, confirmed, undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from city.city import City
from city.kind_rules import CODE, Finding
from city.kinds import LONGEST_TEXT, MOST_CHOICES, MOST_QUESTIONS, ReportCategory
from console import words
from console.access import Permission
from console.kind_form import (
    DANGER_WORDS,
    MORE_AREAS,
    MORE_HOURS,
    WORDS_IN,
    WRITTEN_IN,
    Content,
    kind_written,
    question_written,
    with_question,
    without_usual,
)
from console.kind_names import (
    AS_FOUND,
    DAY_NAMES,
    TYPE_NAMES,
    is_told,
    place_name,
    value_name,
)
from console.web import Missing, StaffRoute, Visit, context_of, visit
from core.clock import in_japan
from core.errors import Refusal
from core.languages import LANGUAGES
from core.text import clean
from public.pictures import DRAWN
from reports import kinds
from reports.danger_versions import ALL_KINDS
from reports.kind_texts import missing, texts_of, with_texts
from reports.kind_toml import as_toml, words_as_toml
from reports.models import KindVersion
from reports.names import priority_names

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Writer = Annotated[Visit, Depends(visit(Permission.REPORTS))]
LIST = "/console/kinds"
MOST_NOTE = 400


@dataclass(frozen=True)
class Written:
    """A kind as it is being shaped: what holds, what is written, and what a form shows."""

    code: str
    base: ReportCategory | None
    held: KindVersion | None
    proposal: KindVersion | None
    before: Content | None
    """What holds now; None for a kind that does not hold yet."""
    content: Content
    versions: tuple[KindVersion, ...] = ()
    """Those that held or hold, the newest first."""

    @property
    def seen(self) -> str:
        return kinds.mark_of(self.proposal, self.held)


@router.get("/kinds")
async def kinds_page(visitor: Looker) -> Response:
    base = context_of(visitor.request).city
    async with visitor.context.database.reading() as session:
        city = await kinds.city_now(session, base)
        proposals = {one.code: one for one in await kinds.proposals(session)}
        writes_words = proposals.pop(ALL_KINDS, None) is not None
        changed = {kind.code for kind in city.report_categories if base.kind(kind.code) != kind}
    new = [one for code, one in proposals.items() if city.kind(code) is None]
    today = in_japan(visitor.context.clock.now()).date()
    return visitor.page(
        "kinds.html",
        kinds=city.report_categories,
        offered={kind.code for kind in city.kinds_offered(today)},
        proposals=proposals,
        new=new,
        changed=changed,
        folder={kind.code for kind in base.report_categories},
        departments=_departments(visitor),
        owners=_owners(visitor),
        missing={
            kind.code: missing(kinds.dump_kind(kind), city.languages)
            for kind in city.report_categories
        },
        writes_words=writes_words,
    )


@router.get("/kinds.toml")
async def toml(visitor: Looker) -> Response:
    """Write the kinds that hold now as a part of ``city.toml``."""
    city = visitor.context.city
    text = words_as_toml(city.danger_words) + as_toml(city.report_categories)
    headers = {"Content-Disposition": 'attachment; filename="report_categories.toml"'}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/new-kind")
async def new(visitor: Writer) -> Response:
    return visitor.page("kind_new.html", refusal="", code="", name="")


@router.post("/new-kind")
async def add(visitor: Writer) -> Response:
    """Begin a kind of which there is none yet."""
    code = clean(visitor.form.text("code"), line=True)[:40]
    name = clean(visitor.form.text("name"), line=True)[:100]
    try:
        if not CODE.fullmatch(code):
            raise Refusal("A code is 1 to 32 of a-z, 0-9 and hyphen.")
        if not name:
            raise Refusal("The name in Japanese is needed.")
        if visitor.context.city.kind(code) is not None:
            raise Refusal("There is a kind with this code already.")
        first = next(iter(visitor.context.city.departments), None)
        content: Content = {
            "code": code,
            "names": {"ja": name},
            "department": first.code if first is not None else "",
            "order": kinds.order_of(visitor.context.city, code),
        }
        await _propose(visitor, code, content, seen="0.0")
    except Refusal as refusal:
        return visitor.page(
            "kind_new.html",
            status=400,
            refusal=words.said(refusal, visitor.language),
            code=code,
            name=name,
        )
    return visitor.go(f"{LIST}/{code}")


@router.get("/kinds/{code}")
async def edit(visitor: Looker, code: str) -> Response:
    return _edit_page(visitor, await _written(visitor, code))


@router.post("/kinds/{code}")
async def save(visitor: Writer, code: str) -> Response:
    """Store what was written of a kind; it holds only after it was looked at."""
    written = await _written(visitor, code)
    content = kind_written(visitor.form, written.content)
    usual = kinds.order_of(visitor.context.city, code)
    if not written.content.get("order") and content.get("order") == usual:
        # The form shows the place that the kind has anyway.
        del content["order"]
    return await _saved(visitor, written, content, f"{LIST}/{code}/check", _edit_page)


@router.get("/kinds/{code}/questions/{n}")
async def question(visitor: Looker, code: str, n: int) -> Response:
    """Show one question of a kind; 0 is a new one."""
    written = await _written(visitor, code)
    if not 0 <= n <= len(written.content.get("questions") or ()):
        raise Missing
    return _question_page(visitor, written, n)


@router.post("/kinds/{code}/questions/{n}")
async def save_question(visitor: Writer, code: str, n: int) -> Response:
    written = await _written(visitor, code)
    asked = written.content.get("questions") or []
    if not 0 <= n <= len(asked):
        raise Missing
    old: Mapping[str, Any] = asked[n - 1] if n else {}
    gone = visitor.form.text("then") == "remove"
    now_said = None if gone else question_written(visitor.form, old)
    place = visitor.form.number("place") or len(asked) + 1
    content = with_question(written.content, n, now_said, place)

    def again(visitor: Visit, written: Written, **more: Any) -> Response:
        return _question_page(visitor, written, n, said=now_said, **more)

    return await _saved(visitor, written, content, f"{LIST}/{code}#questions", again)


@router.get("/kinds/{code}/words/{language}")
async def words_page(visitor: Looker, code: str, language: str) -> Response:
    """Show all texts of a kind in one language, beside the Japanese ones."""
    written = await _written(visitor, code)
    return _words_page(visitor, written, language)


@router.post("/kinds/{code}/words/{language}")
async def save_words(visitor: Writer, code: str, language: str) -> Response:
    written = await _written(visitor, code)
    if language not in LANGUAGES:
        raise Missing
    said = {
        path: clean(visitor.form.get(f"text:{path}", "")[: 2 * LONGEST_TEXT])
        for path in texts_of(written.content)
    }
    content = with_texts(written.content, language, said)

    def again(visitor: Visit, written: Written, **more: Any) -> Response:
        return _words_page(visitor, written, language, **more)

    return await _saved(visitor, written, content, f"{LIST}/{code}#words", again)


@router.get("/kinds/{code}/check")
async def check(visitor: Looker, code: str) -> Response:
    """Show what changes, and the cards as the phone will show them."""
    return _check_page(visitor, await _written(visitor, code))


@router.post("/kinds/{code}/confirm")
async def confirm(visitor: Writer, code: str) -> Response:
    """Have it hold from now on."""
    base = context_of(visitor.request).city
    try:
        async with visitor.context.database.writing() as session:
            await kinds.confirm(
                session,
                base,
                code,
                seen=visitor.form.text("seen"),
                actor=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except Refusal as refusal:
        return _check_page(visitor, await _written(visitor, code), refusal=refusal)
    return visitor.go(f"{LIST}/{code}?saved=yes")


@router.post("/kinds/{code}/discard")
async def discard(visitor: Writer, code: str) -> Response:
    try:
        async with visitor.context.database.writing() as session:
            now = visitor.context.clock.now()
            await kinds.throw_away(session, code, actor=visitor.actor, now=now)
    except Refusal as refusal:
        return _check_page(visitor, await _written(visitor, code), refusal=refusal)
    return visitor.go(LIST)


@router.post("/kinds/{code}/back")
async def go_back(visitor: Writer, code: str) -> Response:
    """Write an earlier version, or the folder's own, to be looked at."""
    written = await _written(visitor, code)
    number = visitor.form.number("version") or 0
    try:
        async with visitor.context.database.reading() as session:
            content = await kinds.earlier(session, code, number)
        await _propose(visitor, code, content, seen=visitor.form.text("seen"))
    except Refusal as refusal:
        return _edit_page(visitor, written, refusal=refusal)
    return visitor.go(f"{LIST}/{code}/check")


async def _written(visitor: Visit, code: str) -> Written:
    """Return a kind that holds or is being written.

    Raises
    ------
    Missing
        There is none.
    """
    base = context_of(visitor.request).city
    async with visitor.context.database.reading() as session:
        held = await kinds.version_in_force(session, code)
        proposal = await kinds.proposal_of(session, code)
        versions = tuple(await kinds.history(session, code))
    before = kinds.content_of(base, held, code)
    own = base.kind(code)
    content = before if proposal is None else kinds.content_of(base, proposal, code)
    if content is None:
        raise Missing
    return Written(code, own, held, proposal, before, content, versions)


def _note(visitor: Visit, proposal: KindVersion | None) -> str:
    """Return why a kind is changed; a form that does not ask leaves what was written before."""
    if "note" not in visitor.form:
        return proposal.note if proposal is not None else ""
    return clean(visitor.form.text("note"), line=True)[:MOST_NOTE]


async def _propose(
    visitor: Visit, code: str, content: Content | None, *, seen: str, note: str = ""
) -> None:
    async with visitor.context.database.writing() as session:
        await kinds.propose(
            session,
            context_of(visitor.request).city,
            code,
            content,
            seen=seen,
            note=note,
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )


async def _saved(
    visitor: Visit,
    written: Written,
    content: Content,
    address: str,
    again: Callable[..., Response],
) -> Response:
    """Store what a form says, or show the form again with what is wrong."""
    content = without_usual(content)
    shown = replace(written, content=content)
    found = kinds.faults(context_of(visitor.request).city, content)
    if found:
        return again(visitor, shown, faults=_said(visitor, found))
    kept = kinds.dump_kind(kinds.read_kind(content))
    try:
        note = _note(visitor, written.proposal)
        await _propose(visitor, written.code, kept, seen=visitor.form.text("seen"), note=note)
    except Refusal as refusal:
        return again(visitor, shown, refusal=refusal)
    return visitor.go(address)


def _said(visitor: Visit, found: Sequence[Finding]) -> list[str]:
    return [
        f"{place_name(at, visitor.language)}: {words.said(why, visitor.language)}"
        for at, why in found
    ]


def _edit_page(
    visitor: Visit,
    written: Written,
    *,
    refusal: Refusal | None = None,
    faults: Sequence[str] = (),
) -> Response:
    city, content = visitor.context.city, written.content
    areas = [*(content.get("areas") or []), *({} for _ in range(MORE_AREAS))]
    message = content.get("message") or {}
    hours = [*(message.get("hours") or []), *({} for _ in range(MORE_HOURS))]
    return visitor.page(
        "kind_edit.html",
        status=400 if refusal or faults else 200,
        refusal=words.said(refusal, visitor.language),
        faults=faults,
        saved=visitor.request.query_params.get("saved") == "yes",
        one=written,
        note=_note(visitor, written.proposal),
        content=content,
        name=_name(content, visitor.language),
        message=message,
        areas=areas,
        hours=hours,
        written_languages=WRITTEN_IN,
        departments=_departments(visitor),
        owners=_owners(visitor),
        districts=_districts(visitor),
        pictures=sorted(DRAWN),
        danger_words=DANGER_WORDS,
        words_in=WORDS_IN,
        priorities=[visitor.say(AS_FOUND), *priority_names(visitor.language).values()],
        types=TYPE_NAMES,
        days=DAY_NAMES,
        order=content.get("order") or kinds.order_of(city, written.code),
        most_questions=MOST_QUESTIONS,
        longest=LONGEST_TEXT,
        missing=missing(content, city.languages),
        texts=len(texts_of(content)),
        may_write=visitor.may(Permission.REPORTS),
    )


def _question_page(
    visitor: Visit,
    written: Written,
    n: int,
    *,
    said: Content | None = None,
    refusal: Refusal | None = None,
    faults: Sequence[str] = (),
) -> Response:
    asked = written.content.get("questions") or []
    shown: Mapping[str, Any] = said or (asked[n - 1] if n and n <= len(asked) else {})
    choices = list(shown.get("choices") or ())
    return visitor.page(
        "kind_question.html",
        status=400 if refusal or faults else 200,
        refusal=words.said(refusal, visitor.language),
        faults=faults,
        one=written,
        name=_name(written.content, visitor.language),
        n=n,
        question=shown,
        place=visitor.form.number("place") or n or len(asked) + 1,
        choices=[*choices, *({} for _ in range(MOST_CHOICES - len(choices)))][:MOST_CHOICES],
        shown_choices=max(4, len(choices) + 2),
        types=TYPE_NAMES,
        written_languages=WRITTEN_IN,
        longest=LONGEST_TEXT,
        may_write=visitor.may(Permission.REPORTS),
    )


def _words_page(
    visitor: Visit,
    written: Written,
    language: str,
    *,
    refusal: Refusal | None = None,
    faults: Sequence[str] = (),
) -> Response:
    if language not in LANGUAGES:
        raise Missing
    return visitor.page(
        "kind_words.html",
        status=400 if refusal or faults else 200,
        refusal=words.said(refusal, visitor.language),
        faults=faults,
        one=written,
        name=_name(written.content, visitor.language),
        of=language,
        texts=texts_of(written.content),
        languages=visitor.context.city.languages,
        missing=missing(written.content, visitor.context.city.languages),
        longest=LONGEST_TEXT,
        may_write=visitor.may(Permission.REPORTS),
    )


def _check_page(visitor: Visit, written: Written, *, refusal: Refusal | None = None) -> Response:
    city = visitor.context.city
    asked = visitor.request.query_params.get("language", "")
    language = asked if asked in city.languages else "ja"
    kind = kinds.read_kind(written.content)
    make = getattr(visitor.request.app.state, "kind_cards", None)
    now = visitor.context.clock.now()
    messages = make(city, kind, language, now) if make is not None else []
    called = partial(
        value_name,
        language=visitor.language,
        known={
            "department": _departments(visitor),
            "owner": _owners(visitor),
            "districts": _districts(visitor),
        },
    )
    return visitor.page(
        "kind_check.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        one=written,
        kind=kind,
        name=_name(written.content, visitor.language),
        changes=[
            (place_name(place, visitor.language), called(place, old), called(place, new))
            for place, old, new in kinds.differences(written.before, written.content)
            if is_told(place, old, new)
        ],
        offered=kind.is_offered(in_japan(now).date()),
        messages=messages,
        of=language,
        languages=city.languages,
        missing=missing(written.content, city.languages),
        may_write=visitor.may(Permission.REPORTS),
    )


def _name(content: Mapping[str, Any], language: str) -> str:
    names = content.get("names") or {}
    return names.get(language) or names.get("ja") or str(content.get("code", ""))


def _departments(visitor: Visit) -> dict[str, str]:
    return {
        one.code: one.names.get(visitor.language, one.names["ja"])
        for one in visitor.context.city.departments
    }


def _owners(visitor: Visit) -> dict[str, str]:
    return {
        one.code: one.names.get(visitor.language, one.names["ja"])
        for one in _offices(visitor.context.city)
    }


def _districts(visitor: Visit) -> dict[str, str]:
    return {
        one.code: one.names.get(visitor.language, one.names["ja"])
        for one in visitor.context.city.districts
    }


def _offices(city: City) -> list[Any]:
    return [one for one in city.owners if one.body != "city" and not one.department]
