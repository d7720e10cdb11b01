"""Read what L-Alert's documents say from the city's own notices, sites and modes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.chain import places
from channels.notice_words import notice_words
from city.city import City, name_in
from city.shelters import Shelter
from core.errors import BadInput
from feeds.in_force import PUBLIC
from feeds.models import OVER, Notice, Status
from feeds.short_address import short_address
from public.cap_acts import Act, act_in, chain_with, standing
from public.lalert import (
    SORTS,
    Content,
    Document,
    EvacuationLine,
    Headquarters,
    Information,
    Kind,
    ShelterLine,
    Update,
    document_id,
    marked,
)
from response.models import DisasterMode, ShelterAct, ShelterState
from response.shelters import statuses

MOST_DOCUMENTS = 20
EVACUATION = "evacuation"
NO_NOTICE = "There is no such public notice."


async def evacuation(
    session: AsyncSession, city: City, since: datetime, *, drill: bool
) -> list[Document]:
    """Return the last word on each matter of evacuation information, the newest first."""
    query = (
        select(Notice)
        .where(
            col(Notice.topic) == EVACUATION,
            col(Notice.decision).in_(PUBLIC),
            col(Notice.drill).is_(drill),
            col(Notice.with_id).is_(None),
            col(Notice.hazard) == "",
            col(Notice.reported_at) > since,
        )
        .order_by(col(Notice.id).desc())
        .limit(MOST_DOCUMENTS)
    )
    found: dict[object, Document] = {}
    for notice in list(await session.scalars(query)):
        chain = await chain_with(session, notice)
        if chain[0].id not in found and any(one.level in SORTS for one in chain):
            last = [one for one in chain if one.with_id is None][-1]
            found[chain[0].id] = _evacuation(chain, last, city)
    return list(found.values())


def _evacuation(chain: Sequence[Notice], last: Notice, city: City) -> Document:
    assert last.id is not None
    act = act_in(chain, last.id, city)
    return _of_chain(
        Kind.EVACUATION, "避難情報", chain, last, tuple(_lines(chain, act, city)), city
    )


def _lines(chain: Sequence[Notice], act: Act, city: City) -> list[EvacuationLine]:
    """Return what is in force now, the gravest first, then what this act ended."""
    by_id = {one.id: one for one in chain}
    own = {one.id for one in act.notices}
    before = standing([one for one in chain if (one.id or 0) < (act.first.id or 0)], city)
    after = standing([one for one in chain if (one.id or 0) <= max(n or 0 for n in own)], city)
    order = [*places((), city)]
    found = []
    for area, number in after.items():
        notice = by_id[number]
        if notice.level in SORTS:
            found.append((-notice.level, order.index(area), _line(notice, area, city, issued=True)))
    for area, number in before.items():
        notice = by_id[number]
        if area not in after and notice.level in SORTS:
            line = _line(notice, area, city, issued=False, at=act.first.reported_at)
            found.append((10 - notice.level, order.index(area), line))
    return [line for _, _, line in sorted(found, key=lambda one: one[:2])]


def _line(
    notice: Notice, area: str, city: City, *, issued: bool, at: datetime | None = None
) -> EvacuationLine:
    district = city.district_by_code.get(area)
    return EvacuationLine(
        sort=SORTS[notice.level],
        issued=issued,
        area=name_in(district.names, "ja") if district is not None else city.name["ja"],
        at=at or notice.reported_at,
        households=district.households if district is not None else None,
        people=district.people if district is not None else None,
    )


async def shelters(
    session: AsyncSession, city: City, sites: Sequence[Shelter], *, drill: bool
) -> Document | None:
    """Return the state of the evacuation sites; None if staff said nothing of any.

    The matter is the disaster mode that is on, or the last one. The revision is how many times
    staff said something since it began.
    """
    known = await statuses(session, drill=drill)
    named = [(site, known[site.code]) for site in sites if site.code in known]
    if not named:
        return None
    modes = select(DisasterMode).where(col(DisasterMode.drill).is_(drill))
    mode = await session.scalar(modes.order_by(col(DisasterMode.id).desc()).limit(1))
    acts = select(func.count(), func.min(ShelterAct.at)).where(col(ShelterAct.drill).is_(drill))
    if mode is not None:
        acts = acts.where(col(ShelterAct.received_at) >= mode.began_at)
    count, first_at = (await session.execute(acts)).one()
    at = max(status.changed_at for _, status in named)
    revision = max(1, count)
    lines = tuple(
        ShelterLine(
            name=site.name,
            kana=site.kana,
            address=site.address,
            phone=site.phone,
            longitude=site.longitude,
            latitude=site.latitude,
            sort="閉鎖" if status.state is ShelterState.CLOSED else "開設",
            status="定員一杯" if status.state is ShelterState.FULL else "",
            at=status.changed_at,
            capacity=site.capacity,
            heads=status.heads,
        )
        for site, status in named
    )
    opened = sum(line.sort == "開設" for line in lines)
    said = f"{city.name['ja']}の避難所 {opened}か所が開設されています。"
    return Document(
        kind=Kind.SHELTERS,
        document_id=document_id(
            city, Kind.SHELTERS, f"mode/{mode.id if mode is not None else 0}", drill=drill
        ),
        revision=revision,
        update=Update.REPORT if revision == 1 else Update.UPDATE,
        drill=drill,
        first_at=min(first_at or at, at),
        at=at,
        title=_title("避難所情報", city, drill=drill),
        headline=marked(said, drill=drill),
        content=lines,
    )


def headquarters(city: City, said: Headquarters, *, drill: bool) -> Document:
    """Return the document on the headquarters that a person describes.

    Raises
    ------
    BadInput
        It was dissolved before it was set up.
    """
    at = said.dissolved or said.set_up
    if at < said.set_up:
        raise BadInput("The headquarters cannot be dissolved before they were set up.")
    word = "設置" if said.dissolved is None else "解散"
    matter = f"{said.sort}/{said.set_up.isoformat()}"
    return Document(
        kind=Kind.HEADQUARTERS,
        document_id=document_id(city, Kind.HEADQUARTERS, matter, drill=drill),
        revision=1 if said.dissolved is None else 2,
        update=Update.REPORT if said.dissolved is None else Update.UPDATE,
        drill=drill,
        first_at=said.set_up,
        at=at,
        title=f"{_title('災害対策本部設置状況', city, drill=drill)} {word}",
        headline=marked(f"{said.name}を{word}しました。", drill=drill),
        content=said,
    )


async def notice(session: AsyncSession, city: City, number: int) -> Document:
    """Return one notice as お知らせ.

    Raises
    ------
    BadInput
        There is no such public notice, or it has no words.
    """
    found = await session.get(Notice, number)
    if found is None or found.decision not in PUBLIC:
        raise BadInput(NO_NOTICE)
    chain = await chain_with(session, found)
    _, title, text = notice_words(found, "ja")
    content = Information(title=title, text=text, url=short_address(city.public_url, found))
    document = _of_chain(Kind.NOTICES, "お知らせ", chain, found, content, city)
    return replace(document, valid_until=found.expires_at if found.status not in OVER else None)


def _of_chain(
    kind: Kind, what: str, chain: Sequence[Notice], last: Notice, content: Content, city: City
) -> Document:
    """Return the document on a chain up to ``last``: its revision counts the acts of sending."""
    acts = [one for one in chain if one.with_id is None or one.id == last.id]
    revision = acts.index(last) + 1
    return Document(
        kind=kind,
        document_id=document_id(city, kind, f"notice/{chain[0].id}", drill=last.drill),
        revision=revision,
        update=_update(last, revision),
        drill=last.drill,
        first_at=chain[0].reported_at,
        at=last.reported_at,
        title=_title(what, city, drill=last.drill),
        headline=notice_words(last, "ja")[1],
        content=content,
    )


def _update(notice: Notice, revision: int) -> Update:
    if notice.status is Status.CANCELLED:
        return Update.CANCEL
    return Update.REPORT if revision == 1 else Update.UPDATE


def _title(what: str, city: City, *, drill: bool) -> str:
    return marked(f"{city.name['ja']}: {what}", drill=drill)
