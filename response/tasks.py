"""Tasks between departments: asked, taken by one, done or refused with a reason.

A task for a household is seen by those who answer households, and goes with its answers; its title
is then not in the running record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case as when
from sqlalchemy import func
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit, counting
from core.counting import Size
from core.errors import BadInput
from core.text import clean
from response import record
from response.models import HouseholdCase, Task, TaskNote, TaskState
from response.reasons import reason

MOST_TITLE, MOST_NOTE = 200, 1000
UNFINISHED = (TaskState.OPEN, TaskState.TAKEN)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A task as somebody asks for it. ``origin`` makes it once."""

    title: str
    origin: str
    from_department: str = ""
    to_department: str = ""
    due_at: datetime | None = None
    case_id: int | None = None
    subject: str = ""
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskFilter:
    """Which tasks to show; empty fields do not narrow. ``with_households`` for those who may."""

    drill: bool
    with_households: bool
    states: tuple[TaskState, ...] = UNFINISHED
    department: str = ""
    taken_by: str = ""


async def ask(
    session: AsyncSession, city: City, asked: Asked, now: datetime, *, drill: bool, actor: str
) -> Task:
    """Make a task; the same origin makes one.

    Raises
    ------
    BadInput
        It has no title, goes to no department of the city, or its household is not of this world.
    """
    title = clean(asked.title, line=True)[:MOST_TITLE]
    if not title:
        raise BadInput(reason("task.no-title"))
    known = {one.code for one in city.departments}
    if asked.to_department not in known or asked.from_department not in known | {""}:
        raise BadInput(reason("task.no-department"))
    made = await session.scalar(select(Task).where(col(Task.origin) == asked.origin))
    if made is not None:
        return made
    if asked.case_id is not None:
        household = await session.get(HouseholdCase, asked.case_id)
        if household is None or household.drill != drill:
            raise BadInput(reason("household.missing"))
    task = Task(
        drill=drill,
        title=title,
        from_department=asked.from_department,
        to_department=asked.to_department,
        due_at=asked.due_at,
        case_id=asked.case_id,
        subject=asked.subject,
        origin=asked.origin,
        created_by=actor,
        created_at=now,
        changed_at=now,
    )
    session.add(task)
    await session.flush()
    await _line(session, task, TaskState.OPEN, asked.words, now, actor)
    action = "task.made"
    await _tell(session, task, action, now, actor)
    return task


async def locked(session: AsyncSession, task_id: int, seen: int | None) -> Task:
    """Return a task for a change, locked until the transaction ends.

    Parameters
    ----------
    seen
        The version that the person looked at; None if it does not matter what changed.

    Raises
    ------
    BadInput
        It is gone, or somebody changed it since.
    """
    query = select(Task).where(col(Task.id) == task_id)
    task = await session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if task is None:
        raise BadInput(reason("task.missing"))
    if seen is not None and task.version != seen:
        raise BadInput(reason("task.changed"))
    return task


async def move(
    session: AsyncSession, task: Task, state: TaskState, words: str, now: datetime, *, actor: str
) -> None:
    """Take, end, refuse or open a locked task.

    Raises
    ------
    BadInput
        It cannot go there from where it is, or is refused without a reason.
    """
    words = clean(words)[:MOST_NOTE]
    if state not in NEXT[task.state]:
        raise BadInput(reason("task.not-so"))
    if state is TaskState.REFUSED and not words:
        raise BadInput(reason("task.no-reason"))
    task.state = state
    task.version += 1
    task.changed_at = now
    if state is TaskState.OPEN:
        task.taken_by = ""
    elif not task.taken_by or state is TaskState.TAKEN:
        task.taken_by = actor
    session.add(task)
    await session.flush()
    await _line(session, task, state, words, now, actor)
    await _tell(session, task, ACTIONS[state], now, actor, words if not task.case_id else "")


NEXT = {
    TaskState.OPEN: (TaskState.TAKEN, TaskState.DONE, TaskState.REFUSED),
    TaskState.TAKEN: (TaskState.DONE, TaskState.REFUSED, TaskState.OPEN),
    TaskState.DONE: (TaskState.OPEN,),
    TaskState.REFUSED: (TaskState.OPEN,),
}
"""The states that may follow each."""
ACTIONS = {
    TaskState.OPEN: "task.reopened",
    TaskState.TAKEN: "task.taken",
    TaskState.DONE: "task.done",
    TaskState.REFUSED: "task.refused",
}


async def add_note(
    session: AsyncSession, task: Task, words: str, now: datetime, *, actor: str
) -> None:
    """Note something about a locked task.

    Raises
    ------
    BadInput
        There are no words.
    """
    words = clean(words)[:MOST_NOTE]
    if not words:
        raise BadInput(reason("household.no-words"))
    task.changed_at = now
    session.add(task)
    await _line(session, task, None, words, now, actor)
    await audit.record(
        session, now, actor=actor, action="task.noted", subject=f"task:{task.id}", drill=task.drill
    )


async def _line(
    session: AsyncSession,
    task: Task,
    state: TaskState | None,
    words: str,
    now: datetime,
    actor: str,
) -> None:
    assert task.id is not None
    session.add(
        TaskNote(task_id=task.id, by=actor, state=state, words=clean(words)[:MOST_NOTE], at=now)
    )
    await session.flush()


async def _tell(
    session: AsyncSession, task: Task, action: str, now: datetime, actor: str, words: str = ""
) -> None:
    """Write what happened to a task into the audit trail and the running record."""
    subject = f"task:{task.id}"
    await audit.record(
        session,
        now,
        actor=actor,
        action=action,
        subject=subject,
        to=task.to_department,
        drill=task.drill,
    )
    facts: dict[str, Any] = {"to": task.to_department}
    if task.case_id is None:
        facts["title"] = task.title
    if words:
        facts["reason"] = words
    await record.note(
        session,
        drill=task.drill,
        now=now,
        actor=actor,
        code=action,
        facts=facts,
        department=task.from_department,
        subject=subject,
        source=f"{subject}:{action}:{task.version}",
    )


def _narrowed(query: Any, wanted: TaskFilter) -> Any:
    query = query.where(col(Task.drill).is_(wanted.drill), col(Task.state).in_(wanted.states))
    if not wanted.with_households:
        query = query.where(col(Task.case_id).is_(None))
    if wanted.department:
        here = (col(Task.to_department) == wanted.department) | (
            col(Task.from_department) == wanted.department
        )
        query = query.where(here)
    if wanted.taken_by:
        query = query.where(col(Task.taken_by) == wanted.taken_by)
    return query


async def listed(
    session: AsyncSession, wanted: TaskFilter, *, most: int, skip: int = 0
) -> list[Task]:
    """Return tasks: by the time they are due; of finished ones the last first."""
    query = _narrowed(select(Task), wanted)
    if set(wanted.states) <= set(UNFINISHED):
        none = when((col(Task.due_at).is_(None), 1), else_=0)
        query = query.order_by(none, col(Task.due_at), col(Task.id))
    else:
        query = query.order_by(col(Task.due_at).desc(), col(Task.id).desc())
    return list(await session.scalars(query.limit(most).offset(skip)))


async def get(session: AsyncSession, task_id: int) -> Task | None:
    return await session.get(Task, task_id)


async def notes_of(session: AsyncSession, task_id: int) -> list[TaskNote]:
    """Return a task's history, the newest first."""
    query = select(TaskNote).where(col(TaskNote.task_id) == task_id)
    return list(await session.scalars(query.order_by(col(TaskNote.id).desc())))


async def of_case(session: AsyncSession, case_id: int) -> list[Task]:
    """Return the tasks for a household, the newest first."""
    query = select(Task).where(col(Task.case_id) == case_id)
    return list(await session.scalars(query.order_by(col(Task.id).desc())))


async def of_subject(session: AsyncSession, subject: str) -> list[Task]:
    """Return the tasks about something else, such as ``danger:3``, the newest first."""
    query = select(Task).where(col(Task.subject) == subject)
    return list(await session.scalars(query.order_by(col(Task.id).desc()).limit(50)))


async def count_by_state(session: AsyncSession, *, drill: bool) -> dict[TaskState, Size]:
    """Return how many tasks are in each state, up to the counting limit."""
    return {
        state: await counting.size_of(
            session,
            select(Task.id).where(col(Task.drill).is_(drill), col(Task.state) == state),
        )
        for state in TaskState
    }


async def count_late(session: AsyncSession, now: datetime, *, drill: bool) -> int:
    """Return how many unfinished tasks should have been done by now."""
    query = (
        select_rows(func.count())
        .select_from(Task)
        .where(
            col(Task.drill).is_(drill),
            col(Task.state).in_(UNFINISHED),
            col(Task.due_at) < now,
        )
    )
    return await session.scalar(query) or 0
