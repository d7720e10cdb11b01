"""Webhooks: the programs that hear of every change of a report. Administrators keep the list."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console import words
from console.access import Permission
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from core.clock import in_japan
from core.errors import BadInput, TodokeError
from reports import webhooks
from reports.models import Webhook
from reports.outside import internal_of, outside_session

router = APIRouter(prefix="/console", route_class=StaffRoute)
Administrator = Annotated[Visit, Depends(visit(Permission.STAFF))]
NEWEST = 20
ACTS = ("on", "off", "secret", "remove", "try")


@router.get("/webhooks")
async def webhooks_page(visitor: Administrator) -> Response:
    return await _page(visitor)


@router.post("/webhooks")
async def add(visitor: Administrator) -> Response:
    """Make a webhook; its secret is shown once."""
    form, context = visitor.form, visitor.context
    try:
        async with context.database.writing() as session:
            made = await webhooks.add(
                session,
                webhooks.reach_of(context),
                form.text("name"),
                form.text("url"),
                with_words=form.text("with_words") == "yes",
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except BadInput as refusal:
        return await _page(visitor, refusal=refusal)
    return await _page(visitor, new=made)


@router.get("/webhooks/{webhook_id}")
async def one_webhook(visitor: Administrator, webhook_id: RowNumber) -> Response:
    """Show what was sent to a webhook lately."""
    try:
        async with visitor.context.database.reading() as session:
            webhook = await webhooks.get(session, webhook_id)
            newest = await webhooks.newest_messages(session, webhook_id, NEWEST)
    except BadInput as error:
        raise Missing from error
    return visitor.page("webhook.html", webhook=webhook, newest=newest)


@router.post("/webhooks/{webhook_id}/{act}")
async def change(visitor: Administrator, webhook_id: RowNumber, act: str) -> Response:
    """Switch a webhook on or off, give it another secret, try it, or remove it."""
    if act not in ACTS:
        raise Missing
    context, actor = visitor.context, visitor.actor
    now = context.clock.now()
    try:
        if act == "try":
            return await _try(visitor, webhook_id)
        async with context.database.writing() as session:
            match act:
                case "secret":
                    await webhooks.renew_secret(session, webhook_id, actor=actor, now=now)
                case "remove":
                    await webhooks.remove(session, webhook_id, actor=actor, now=now)
                case _:
                    await webhooks.switch(session, webhook_id, on=act == "on", actor=actor, now=now)
        if act == "secret":
            async with context.database.reading() as session:
                return await _page(visitor, new=await webhooks.get(session, webhook_id))
    except BadInput as refusal:
        return await _page(visitor, refusal=refusal)
    return visitor.go("/console/webhooks")


async def _try(visitor: Visit, webhook_id: int) -> Response:
    """Send a message that is about no report, and show what came back."""
    context = visitor.context
    async with context.database.reading() as session:
        webhook = await webhooks.get(session, webhook_id)
    now = in_japan(context.clock.now()).isoformat(timespec="seconds")
    body = json.dumps({"type": "ping", "timestamp": now, "data": {}}).encode()
    internal = internal_of(context.settings.internal_hosts)
    try:
        async with outside_session(internal) as http:
            answer = await webhooks.deliver(context, http, webhook, f"ping_{webhook_id}", body)
        said, good = str(answer.status), 200 <= answer.status < 300
    except TodokeError as error:
        said, good = words.said(error.reason, visitor.language), False
    return await _page(visitor, tried=webhook, said=said, good=good)


async def _page(
    visitor: Visit,
    *,
    refusal: BadInput | None = None,
    new: Webhook | None = None,
    tried: Webhook | None = None,
    said: str = "",
    good: bool = False,
) -> Response:
    async with visitor.context.database.reading() as session:
        found = await webhooks.everyone(session)
    answer = visitor.page(
        "webhooks.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        found=found,
        new=new,
        secret=webhooks.secret_shown(visitor.context, new) if new else "",
        tried=tried,
        said=said,
        good=good,
        typed=visitor.form if refusal else {},
    )
    if new is not None:
        answer.headers["Cache-Control"] = "no-store"
    return answer
