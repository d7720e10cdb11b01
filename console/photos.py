"""Residents' photos, as staff see them."""

from __future__ import annotations

import asyncio

from fastapi import Response
from fastapi.responses import FileResponse

from console.web import Missing, Visit
from core.web import PHOTO_POLICY
from reports.photos import decoding_workshop, photo_path

decoding = decoding_workshop()
"""Where photos that staff send are unpacked."""


async def photo_answer(
    visitor: Visit, sha256: str, name: str, *, small: bool, kept: str = "private, max-age=3600"
) -> Response:
    """Return a stored photo as an answer that runs nothing.

    Parameters
    ----------
    name
        The name under which a browser saves it, without its ending.
    kept
        How long the browser keeps it (``Cache-Control``).

    Raises
    ------
    Missing
        The file is gone.
    """
    path = photo_path(visitor.context.settings.media_dir, sha256, thumbnail=small)
    if not await asyncio.to_thread(path.is_file):
        raise Missing
    headers = {
        "Content-Security-Policy": PHOTO_POLICY,
        "Cache-Control": kept,
        "Content-Disposition": f'inline; filename="{name}.jpg"',
        "ETag": f'"{sha256}-small"' if small else f'"{sha256}"',
    }
    asked = visitor.request.headers.get("if-none-match", "")
    if asked.removeprefix("W/") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="image/jpeg", headers=headers)
