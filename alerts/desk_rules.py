"""Versions of the rules that staff lay over the folder's: proposed, tried, confirmed, replaced.

A version is a whole set of decisions (:class:`feeds.overlay.Overlay`). One person proposes it. It
is tried on the past (``alerts.rule_trials``). A second person confirms it, and it holds from then
on. Going back, to the folder alone or to an earlier version, is a version too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.checks import REASON_LENGTH
from city.city import City, Decision
from core import audit
from core.errors import Refusal
from feeds.models import RuleVersion, TrialState
from feeds.overlay import (
    FOR_ARTICLES,
    FOR_TELEGRAMS,
    TELEGRAM,
    About,
    Overlay,
    fingerprint,
    version_in_force,
)
from feeds.rule_rows import RuleRow, rows, weakens

GOOD_FOR = timedelta(days=1)
"""How long a trial may be confirmed: the past and the residents go on changing."""


@dataclass(frozen=True, kw_only=True)
class RuleChange:
    """One row that a version decides otherwise than what holds now."""

    row: RuleRow
    before: tuple[Decision, ...]
    after: tuple[Decision, ...]

    @property
    def weaker(self) -> bool:
        """Whether residents may hear less surely of a danger."""
        return any(weakens(old, new) for old in self.before for new in self.after)

    @property
    def warned(self) -> bool:
        """Whether it must not happen without a warning and a reason."""
        return self.row.guarded and self.weaker


def decided(row: RuleRow, overlay: Overlay) -> tuple[Decision, ...]:
    """Return what is done with a row under an overlay: its own decision, or the folder's."""
    laid = overlay.decisions.get(row.about)
    return row.base if laid is None else (laid,)


def changes_between(city: City, before: Overlay, after: Overlay) -> list[RuleChange]:
    """Return the rows that two overlays decide differently."""
    return [
        RuleChange(row=row, before=decided(row, before), after=decided(row, after))
        for row in rows(city)
        if decided(row, before) != decided(row, after)
    ]


def read_choices(city: City, chosen: dict[str, str]) -> Overlay:
    """Return the overlay of a form: a decision for each row's code, "" for the folder's own.

    Raises
    ------
    Refusal
        A decision is not possible for its row.
    """
    decisions: dict[About, Decision] = {}
    for row in rows(city):
        value = chosen.get(row.about.code, "")
        if not value:
            continue
        possible = FOR_TELEGRAMS if row.about.kind == TELEGRAM else FOR_ARTICLES
        if value not in possible:
            raise Refusal("Choose what happens, for each line.")
        decisions[row.about] = Decision(value)
    return Overlay(0, decisions)


async def propose(
    session: AsyncSession,
    city: City,
    overlay: Overlay,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> RuleVersion:
    """Store a version to be tried. It decides nothing until it is confirmed.

    Raises
    ------
    Refusal
        It changes nothing; or it weakens what protects life and has no reason.
    """
    held = await version_in_force(session)
    before = _overlay_of(held)
    changes = changes_between(city, before, overlay)
    if not changes:
        raise Refusal("Nothing is changed.")
    if any(change.warned for change in changes) and len(reason) < REASON_LENGTH:
        raise Refusal(
            "This weakens a warning of danger to life. Write why, in {n} characters or more.",
            n=REASON_LENGTH,
        )
    version = RuleVersion(
        changes=overlay.dumped(),
        reason=reason,
        based_on=held.id if held is not None else None,
        folder=fingerprint(city),
        proposed_by=actor,
        proposed_at=now,
    )
    session.add(version)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=actor,
        action="rules.proposed",
        subject=f"rules:{version.id}",
        reason=reason,
        changes=_for_the_trail(changes),
    )
    return version


async def confirm(
    session: AsyncSession,
    city: City,
    version_id: int,
    *,
    warned: bool,
    actor: str,
    now: datetime,
) -> RuleVersion:
    """Have a version hold from now on, for every process.

    Parameters
    ----------
    warned
        Whether the person said that they know what is weakened.

    Raises
    ------
    Refusal
        It is the person's own, was not tried, is decided already, or other rules hold since.
    """
    await _one_at_a_time(session)
    version = await _proposal(session, version_id)
    if version.proposed_by == actor:
        raise Refusal("You proposed these rules. A colleague has to confirm them.")
    if version.trial_state is not TrialState.DONE:
        raise Refusal("These rules have not been tried on the past yet.")
    if now - version.proposed_at > GOOD_FOR:
        raise Refusal("The trial is more than a day old. Propose the rules again.")
    held = await version_in_force(session, lock=True)
    if (held.id if held is not None else None) != version.based_on:
        raise Refusal("Other rules hold since. Look at them, and propose again.")
    if version.folder != fingerprint(city):
        raise Refusal("The city's folder has changed since. Propose the rules again.")
    before = _overlay_of(held)
    after = Overlay.loaded(version.changes, version_id)
    changes = changes_between(city, before, after)
    if any(change.warned for change in changes) and not warned:
        raise Refusal("Say that you know that a warning of danger to life is weakened.")
    if held is not None:
        held.ended_at, held.ended_by = now, actor
        session.add(held)
    version.confirmed_at, version.confirmed_by = now, actor
    session.add(version)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=actor,
        action="rules.confirmed",
        subject=f"rules:{version_id}",
        proposed_by=version.proposed_by,
        reason=version.reason,
        replaces=version.based_on,
        changes=_for_the_trail(changes),
        sent=version.trial.get("totals", {}).get("send", {}),
    )
    return version


async def throw_away(session: AsyncSession, version_id: int, *, actor: str, now: datetime) -> None:
    """Throw a proposal away; anybody who may decide can.

    Raises
    ------
    Refusal
        It is decided already.
    """
    version = await _proposal(session, version_id)
    version.ended_at, version.ended_by = now, actor
    session.add(version)
    await audit.record(
        session,
        now,
        actor=actor,
        action="rules.discarded",
        subject=f"rules:{version_id}",
    )


async def newest_versions(session: AsyncSession, most: int) -> list[RuleVersion]:
    """Return the newest versions and proposals."""
    found = await session.scalars(
        select(RuleVersion).order_by(col(RuleVersion.id).desc()).limit(most)
    )
    return list(found)


async def _proposal(session: AsyncSession, version_id: int) -> RuleVersion:
    version = await session.get(RuleVersion, version_id, with_for_update=True)
    if version is None:
        raise Refusal("There are no such rules.")
    if version.confirmed_at is not None or version.ended_at is not None:
        raise Refusal("Somebody decided on these rules before.")
    return version


async def _one_at_a_time(session: AsyncSession) -> None:
    """Two confirmations at one moment: the second one sees the first."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.rules'))"))


def _overlay_of(held: RuleVersion | None) -> Overlay:
    if held is None or held.id is None:
        return Overlay()
    return Overlay.loaded(held.changes, held.id)


def _for_the_trail(changes: Sequence[RuleChange]) -> list[dict[str, Any]]:
    return [
        {
            "about": change.row.about.code,
            "name": change.row.name,
            "before": [each.value for each in change.before],
            "after": [each.value for each in change.after],
        }
        for change in changes
    ]
