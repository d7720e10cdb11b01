"""The endpoint for other systems of the city: ``POST /feeds/in/{source}``.

The application's state has ``context`` and ``publish``. ``publish`` is called in the notice's
transaction if it is to be sent. A source's secret is read from the environment variable that
``secret_setting`` names.
"""

from __future__ import annotations

import os

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from core.errors import BadInput
from feeds import limits
from feeds.inbound import NotSigned, receive
from feeds.notices import Publish
from feeds.poll_session import FeedContext

log = structlog.get_logger(__name__)
router = APIRouter()


@router.post("/feeds/in/{code}")
async def take(code: str, request: Request) -> JSONResponse:
    """Take one signed message.

    Answers 202 with the notice's id and decision, 200 for a repeat, 401 for a wrong signature, 404
    for a source that takes no messages, 413 for a message that is too long, and 422 for one that
    cannot be accepted.
    """
    context: FeedContext = request.app.state.context
    publish: Publish = request.app.state.publish
    source = next((s for s in context.city.sources if s.code == code and s.kind == "webhook"), None)
    secret = os.environ.get(source.secret_setting or "") if source is not None else None
    if source is None or not secret:
        return _said(404, "There is no such door.")
    pieces = bytearray()
    async for piece in request.stream():
        pieces += piece
        if len(pieces) > limits.MAX_INBOUND_BODY:
            return _said(413, f"The body is over {limits.MAX_INBOUND_BODY:,} bytes long.")
    try:
        received = await receive(context, source, secret, request.headers, bytes(pieces), publish)
    except NotSigned as error:
        log.warning("message.refused", source=code, reason=str(error))
        return _said(401, str(error))
    except BadInput as error:
        log.warning("message.refused", source=code, reason=str(error))
        return _said(422, str(error))
    if received.repeated:
        return _said(200, "This message came before.")
    decision = received.decision.value if received.decision else None
    return JSONResponse({"notice": received.notice_id, "decision": decision}, status_code=202)


def _said(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status_code=status)
