"""The rules: what is sent by itself, held, or only shown. Two people change them, tried first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts import desk_rules
from alerts.checks import REASON_LENGTH
from alerts.desk_rules import changes_between, decided
from city.city import Decision
from console import words
from console.access import Permission
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.text import clean
from feeds.models import RuleVersion, TrialState
from feeds.overlay import FOR_ARTICLES, FOR_TELEGRAMS, TELEGRAM, Overlay, version_in_force
from feeds.rule_rows import RuleRow, rows

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Writer = Annotated[Visit, Depends(visit(Permission.ALERTS))]
Confirmer = Annotated[Visit, Depends(visit(Permission.CONFIRM))]
FIELD = "row:"
MOST_VERSIONS = 20
DEAD_AFTER = timedelta(seconds=30)
"""A running trial without a sign of life for so long has died with its process."""


@dataclass(frozen=True)
class ShownRow:
    """A row of the table: what the folder says, and what holds."""

    row: RuleRow
    now: tuple[Decision, ...]
    chosen: str
    """The value of its field: a decision, or "" for the folder's."""
    possible: tuple[Decision, ...]

    @property
    def differs(self) -> bool:
        """Whether something other than the folder holds, or is chosen to be tried."""
        return self.now != self.row.base or bool(self.chosen)


@router.get("/rules")
async def rules(visitor: Looker) -> Response:
    return await _rules_page(visitor)


@router.post("/rules")
async def propose(visitor: Writer) -> Response:
    """Propose rules, and begin their trial; nothing is decided by them yet."""
    context = visitor.context
    given = {
        name.removeprefix(FIELD): value
        for name, value in visitor.form.items()
        if name.startswith(FIELD)
    }
    try:
        overlay = desk_rules.read_choices(context.city, given)
        return await _proposed(visitor, overlay)
    except Refusal as refusal:
        return await _rules_page(visitor, refusal=refusal, given=given)


@router.post("/rules/back")
async def go_back(visitor: Writer) -> Response:
    """Propose the folder alone, or an earlier version."""
    number = visitor.form.number("version") or 0
    try:
        overlay = Overlay()
        if number:
            async with visitor.context.database.reading() as session:
                earlier = await session.get(RuleVersion, number)
            if earlier is None or earlier.confirmed_at is None:
                raise Refusal("There are no such rules.")
            overlay = Overlay.loaded(earlier.changes)
        return await _proposed(visitor, overlay)
    except Refusal as refusal:
        return await _rules_page(visitor, refusal=refusal)


@router.get("/rules/{version_id}")
async def version_page(visitor: Looker, version_id: RowNumber) -> Response:
    """Show a version: what it changes, and what its trial found."""
    return await _version_page(visitor, version_id)


@router.get("/rules/{version_id}/live")
async def trial_news(visitor: Looker, version_id: RowNumber) -> Response:
    """The same, asked for by the page itself while the trial runs."""
    async with visitor.context.database.reading() as session:
        version = await _version(session, version_id)
    if version.trial_state in (TrialState.DONE, TrialState.FAILED):
        return visitor.go(f"/console/rules/{version_id}")
    return visitor.page("_rules_progress.html", version=version, dead=_is_dead(visitor, version))


@router.post("/rules/{version_id}/try")
async def try_again(visitor: Writer, version_id: RowNumber) -> Response:
    """Begin a trial again that failed or died."""
    async with visitor.context.database.reading() as session:
        version = await _version(session, version_id)
    if version.confirmed_at is None and version.ended_at is None:
        _start(visitor, version)
    return visitor.go(f"/console/rules/{version_id}")


@router.post("/rules/{version_id}/confirm")
async def confirm(visitor: Confirmer, version_id: RowNumber) -> Response:
    """Have a colleague's proposal hold from now on."""
    context = visitor.context
    try:
        async with context.database.writing() as session:
            await desk_rules.confirm(
                session,
                context.city,
                version_id,
                warned=visitor.form.text("warned") == "yes",
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except Refusal as refusal:
        return await _version_page(visitor, version_id, refusal=refusal)
    return visitor.go("/console/rules")


@router.post("/rules/{version_id}/discard")
async def discard(visitor: Writer, version_id: RowNumber) -> Response:
    try:
        async with visitor.context.database.writing() as session:
            await desk_rules.throw_away(
                session, version_id, actor=visitor.actor, now=visitor.context.clock.now()
            )
    except Refusal as refusal:
        return await _version_page(visitor, version_id, refusal=refusal)
    return visitor.go("/console/rules")


async def _proposed(visitor: Visit, overlay: Overlay) -> Response:
    context = visitor.context
    async with context.database.writing() as session:
        version = await desk_rules.propose(
            session,
            context.city,
            overlay,
            reason=clean(visitor.form.text("reason"), line=True)[:400],
            actor=visitor.actor,
            now=context.clock.now(),
        )
    _start(visitor, version)
    return visitor.go(f"/console/rules/{version.id}")


def _start(visitor: Visit, version: RuleVersion) -> None:
    trials = getattr(visitor.request.app.state, "rule_trials", None)
    if trials is not None:
        trials.start(version)


async def _rules_page(
    visitor: Visit, *, refusal: Refusal | None = None, given: dict[str, str] | None = None
) -> Response:
    city = visitor.context.city
    async with visitor.context.database.reading() as session:
        held = await version_in_force(session)
        versions = await desk_rules.newest_versions(session, MOST_VERSIONS)
    overlay = Overlay() if held is None else Overlay.loaded(held.changes, held.id or 0)
    shown = [_shown(row, overlay, given) for row in rows(city)]
    groups: dict[str, list[ShownRow]] = {}
    for each in shown:
        groups.setdefault(each.row.group, []).append(each)
    return visitor.page(
        "rules.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        groups=groups,
        held=held,
        versions=[v for v in versions if v.confirmed_at is not None],
        proposals=[v for v in versions if v.confirmed_at is None and v.ended_at is None],
        reason=visitor.form.text("reason") if refusal else "",
        reason_length=REASON_LENGTH,
        sources={source.code: source.names for source in city.sources},
        field=FIELD,
    )


def _shown(row: RuleRow, overlay: Overlay, given: dict[str, str] | None) -> ShownRow:
    laid = overlay.decisions.get(row.about)
    chosen = laid.value if laid is not None else ""
    if given is not None:
        chosen = given.get(row.about.code, chosen)
    possible = FOR_TELEGRAMS if row.about.kind == TELEGRAM else FOR_ARTICLES
    return ShownRow(row, decided(row, overlay), chosen, possible)


async def _version_page(
    visitor: Visit, version_id: int, *, refusal: Refusal | None = None
) -> Response:
    city = visitor.context.city
    async with visitor.context.database.reading() as session:
        version = await _version(session, version_id)
        based_on = (
            None if version.based_on is None else await session.get(RuleVersion, version.based_on)
        )
    before = Overlay() if based_on is None else Overlay.loaded(based_on.changes)
    changes = changes_between(city, before, Overlay.loaded(version.changes))
    found = version.trial.get("rows", [])
    return visitor.page(
        "rules_version.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        version=version,
        is_open=version.confirmed_at is None and version.ended_at is None,
        own=version.proposed_by == visitor.actor,
        dead=_is_dead(visitor, version),
        changes=changes,
        warned=[change for change in changes if change.warned],
        trial=version.trial,
        changed=[_news(row) for row in found if row["changed"]],
        sent=[_news(row) for row in found if row["decision"] == Decision.SEND],
        held=[_news(row) for row in found if row["decision"] == Decision.HOLD],
        hours=_hours(version.trial.get("hours", [])),
        sources={source.code: source.names for source in city.sources},
    )


def _is_dead(visitor: Visit, version: RuleVersion) -> bool:
    seen = version.trial_seen_at or version.proposed_at
    waits = version.trial_state in (TrialState.WAITING, TrialState.RUNNING)
    return waits and visitor.context.clock.now() - seen > DEAD_AFTER


def _news(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "at": datetime.fromisoformat(row["at"])}


def _hours(counts: Iterable[int]) -> list[tuple[int, int]]:
    return [(hour, number) for hour, number in enumerate(counts) if number]


async def _version(session: AsyncSession, version_id: int) -> RuleVersion:
    version = await session.get(RuleVersion, version_id)
    if version is None:
        raise Missing
    return version
