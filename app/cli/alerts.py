"""Alerts from the shell: sent, corrected, lifted, with the same checks as in the console."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import (
    Json,
    by_language,
    city,
    media,
    opened_database,
    print_json,
    queue_for,
    run,
    service_clock,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from alerts.models import AlertDraft
    from alerts.release import UnknownAnswer
    from alerts.warnings import AlertWarning
    from channels.dispatch import Preview
    from channels.line.unknown import Outlook
    from city.city import City
    from feeds.models import Status

app = typer.Typer(no_args_is_help=True)
ASK_LINE_SECONDS = 1.0
YES_WAS_SAID = "--yes was said in the shell"

Texts = Annotated[
    list[str] | None, typer.Option(metavar="LANG=TEXT", help="What it says; Japanese is needed.")
]
Titles = Annotated[
    list[str] | None, typer.Option(metavar="LANG=TITLE", help="Its title; else a standard one.")
]
Drill = Annotated[bool | None, typer.Option("--drill/--real", help="One of them must be said.")]
Reason = Annotated[
    str,
    typer.Option(
        metavar="WHY",
        help="Why it is sent without a colleague's confirmation (real, level 3 and above),"
        " or as a drill while a warning is in force; kept in the audit trail.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Send without asking; the audit trail says so.")]
Followed = Annotated[int, typer.Argument(metavar="DELIVERY", help="The last that was said of it.")]
Topic = Annotated[str | None, typer.Option(metavar="CODE", help="Topic's code; else as it was.")]
Level = Annotated[
    int | None, typer.Option(metavar="N", min=0, max=5, help="Alert level; else as it was.")
]
Areas = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE[=LEVEL]",
        help="District's code, and its level if that is not --level; none means as it was.",
    ),
]
WholeCity = Annotated[bool, typer.Option("--whole-city", help="For the whole city.")]


@app.command("send")
def send(
    topic: Annotated[str, typer.Option(metavar="CODE", help="Topic's code, such as evacuation.")],
    level: Annotated[int, typer.Option(metavar="N", min=0, max=5, help="Alert level; 0 has none.")],
    text: Annotated[
        list[str], typer.Option(metavar="LANG=TEXT", help="What it says; Japanese is needed.")
    ],
    area: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE[=LEVEL]",
            help="District's code, and its level if that is not --level; none means the whole city."
            " All levels leave in one go, the gravest first.",
        ),
    ] = None,
    title: Titles = None,
    drill: Drill = None,
    reason: Reason = "",
    to_unknown: Annotated[
        bool,
        typer.Option(
            "--to-unknown",
            help="Also send it once to the account's friends whom Todoke does not know, where"
            " the city's rules let it.",
        ),
    ] = False,
    medium: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Send it by this medium; may be given several times. The default is the media of"
            " the city's rules.",
        ),
    ] = None,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Send an alert; prints its delivery's id.

    It is the id of LINE's delivery, or of the first medium's if it does not go by LINE.

    The same questions as in the console are asked. With --yes there are no questions; if a reason
    is needed and --reason is missing, --yes is noted as the reason.
    """
    from alerts.drafts import new_draft

    said = _Said(topic, level, area, not area, text, title, _drill_or_real(drill))
    said.check(city())
    if to_unknown:
        _may_go_to_unknown(topic, level, drill=said.drill)
    draft = new_draft(drill=said.drill, actor=_actor(), now=datetime.now(UTC))
    said.fill_in(draft)
    draft.media = _media(medium)

    async def written(_session: AsyncSession, _now: datetime) -> AlertDraft:
        return draft

    _leave(written, reason=reason, to_unknown=to_unknown, yes=yes, as_json=json_)


@app.command("correct")
def correct(
    delivery: Followed,
    topic: Topic = None,
    level: Level = None,
    area: Areas = None,
    whole_city: WholeCity = False,
    text: Texts = None,
    title: Titles = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="It was a mistake: take back all that was said.")
    ] = False,
    drill: Drill = None,
    reason: Reason = "",
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Correct an alert, or take it back; prints the new delivery's id.

    It reaches everybody whom any message about it reached, and whom it concerns now. People who
    were told wrongly, who hear of it for the first time, or for whom it stays in force get their
    own words.
    """
    from core.errors import BadInput
    from feeds.models import Status

    status = Status.CANCELLED if withdraw else Status.CORRECTED
    if status is Status.CORRECTED and not text:
        raise BadInput("Say what is right with --text, or take it back with --withdraw.")
    said = _Said(topic, level, area, whole_city, text, title, _drill_or_real(drill))
    _follow(said, delivery, status, reason=reason, yes=yes, as_json=json_)


@app.command("lift")
def lift(
    delivery: Followed,
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="District's code; none means wherever it is in force."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="LANG=TEXT", help="What it says; else ready words in all languages."),
    ] = None,
    title: Titles = None,
    topic: Topic = None,
    level: Level = None,
    whole_city: WholeCity = False,
    drill: Drill = None,
    reason: Reason = "",
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Say that the danger has passed; prints the new delivery's id.

    It reaches everybody whom any message about the danger reached, and whom it concerns now. If
    only some districts are named, the others are told that theirs stays in force.
    """
    from feeds.models import Status

    said = _Said(topic, level, area, whole_city, text, title, _drill_or_real(drill))
    _follow(said, delivery, Status.LIFTED, reason=reason, yes=yes, as_json=json_)


@dataclass(frozen=True)
class _Said:
    """What was typed of an alert; of a follow-up the rest is as it was."""

    topic: str | None
    level: int | None
    areas: list[str] | None
    whole_city: bool
    text: list[str] | None
    title: list[str] | None
    drill: bool

    @property
    def codes(self) -> list[str]:
        """The districts without their levels."""
        return [area.partition("=")[0] for area in self.areas or ()]

    @property
    def levels(self) -> dict[str, int]:
        """The level of each district that was given one.

        Raises
        ------
        BadInput
            One is not a level from 0 to 5.
        """
        from core.errors import BadInput

        found = {}
        for area in self.areas or ():
            code, separator, level = area.partition("=")
            if not separator:
                continue
            if level not in ("0", "1", "2", "3", "4", "5"):
                raise BadInput(f"--area takes CODE or CODE=LEVEL (0 to 5), not {area!r}.")
            found[code] = int(level)
        return found

    def check(self, place: City) -> None:
        """Name what was typed and does not exist; the rest are the checks of every alert.

        Raises
        ------
        BadInput
            With one clear sentence.
        """
        from core.errors import BadInput
        from core.languages import LANGUAGES
        from core.text import clean

        if self.topic is not None and self.topic not in place.topic_by_code:
            known = ", ".join(place.topic_by_code)
            raise BadInput(f"The city has no topic {self.topic!r}; it has {known}.")
        for area in self.codes:
            if area not in place.district_by_code:
                raise BadInput(f"The city has no district {area!r}.")
        _ = self.levels
        texts = by_language(self.text, "--text")
        for language in (*texts, *by_language(self.title, "--title")):
            if language not in LANGUAGES:
                raise BadInput(f"{language!r} is none of the languages ({', '.join(LANGUAGES)}).")
        for language, text in texts.items():
            if not clean(text):
                raise BadInput(f"The text in {language} is empty.")

    def fill_in(self, draft: AlertDraft) -> None:
        """Put what was typed into a draft.

        Raises
        ------
        BadInput
            The draft lacks something, or its words do not fit what it is.
        """
        from alerts.checks import faults
        from alerts.drafts import Written, fill_in

        titles = by_language(self.title, "--title")
        texts = by_language(self.text, "--text") or {
            language: words["text"] for language, words in draft.texts.items()
        }
        fill_in(
            draft,
            Written(
                topic=draft.topic if self.topic is None else self.topic,
                level=draft.level if self.level is None else self.level,
                whole_city=self.whole_city or (not self.areas and draft.whole_city),
                areas=tuple(self.codes or draft.areas),
                levels=self._levels(draft),
                texts={
                    language: (titles.get(language, ""), texts.get(language, ""))
                    for language in (*texts, *titles)
                },
                valid_hours=draft.valid_hours,
                event=draft.event,
            ),
        )
        for fault in faults(draft, city()):
            raise fault.refusal()

    def _levels(self, draft: AlertDraft) -> dict[str, int]:
        """Return the districts' levels; as they were where nothing was said of them."""
        if self.areas:
            return self.levels
        return draft.levels if self.level is None else {}

    async def follow_up(
        self, session: AsyncSession, now: datetime, delivery_id: int, status: Status
    ) -> AlertDraft:
        """Return the draft that follows what a delivery said.

        Raises
        ------
        BadInput
            There is no such delivery, something else was said since, it is over, or it was a
            drill and this is real, or the other way round.
        """
        from alerts.follow_ups import follow_up, overtaken
        from channels.models import Delivery
        from core.errors import BadInput

        delivery = await session.get(Delivery, delivery_id)
        if delivery is None or delivery.notice_id is None:
            raise BadInput(f"There is no delivery {delivery_id} of a notice.")
        since = await overtaken(session, delivery.notice_id)
        if since is not None:
            raise BadInput(
                f"Delivery {since.delivery_id} ({since.status}, by {since.decided_by}) followed "
                f"delivery {delivery_id}. Look at it, and name that one."
            )
        draft = await follow_up(
            session, delivery.notice_id, status, city(), actor=_actor(), now=now
        )
        if draft.drill is not self.drill:
            was, one = ("a drill", "--drill") if draft.drill else ("real", "--real")
            raise BadInput(
                f"Delivery {delivery_id} was {was}, and so is what follows it: say {one}."
            )
        self.fill_in(draft)
        return draft


def _media(named: list[str] | None) -> list[str] | None:
    """Return the media that ``--medium`` names, in the order of sending; None for the rules.

    Raises
    ------
    BadInput
        One of them is not set up.
    """
    from core.errors import BadInput

    if not named:
        return None
    known = media(city()).names
    for name in named:
        if name not in known:
            raise BadInput(f"The medium {name!r} is not set up; there are {', '.join(known)}.")
    return [name for name in known if name in named]


def _follow(
    said: _Said, delivery: int, status: Status, *, reason: str, yes: bool, as_json: bool
) -> None:
    said.check(city())

    async def draft(session: AsyncSession, now: datetime) -> AlertDraft:
        return await said.follow_up(session, now, delivery, status)

    _leave(draft, reason=reason, to_unknown=False, yes=yes, as_json=as_json)


def _leave(
    written: Callable[[AsyncSession, datetime], Awaitable[AlertDraft]],
    *,
    reason: str,
    to_unknown: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show whom an alert reaches, ask, send it and print its delivery's id."""
    from alerts.checks import unexplained
    from alerts.compose import composed_of
    from alerts.drafts import store
    from alerts.reach import media_of_draft, reach, reach_by
    from alerts.release import NO_MEDIUM, Approval, Seen, question_about_unknown, release
    from alerts.warnings import codes_of, warnings
    from channels.dispatch import preview
    from channels.lists import deliveries_of
    from core.errors import Refusal

    place, actor = city(), _actor()
    by_city = media(place)

    async def work() -> tuple[int, Preview, list[AlertWarning], dict[str, dict[str, int]]]:
        async with opened_database() as database:
            clock = await service_clock(database)
            now, why = clock.now(), reason
            room = await _room()
            async with database.reading() as session:
                draft = await written(session, now)
                questions = await unexplained(
                    session,
                    draft,
                    place,
                    now,
                    second_person=None,
                    alone_reason=why,
                    hazard_reason=why,
                )
                composed = composed_of(draft, place, actor=actor, now=now)
                by_media = await media_of_draft(session, draft, place, by_city)
                if not by_media:
                    raise Refusal(NO_MEDIUM)
                found = await reach(session, draft, place, by_city)
                reached = {
                    each.name: (await reach_by(session, draft, place, each.name)).total
                    for each in by_media
                }
                seen = await preview(
                    session,
                    composed.notice,
                    place,
                    now,
                    medium=by_media[0],
                    as_new=composed.as_new,
                    lower=composed.lower,
                )
                asked = await question_about_unknown(session, draft, place, by_city)
                told = await warnings(session, draft, place, now, recipients=found.total, room=room)
            for warning in told:
                typer.echo(f"Warning: {warning}", err=True)
            for question in questions:
                typer.echo(question, err=True)
            if questions:
                why = YES_WAS_SAID if yes else typer.prompt("Why", err=True)
            if not yes:
                _ask(draft, seen, reached)
            approval = Approval(
                Seen(draft.version, found.total, now, codes_of(told)),
                alone_reason="" if draft.drill else why,
                hazard_reason=why if draft.drill else "",
                to_unknown=_to_unknown(asked, to_unknown, yes=yes),
            )
            async with database.writing() as session:
                now = clock.now()
                stored = await store(session, draft, now)
                assert stored.id is not None
                queue = queue_for(database, clock)
                sent = await release(
                    session, queue, place, by_city, stored.id, approval, actor=actor, now=now
                )
            async with database.reading() as session:
                made = {
                    each.channel: {
                        "delivery": each.id or 0,
                        "recipients": reached.get(each.channel, 0),
                    }
                    for each in await deliveries_of(session, stored.notice_id)
                }
            return sent, seen, told, made

    delivery, seen, told, made = run(work())
    if as_json:
        parts = [
            {
                "wording": part.wording.value,
                **({} if part.level is None else {"level": part.level, "areas": part.areas}),
                "recipients": part.recipients,
                "by_language": part.by_language,
                "texts": part.texts,
            }
            for part in seen.parts
        ]
        print_json(
            {
                "delivery": delivery,
                "id": delivery,
                "recipients": sum(each["recipients"] for each in made.values()),
                "media": made,
                "parts": parts,
                "warnings": [{"code": one.code, "text": str(one)} for one in told],
            }
        )
    else:
        print(delivery)


async def _room() -> int | None:
    """Return how many messages LINE still delivers this month; None for no limit or no answer."""
    import asyncio

    import aiohttp

    from app.cli.tools import settings
    from channels.line.client import LineClient
    from core.clock import SystemClock
    from core.errors import BadInput, Permanent, Retryable

    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(ASK_LINE_SECONDS):
            return (await LineClient(http, settings(), SystemClock()).quota()).left
    except (BadInput, Retryable, Permanent, TimeoutError):
        return None


def _ask(draft: AlertDraft, seen: Preview, reached: dict[str, int]) -> None:
    from alerts.levels import by_level

    if len(seen.parts) > 1:
        for part in seen.parts:
            words = part.texts.get("ja", {})
            level = "" if part.level is None else f", level {part.level}"
            typer.echo(f"{part.recipients} residents ({part.wording.value}{level}):", err=True)
            typer.echo(f"  {words.get('title', '')}", err=True)
            for line in words.get("text", "").splitlines():
                typer.echo(f"  {line}", err=True)
    kind = "DRILL" if draft.drill else "REAL ALERT"
    what = kind if draft.replaces_id is None else f"{kind} ({draft.status.value})"
    where = ", ".join(draft.areas) or "the whole city"
    level = ", ".join(map(str, by_level(draft, city())))
    said = f"{what}, {draft.topic}, level {level}, {where}: {sum(reached.values())} residents"
    if set(reached) != {"line"}:
        said += " (" + ", ".join(f"{name} {number}" for name, number in reached.items()) + ")"
    typer.confirm(f"{said}. Send it?", abort=True)


def _may_go_to_unknown(topic: str, level: int, *, drill: bool) -> None:
    from channels.line.unknown import may_ask
    from core.errors import BadInput

    if not may_ask(city(), topic, level, drill=drill):
        raise BadInput(
            "The city's rules ([unknown_friends] in city.toml) do not send this to friends whom "
            "Todoke does not know."
        )


def _to_unknown(asked: Outlook | None, wanted: bool, *, yes: bool) -> UnknownAnswer:
    """Return whether it also goes to friends nobody knows, after asking about how."""
    from alerts.release import UnknownAnswer

    if asked is None or not wanted:
        return UnknownAnswer.NO
    if not yes:
        typer.confirm(to_unknown_question(asked), abort=True)
    elif not asked.possible:
        typer.echo(_cannot_go(asked), err=True)
    return UnknownAnswer.yes(asked.way)


def _actor() -> str:
    return f"shell:{getpass.getuser()}"


def _drill_or_real(drill: bool | None) -> bool:
    from core.errors import BadInput

    if drill is None:
        raise BadInput("Say --drill or --real; there is no default.")
    return drill


def to_unknown_question(found: Outlook) -> str:
    """Return the question before an alert also goes to friends whom Todoke does not know."""
    many = "a number LINE has not said" if found.friends.counted is None else found.friends.unknown
    if not found.possible:
        return f"{_cannot_go(found)} Go on?"
    how = "a narrowcast to everybody else"
    if found.doubled:
        why = f", as {found.why_broadcast}" if found.why_broadcast else ""
        how = f"a broadcast{why}; {found.doubled} residents get it a second time"
    return f"Also to the friends Todoke does not know ({many}), by {how}?"


def _cannot_go(found: Outlook) -> str:
    return f"It cannot go to friends Todoke does not know ({found.why_broadcast})."
