"""How many residents a notice reaches before it leaves, by the words they get and by language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from channels.chain import STOOD_DOWN, WARNED, FollowUpPlan, bits_of, everybody, wording_for
from channels.level_parts import LevelPart
from channels.models import Wording
from subscriptions.audience import Members, count_by_language, members
from subscriptions.audience_query import AudienceQuery


@dataclass(frozen=True)
class Reach:
    """Residents at one moment, by wording and language.

    ``bits`` are the residents that a follow-up reaches; resident ``n`` is bit ``n``.
    """

    by_wording: dict[Wording, dict[str, int]] = field(default_factory=dict)
    bits: int = 0

    @property
    def by_language(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for languages in self.by_wording.values():
            for language, number in languages.items():
                found[language] = found.get(language, 0) + number
        return dict(sorted(found.items()))

    @property
    def total(self) -> int:
        return sum(sum(languages.values()) for languages in self.by_wording.values())


NOBODY = Reach()


@dataclass(frozen=True)
class PartReach:
    """The residents of one level of several; see :func:`reach_of_parts`."""

    level: int
    areas: tuple[str, ...]
    reach: Reach


async def reach_of_parts(
    session: AsyncSession, parts: Sequence[LevelPart], chain: FollowUpPlan | None
) -> list[PartReach]:
    """Count the residents of each level, the gravest first; nobody is counted twice.

    Parameters
    ----------
    chain
        For a follow-up, who was told what in its chain.
    """
    all_of_it = await members(session, everybody(parts[0].query.medium))
    taken = 0
    found: list[PartReach] = []
    for place, part in enumerate(parts):
        divided: dict[Wording, int]
        if chain is None:
            divided = {Wording.MAIN: (await members(session, part.query)).bits}
        else:
            last = place == len(parts) - 1
            own = chain.for_part(part.query.areas, part.status, last=last)
            divided = await _divided(session, part.query, own, all_of_it.bits)
        mine = {wording: bits & ~taken for wording, bits in divided.items()}
        for bits in mine.values():
            taken |= bits
        found.append(PartReach(part.level, part.query.areas, _counted(mine, all_of_it)))
    return found


def joined_reach(parts: Iterable[Reach]) -> Reach:
    """Return several counts of different residents as one."""
    by_wording: dict[Wording, dict[str, int]] = {}
    bits = 0
    for part in parts:
        bits |= part.bits
        for wording, languages in part.by_wording.items():
            same = by_wording.setdefault(wording, {})
            for language, number in languages.items():
                same[language] = same.get(language, 0) + number
    return Reach(by_wording, bits)


async def reach_of(
    session: AsyncSession, query: AudienceQuery | None, chain: FollowUpPlan | None
) -> Reach:
    """Count exactly the residents that planning will find.

    Parameters
    ----------
    query
        The audience of the notice; None for only those who were told.
    chain
        For a follow-up, who was told what in its chain.
    """
    if chain is None:
        found = {} if query is None else await count_by_language(session, query)
        return Reach({Wording.MAIN: found} if found else {})
    all_of_it = await members(session, everybody(chain.medium))
    return _counted(await _divided(session, query, chain, all_of_it.bits), all_of_it)


def _counted(divided: Mapping[Wording, int], all_of_it: Members) -> Reach:
    counted: dict[Wording, dict[str, int]] = {}
    anybody = 0
    for wording, bits in divided.items():
        anybody |= bits
        languages = {
            language: (bits & readers).bit_count()
            for language, readers in sorted(all_of_it.languages.items())
            if bits & readers
        }
        if languages:
            counted[wording] = languages
    return Reach(counted, anybody)


async def _divided(
    session: AsyncSession, query: AudienceQuery | None, chain: FollowUpPlan, following: int
) -> dict[Wording, int]:
    """Return who gets which wording of a follow-up, as bits."""
    concerned = 0 if query is None else (await members(session, query)).bits
    here = following if chain.here is None else (await members(session, chain.here)).bits
    still = 0 if chain.still is None else (await members(session, chain.still)).bits
    warned = bits_of(chain.told, WARNED)
    told = warned | bits_of(chain.told, STOOD_DOWN)
    anybody = following & (concerned | (told if chain.rest else told & here))
    found: dict[Wording, int] = {}
    for each in chain.unheard:
        unheard = (await members(session, each)).bits & ~anybody
        found[Wording.UNHEARD] = found.get(Wording.UNHEARD, 0) | unheard
    for is_here, in_place in ((True, here | concerned), (False, ~(here | concerned))):
        for is_still, goes_on in ((True, still), (False, ~still)):
            for was_warned, heard in ((True, warned), (False, ~warned)):
                wording = wording_for(chain.status, here=is_here, still=is_still, warned=was_warned)
                found[wording] = found.get(wording, 0) | (anybody & in_place & goes_on & heard)
    return found
