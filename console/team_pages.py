"""Teams: the persons, teams and contractors to whom cases are given."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from city.city import name_in
from console import accounts
from console.access import Permission
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from core.errors import BadInput
from core.languages import mark
from reports import teams
from reports.models import Team, TeamKind
from reports.teams import Entry

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
PAGE = "/console/teams"
KIND_NAMES = {
    TeamKind.PERSON: mark("A person"),
    TeamKind.TEAM: mark("A team of the city"),
    TeamKind.CONTRACTOR: mark("A contractor"),
}


@router.get("/teams")
async def list_page(visitor: Worker) -> Response:
    return await _list(visitor)


@router.post("/teams")
async def add(visitor: Worker) -> Response:
    context = visitor.context
    try:
        async with context.database.writing() as session:
            await teams.add(
                session,
                context.city,
                _entry(visitor, active=True),
                context.clock.now(),
                known=[one.email for one in await accounts.everybody(session)],
                actor=visitor.actor,
            )
    except BadInput as error:
        return await _list(visitor, refusal=error)
    return visitor.go(f"{PAGE}?saved=yes")


@router.get("/teams/{team_id}")
async def team_page(visitor: Worker, team_id: RowNumber) -> Response:
    return await _team(visitor, team_id)


@router.post("/teams/{team_id}")
async def change(visitor: Worker, team_id: RowNumber) -> Response:
    """Change a team, or switch it off or on."""
    context = visitor.context
    try:
        async with context.database.writing() as session:
            await teams.change(
                session,
                context.city,
                team_id,
                _entry(visitor, active=visitor.form.text("active") == "yes"),
                context.clock.now(),
                known=[one.email for one in await accounts.everybody(session)],
                actor=visitor.actor,
                seen=visitor.form.text("seen"),
            )
    except BadInput as error:
        return await _team(visitor, team_id, refusal=error)
    return visitor.go(f"{PAGE}?saved=yes")


def _entry(visitor: Visit, *, active: bool) -> Entry:
    form = visitor.form
    return Entry(
        name=form.text("name"),
        kind=form.text("kind"),
        department=form.text("department"),
        mail=form.text("mail"),
        active=active,
        accounts=tuple(form.all("accounts")),
    )


async def _list(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        found = await teams.every_team(session)
        cases = await teams.open_cases(session, [team.id for team in found if team.id])
        staff = await accounts.everybody(session)
    return visitor.page(
        "teams.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        teams=found,
        cases=cases,
        staff=[one for one in staff if one.active],
        ticked=set(visitor.form.all("accounts")),
        saved=visitor.request.query_params.get("saved") == "yes",
        kinds=KIND_NAMES,
        departments=_departments(visitor),
        page=PAGE,
    )


async def _team(visitor: Visit, team_id: int, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        team = await session.get(Team, team_id)
        if team is None:
            raise Missing
        belong = await teams.accounts_of(session, team_id)
        staff = await accounts.everybody(session)
        cases = await teams.open_cases(session, [team_id])
    return visitor.page(
        "team.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        team=team,
        seen=teams.mark_of(team, belong),
        belong=belong,
        cases=cases.get(team_id, 0),
        staff=[one for one in staff if one.active or one.email in belong],
        ticked=set(visitor.form.all("accounts") if refusal else belong),
        kinds=KIND_NAMES,
        departments=_departments(visitor),
        page=PAGE,
    )


def _departments(visitor: Visit) -> dict[str, str]:
    city = visitor.context.city
    return {one.code: name_in(one.names, visitor.language) for one in city.departments}
