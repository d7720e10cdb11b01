"""Asking a colleague to confirm an alert, and trying it out on the desk's own phones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import segno
from sqlalchemy.ext.asyncio import AsyncSession

from alerts import drafts
from alerts.compose import composed_of
from alerts.models import AlertDraft
from alerts.reach import reach
from console import accounts, words
from console.access import Permission, may
from console.web import Visit
from core.languages import mark
from response import alert_messages
from response.models import StaffMember, StaffMessageState, StaffWay
from response.staff import members_of_accounts
from response.staff_links import line_ids
from response.staff_messages import Outcome, Words

STATES = {
    StaffMessageState.WAITING: mark("on its way"),
    StaffMessageState.TRYING: mark("on its way"),
    StaffMessageState.SENT: mark("sent"),
    StaffMessageState.FAILED: mark("failed"),
    StaffMessageState.STOPPED: mark("stopped"),
}
WAYS = {StaffWay.LINE: "LINE", StaffWay.MAIL: mark("mail")}


@dataclass(frozen=True)
class Colleague:
    """Somebody who may confirm or try out an alert.

    ``ways`` are the ways by which they can be reached; ``member`` is None for an account that is
    not in the register of staff.
    """

    account: str
    name: str
    ways: tuple[str, ...]
    member: StaffMember | None
    confirms: bool = True


async def ask(visitor: Visit, session: AsyncSession, draft_id: int) -> None:
    """Ask the chosen colleagues by LINE and mail to confirm the shown version.

    Raises
    ------
    Refusal
        It cannot be asked about, or nobody can be reached.
    """
    context = visitor.context
    now = context.clock.now()
    draft = await drafts.opened(session, draft_id, visitor.form.number("version") or 0)
    drafts.refuse_faults(draft, context.city, now)
    chosen = await _chosen(visitor, session, confirm=True)
    count = (await reach(session, draft, context.city, visitor.media)).total
    await alert_messages.ask(
        session,
        context.queue,
        draft,
        [each for each in chosen if each.account not in drafts.authors(draft)],
        lambda member: _question(visitor, draft, count, member.language),
        actor=visitor.actor,
        now=now,
    )


async def try_out(visitor: Visit, session: AsyncSession, draft_id: int) -> None:
    """Send the shown version to phones of the desk, marked as a test; to nobody else.

    Raises
    ------
    Refusal
        It cannot be tried out, or nobody can be reached.
    """
    context = visitor.context
    now = context.clock.now()
    language = visitor.form.text("language")
    language = language if language in context.city.languages else "ja"
    draft = await drafts.opened(session, draft_id, visitor.form.number("version") or 0)
    drafts.refuse_faults(draft, context.city, now)
    await alert_messages.send_test(
        session,
        context.queue,
        draft,
        await _chosen(visitor, session),
        _as_residents_read(visitor, draft, language),
        actor=visitor.actor,
        now=now,
    )


async def _chosen(
    visitor: Visit, session: AsyncSession, *, confirm: bool = False
) -> list[StaffMember]:
    """Return the chosen members of staff, among those who see alerts, or may ``confirm`` them."""
    chosen = set(visitor.form.all("colleague"))
    return [
        each.member
        for each in await colleagues(visitor, session)
        if each.member and each.account in chosen and (each.confirms or not confirm)
    ]


async def colleagues(visitor: Visit, session: AsyncSession) -> list[Colleague]:
    """Return the accounts that see alerts before they are sent, the visitor's own too, by name."""
    able = [
        staff
        for staff in await accounts.everybody(session)
        if staff.active and may(staff.roles, Permission.DRAFTS)
    ]
    known = await members_of_accounts(session, [staff.email for staff in able])
    users = await line_ids(session, list(known.values()))
    found = []
    for staff in able:
        member = known.get(staff.email)
        ways = []
        if member is not None and member.id in users:
            ways.append(visitor.say(WAYS[StaffWay.LINE]))
        if member is not None and member.mail:
            ways.append(visitor.say(WAYS[StaffWay.MAIL]))
        name = staff.email if member is None else member.name
        confirms = may(staff.roles, Permission.CONFIRM)
        found.append(Colleague(staff.email, name, tuple(ways), member, confirms))
    return sorted(found, key=lambda each: each.name)


async def shown(visitor: Visit, session: AsyncSession, draft: AlertDraft) -> dict[str, Any]:
    """Return what the check page shows about colleagues: whom one can ask, and who was asked."""
    everybody = await colleagues(visitor, session)
    link, authors = check_link(visitor, draft), drafts.authors(draft)
    return {
        "check_link": link,
        "check_code": _code(link),
        "askable": [
            each
            for each in everybody
            if each.ways and each.confirms and each.account not in authors
        ],
        "testable": [each for each in everybody if each.ways],
        "asked": _outcomes(visitor, everybody, await alert_messages.asked(session, draft.id)),
        "tested": _outcomes(visitor, everybody, await alert_messages.tested(session, draft.id)),
    }


@lru_cache(maxsize=64)
def _code(link: str) -> str:
    """Return the QR code of a link as SVG; a draft's page is looked at many times."""
    drawn: str = segno.make(link, micro=False).svg_inline(
        scale=4, border=4, light="#fff", omitsize=True
    )
    return drawn


def check_link(visitor: Visit, draft: AlertDraft) -> str:
    """Return the full address of the page on which a colleague confirms."""
    base = str(visitor.context.settings.public_url).rstrip("/")
    return f"{base}/console/alerts/{draft.id}/check"


def _outcomes(
    visitor: Visit,
    everybody: list[Colleague],
    messages: dict[int, dict[StaffWay, Outcome]],
) -> list[tuple[str, str]]:
    """Return who was told, and how that went, in words."""
    named = {each.member.id: each.name for each in everybody if each.member is not None}
    found = []
    for member_id, ways in messages.items():
        said = [
            f"{visitor.say(WAYS[way])}: {visitor.say(STATES[one.state])}"
            for way, one in ways.items()
        ]
        found.append((named.get(member_id, "–"), words.listed(said, visitor.language)))
    return found


def _question(visitor: Visit, draft: AlertDraft, recipients: int, language: str) -> Words:
    spoken = "ja" if language.startswith("ja") else "en"
    city, say = visitor.context.city, words.CATALOGUE.text
    notice = composed_of(draft, city, actor=visitor.actor, now=visitor.context.clock.now()).notice
    kind = say(spoken, "DRILL") if draft.drill else say(spoken, "REAL ALERT")
    areas = [] if draft.whole_city else draft.areas
    where = words.places_of(areas, city, spoken) or say(spoken, "The whole city")
    text = say(
        spoken,
        "{name} asks you to read and confirm it. Nothing has been sent yet.",
        name=visitor.staff.name or visitor.actor,
    )
    colon = "：" if spoken == "ja" else ": "
    lines = [
        text,
        "",
        f"{kind}{colon}{words.title_of(notice, spoken)}",
        f"{say(spoken, 'Where')}{colon}{where}",
        say(spoken, "{n} residents", n=recipients),
    ]
    title = say(spoken, "An alert waits for your confirmation")
    return Words(
        title,
        "\n".join(lines)[:1900],
        check_link(visitor, draft),
        say(spoken, "Open the alert"),
    )


def _as_residents_read(visitor: Visit, draft: AlertDraft, language: str) -> Words:
    """Return what residents would read, of each level."""
    city = visitor.context.city
    composed = composed_of(draft, city, actor=visitor.actor, now=visitor.context.clock.now())
    notices = [composed.notice, *(one.notice for one in composed.lower)]
    texts = [each.texts[language] for each in notices]
    blocks = [f"{each['title']}\n{each['text']}" for each in texts]
    return Words(texts[0]["title"][:60] or composed.notice.topic, "\n\n".join(blocks)[:1800])
