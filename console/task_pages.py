"""Tasks between departments: the list, one task, a new one."""

from __future__ import annotations

import uuid
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import name_in
from console.access import Permission
from console.record_pages import moment_of
from console.record_words import ADDRESSES, subject_said
from console.web import Missing, NotPermitted, RowNumber, StaffRoute, Visit, reason_of, visit
from console.world import World, world_of, world_to_change
from core.audit import SUBJECT
from core.errors import BadInput
from core.languages import mark
from core.text import whole_number
from response import tasks
from response.models import Task, TaskState
from response.tasks import Asked, TaskFilter

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.TASKS))]
PAGE = 50
LAST_PAGE = 200
STATES = {
    TaskState.OPEN: mark("Not taken yet"),
    TaskState.TAKEN: mark("Taken"),
    TaskState.DONE: mark("Done"),
    TaskState.REFUSED: mark("Refused"),
}
DO = {
    TaskState.TAKEN: mark("I take it"),
    TaskState.DONE: mark("Set to done"),
    TaskState.REFUSED: mark("Refuse it"),
    TaskState.OPEN: mark("Open it again"),
}
UNFINISHED = "unfinished"
CHOICES = {
    UNFINISHED: tasks.UNFINISHED,
    **{state.value: (state,) for state in TaskState},
}
HOUSEHOLD = "household:"


@router.get("/tasks")
async def tasks_page(visitor: Looker) -> Response:
    return await _page(visitor)


@router.get("/tasks/live")
async def live(visitor: Looker) -> Response:
    """The list, asked for by the page itself every few seconds."""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        return visitor.page("_tasks.html", **await _listed(visitor, session, world))


@router.post("/tasks")
async def ask(visitor: Worker) -> Response:
    """Ask a department for something; the same form asks once."""
    form, now = visitor.form, visitor.context.clock.now()
    about = form.text("about")[:80]
    try:
        household = _household(visitor, about)
        async with visitor.context.database.writing() as session:
            world = await world_to_change(visitor, session)
            task = await tasks.ask(
                session,
                visitor.context.city,
                Asked(
                    title=form.text("title"),
                    origin=form.text("key")[:60] or uuid.uuid4().hex,
                    from_department=form.text("from"),
                    to_department=form.text("to"),
                    due_at=moment_of(form.text("due")),
                    case_id=household,
                    subject=about if household is None and SUBJECT.fullmatch(about) else "",
                    words=form.text("words"),
                ),
                now,
                drill=world.drill,
                actor=visitor.actor,
            )
    except BadInput as error:
        return await _page(visitor, refusal=error)
    return visitor.go(f"/console/tasks/{task.id}?done=yes")


@router.get("/tasks/{task_id}")
async def task_page(visitor: Looker, task_id: RowNumber) -> Response:
    return await _task(visitor, task_id)


@router.post("/tasks/{task_id}")
async def work(visitor: Worker, task_id: RowNumber) -> Response:
    """Take a task, end it, refuse it, open it again, or note something."""
    form, now = visitor.form, visitor.context.clock.now()
    try:
        async with visitor.context.database.writing() as session:
            do = form.text("do")
            seen = None if do == "note" else form.number("seen")
            task = await tasks.locked(session, task_id, seen)
            _refuse_household(visitor, task)
            if do == "note":
                await tasks.add_note(session, task, form.text("words"), now, actor=visitor.actor)
            elif do in set(TaskState):
                await tasks.move(
                    session, task, TaskState(do), form.text("words"), now, actor=visitor.actor
                )
            else:
                raise Missing
    except BadInput as error:
        return await _task(visitor, task_id, refusal=error)
    return visitor.go(f"/console/tasks/{task_id}?done=yes")


def _refuse_household(visitor: Visit, task: Task) -> None:
    """A task for a household does not exist for those who do not answer households."""
    if task.case_id is not None and not visitor.may(Permission.PEOPLE):
        raise Missing


def _household(visitor: Visit, about: str) -> int | None:
    """Return the household that a form is about, for those who may."""
    if not about.startswith(HOUSEHOLD):
        return None
    if not visitor.may(Permission.PEOPLE):
        raise NotPermitted
    return whole_number(about.removeprefix(HOUSEHOLD))


async def _page(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    query = visitor.request.query_params
    about = (visitor.form.text("about") or query.get("about", ""))[:80]
    if not SUBJECT.fullmatch(about):
        about = ""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        shown = await _listed(visitor, session, world)
    return visitor.page(
        "tasks.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        about=about,
        about_said=subject_said(about, visitor.language),
        key=visitor.form.text("key") or uuid.uuid4().hex,
        most=tasks.MOST_TITLE,
        most_words=tasks.MOST_NOTE,
        **shown,
    )


async def _listed(visitor: Visit, session: AsyncSession, world: World) -> dict[str, Any]:
    query = visitor.request.query_params
    chosen = {name: query.get(name, "")[:254] for name in ("state", "department", "who")}
    chosen["state"] = chosen["state"] if chosen["state"] in CHOICES else UNFINISHED
    page = max(1, min(whole_number(query.get("page", "")) or 1, LAST_PAGE))
    wanted = TaskFilter(
        drill=world.drill,
        with_households=visitor.may(Permission.PEOPLE),
        states=CHOICES[chosen["state"]],
        department=chosen["department"],
        taken_by=chosen["who"],
    )
    found = await tasks.listed(session, wanted, most=PAGE + 1, skip=(page - 1) * PAGE)
    return {
        "world": world,
        "chosen": chosen,
        "page": page,
        "query": urlencode({"world": world.name} | {n: v for n, v in chosen.items() if v}),
        "found": found[:PAGE],
        "more": len(found) > PAGE,
        "counts": await tasks.count_by_state(session, drill=world.drill),
        "late": await tasks.count_late(session, visitor.context.clock.now(), drill=world.drill),
        "states": STATES,
        "departments": _departments(visitor),
        "works": visitor.may(Permission.TASKS),
    }


def _departments(visitor: Visit) -> dict[str, str]:
    return {
        one.code: name_in(one.names, visitor.language) for one in visitor.context.city.departments
    }


async def _task(visitor: Visit, task_id: int, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        task = await tasks.get(session, task_id)
        if task is None:
            raise Missing
        _refuse_household(visitor, task)
        notes = await tasks.notes_of(session, task_id)
        world = World(task.drill, (await world_of(visitor, session)).modes)
    kind, _, number = task.subject.partition(":")
    address = ADDRESSES.get(kind, "").format(number)
    if task.case_id is not None:
        address = ADDRESSES["household"].format(task.case_id)
    return visitor.page(
        "task.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        world=world,
        task=task,
        notes=notes,
        address=address,
        about_said=subject_said(task.subject, visitor.language),
        states=STATES,
        may_be=[(state, DO[state]) for state in tasks.NEXT[task.state]],
        departments=_departments(visitor),
        works=visitor.may(Permission.TASKS),
        unfinished=task.state in tasks.UNFINISHED,
        done=visitor.request.query_params.get("done") == "yes",
        most_words=tasks.MOST_NOTE,
    )
