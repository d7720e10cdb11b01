"""The kinds of reports that hold now: the city's folder, and what staff laid over it.

**Whoever reads kinds takes the city from here**: ``city = await city_now(session, context.city)``,
in the transaction in which the kinds are used. It is the same city with other
``report_categories``: names, department, due days, priority, questions and all else of
``city.kinds.ReportCategory``. Kinds that are switched off are among them, so that old cases keep
their name; ``city.kinds_offered(day)`` has those of which a new report can be made.

The folder is the base. A version (:class:`reports.models.KindVersion`) replaces one kind, or adds
one; one under the code ``ALL_KINDS`` replaces the city's ``danger_words``. It is written, looked at
and confirmed; from then on it holds for every process, without a restart. Going back, to the
folder's own or to an earlier version, is a version too. A kind that staff added cannot be taken
away, only switched off: its reports would lose its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from city.kind_rules import CODE, Finding, Named, broken_kind_rules
from city.kinds import ReportCategory
from city.reasons import reason
from city.rules import broken_names
from city.toml_lines import KeyPath
from core import audit
from core.database import add_new
from core.errors import Refusal
from reports.danger_versions import ALL_KINDS, dump_words, read_words, unreadable, word_faults
from reports.models import KINDS_IN_FORCE, KINDS_PROPOSED, KindVersion

MOST_VERSIONS = 50
MOST_KINDS = 60
"""Of a city: more tiles do not fit into one bubble of LINE's."""
_STEP = 10
_MOST_KEPT = 8

log = structlog.get_logger(__name__)

Held = tuple[tuple[int, str], ...]
"""Number and digest of the versions that hold."""
_kept: list[tuple[City, Held, City]] = []


async def city_now(session: AsyncSession, city: City) -> City:
    """Return the city with the kinds of reports that hold now, for every process.

    The same city comes back while nothing changes, so it may be called often, and with a city that
    it returned before: it costs one small query.
    """
    city = city.as_in_folder
    rows = await session.execute(
        select(col(KindVersion.id), col(KindVersion.digest))
        .where(KINDS_IN_FORCE)
        .order_by(col(KindVersion.code))
    )
    held: Held = tuple((number or 0, digest) for number, digest in rows)
    if not held:
        return city
    for base, known, made in _kept:
        if base is city and known == held:
            return made
    versions = await session.scalars(
        select(KindVersion).where(KINDS_IN_FORCE).order_by(col(KindVersion.code))
    )
    made = laid_over(city, list(versions))
    _kept.insert(0, (city, held, made))
    del _kept[_MOST_KEPT:]
    return made


def laid_over(city: City, versions: Sequence[KindVersion]) -> City:
    """Return the city with these versions of its kinds."""
    kinds = {kind.code: kind for kind in city.report_categories}
    danger_words = city.danger_words
    for version in versions:
        if version.content is None:
            continue
        try:
            if version.code == ALL_KINDS:
                danger_words = read_words(version.content)
            else:
                kinds[version.code] = read_kind(version.content)
        except ValidationError:
            # Written by another release. The folder's own still stands.
            log.exception("kind.unreadable", kind=version.code)
    return city.with_kinds(_in_order(kinds.values()), danger_words)


def _in_order(kinds: Iterable[ReportCategory]) -> tuple[ReportCategory, ...]:
    """Return kinds in the order in which residents see them."""
    placed = [(kind.order or n * _STEP, n, kind) for n, kind in enumerate(kinds, start=1)]
    return tuple(kind for _, _, kind in sorted(placed, key=lambda one: one[:2]))


def order_of(city: City, code: str) -> int:
    """Return the place of a kind in the list; of a new one, before the last of the city's."""
    for n, kind in enumerate(city.report_categories, start=1):
        if kind.code == code:
            return kind.order or n * _STEP
    last = city.report_categories[-1] if city.report_categories else None
    return 1 if last is None else max(1, order_of(city, last.code) - 1)


def read_kind(content: Mapping[str, Any]) -> ReportCategory:
    """Return the kind that a version has.

    Raises
    ------
    ValidationError
        It has a key or a value that this release does not know.
    """
    return ReportCategory.model_validate_json(json.dumps(content), strict=True)


def dump_kind(kind: ReportCategory) -> dict[str, Any]:
    """Return the content of a version: the kind without what is as usual."""
    found: dict[str, Any] = kind.model_dump(mode="json", exclude_defaults=True)
    return found


def faults(city: City, content: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with a kind: where, and why, by the rules of ``city.toml``."""
    if "code" not in content:
        return word_faults(content)
    try:
        kind = read_kind(content)
    except ValidationError as error:
        return unreadable(error)
    table = kind.model_dump(mode="json")
    named = Named(
        {one.code for one in city.departments},
        {one.code for one in city.districts},
        {one.code for one in city.owners if one.body != "city" and not one.department},
    )
    wrong = list(broken_kind_rules(table, (), named))
    wrong += broken_names(table, ())
    if not CODE.fullmatch(kind.code):
        wrong.append((("code",), reason("value.code", value=kind.code)))
    return wrong


async def proposal_of(
    session: AsyncSession, code: str, *, lock: bool = False
) -> KindVersion | None:
    """Return what is being written of a kind, if anything is."""
    query = select(KindVersion).where(KINDS_PROPOSED, col(KindVersion.code) == code)
    found: KindVersion | None = await session.scalar(query.with_for_update() if lock else query)
    return found


async def proposals(session: AsyncSession) -> list[KindVersion]:
    """Return all that is being written."""
    found = select(KindVersion).where(KINDS_PROPOSED).order_by(col(KindVersion.code))
    return list(await session.scalars(found))


async def version_in_force(
    session: AsyncSession, code: str, *, lock: bool = False
) -> KindVersion | None:
    """Return the version of a kind that holds; None where the folder's own does."""
    query = select(KindVersion).where(KINDS_IN_FORCE, col(KindVersion.code) == code)
    found: KindVersion | None = await session.scalar(query.with_for_update() if lock else query)
    return found


async def history(session: AsyncSession, code: str) -> list[KindVersion]:
    """Return the versions of a kind that held or hold, the newest first."""
    found = (
        select(KindVersion)
        .where(col(KindVersion.code) == code, col(KindVersion.confirmed_at).is_not(None))
        .order_by(col(KindVersion.id).desc())
        .limit(MOST_VERSIONS)
    )
    return list(await session.scalars(found))


async def earlier(session: AsyncSession, code: str, number: int) -> dict[str, Any] | None:
    """Return the content of an earlier version of a kind; None, the folder's own, for 0.

    Raises
    ------
    Refusal
        There is no such version.
    """
    if not number:
        return None
    found = await session.get(KindVersion, number)
    if found is None or found.code != code or found.confirmed_at is None:
        raise Refusal("This version is no longer there.")
    return found.content


def mark_of(proposal: KindVersion | None, held: KindVersion | None) -> str:
    """Return what a form has seen, so that nobody writes over what a colleague changed."""
    if proposal is not None:
        return f"{proposal.id}.{proposal.revision}"
    return f"0.{held.id if held is not None else 0}"


async def propose(
    session: AsyncSession,
    city: City,
    code: str,
    content: Mapping[str, Any] | None,
    *,
    seen: str,
    note: str,
    actor: str,
    now: datetime,
) -> KindVersion:
    """Store what is being written of a kind. It changes nothing until it is confirmed.

    Parameters
    ----------
    city
        The city's folder, without what staff laid over it.
    content
        The whole kind; None for the folder's own. What is wrong with it is checked by ``faults``.
    seen
        :func:`mark_of` what the writer saw.

    Raises
    ------
    Refusal
        Somebody changed it meanwhile, or there is no such kind to go back to.
    """
    held = await version_in_force(session, code)
    found = await proposal_of(session, code, lock=True)
    if seen != mark_of(found, held):
        raise Refusal("Somebody changed this kind meanwhile. Look at it again.")
    if content is None and code != ALL_KINDS and city.kind(code) is None:
        raise Refusal("The city's folder does not have this kind. Switch it off instead.")
    if held is None and code != ALL_KINDS and city.kind(code) is None and found is None:
        now_there = await city_now(session, city)
        if len(now_there.report_categories) >= MOST_KINDS:
            raise Refusal("A city has at most {n} kinds of reports.", n=MOST_KINDS)
    kept = None if content is None else dict(content)
    if found is None:
        found = KindVersion(
            code=code,
            based_on=held.id if held is not None else None,
            proposed_by=actor,
            proposed_at=now,
        )
    else:
        found.revision += 1
        found.proposed_by, found.proposed_at = actor, now
    found.content, found.note, found.digest = kept, note, _digest(kept)
    changed = "Somebody changed this kind meanwhile. Look at it again."
    await add_new(session, found, Refusal(changed))
    await audit.record(
        session, now, actor=actor, action="kind.proposed", subject=f"kind:{code}", note=note
    )
    return found


async def confirm(
    session: AsyncSession, city: City, code: str, *, seen: str, actor: str, now: datetime
) -> KindVersion:
    """Have what was written of a kind hold from now on, for every process.

    Raises
    ------
    Refusal
        It was changed since it was looked at, something is wrong with it, or another version holds
        since it was begun.
    """
    held = await version_in_force(session, code, lock=True)
    found = await proposal_of(session, code, lock=True)
    if found is None or seen != mark_of(found, held):
        raise Refusal("Somebody changed this kind meanwhile. Look at it again.")
    if (held.id if held is not None else None) != found.based_on:
        raise Refusal("Another version of this kind holds since. Throw this one away.")
    if found.content is not None and faults(city, found.content):
        raise Refusal("Something is still wrong with this kind.")
    before, after = content_of(city, held, code), content_of(city, found, code)
    if before == after:
        raise Refusal("Nothing is changed.")
    if held is not None:
        held.ended_at, held.ended_by = now, actor
        session.add(held)
        await session.flush()
    found.confirmed_at, found.confirmed_by = now, actor
    session.add(found)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=actor,
        action="kind.confirmed",
        subject=f"kind:{code}",
        proposed_by=found.proposed_by,
        note=found.note,
        replaces=found.based_on,
        version=found.id,
        changes=[
            {"field": ".".join(map(str, place)), "before": old, "after": new}
            for place, old, new in differences(before, after)
        ],
    )
    return found


async def throw_away(session: AsyncSession, code: str, *, actor: str, now: datetime) -> None:
    """Throw away what is being written of a kind.

    Raises
    ------
    Refusal
        Nothing is.
    """
    found = await proposal_of(session, code, lock=True)
    if found is None:
        raise Refusal("Somebody changed this kind meanwhile. Look at it again.")
    found.ended_at, found.ended_by = now, actor
    session.add(found)
    await audit.record(session, now, actor=actor, action="kind.discarded", subject=f"kind:{code}")


def differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[tuple[KeyPath, Any, Any]]:
    """Return each value that differs: its place, the old one, the new one; None for none."""
    old, new = dict(_leaves(before or {}, ())), dict(_leaves(after or {}, ()))
    places = dict.fromkeys((*new, *old))
    return [
        (place, old.get(place), new.get(place))
        for place in places
        if old.get(place) != new.get(place)
    ]


def _leaves(value: Any, place: KeyPath) -> list[tuple[KeyPath, Any]]:
    """Return each value of a kind with its place. Entries of a list are named by their code."""
    if isinstance(value, Mapping):
        return [leaf for key in value for leaf in _leaves(value[key], (*place, str(key)))]
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        found: list[tuple[KeyPath, Any]] = []
        for n, one in enumerate(value, start=1):
            name = str(one.get("code") or n)
            found.append(((*place, name, "order"), n))
            found += _leaves(one, (*place, name))
        return found
    return [(place, value)]


def content_of(city: City, version: KindVersion | None, code: str) -> dict[str, Any] | None:
    """Return a kind as a version has it, or as the city's folder does; None if there is none."""
    if version is not None and version.content is not None:
        return version.content
    if code == ALL_KINDS:
        return dump_words(city.danger_words)
    kind = city.kind(code)
    return None if kind is None else dump_kind(kind)


def _digest(content: Mapping[str, Any] | None) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
