"""Files that a browser sends with a form (``multipart/form-data``), within limits (promise 8).

The library python-multipart takes the body apart as it comes. What a request sends beyond its
limits is refused before it is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from core.errors import BadInput
from core.reasons import reason
from core.text import clean
from core.web import FORM_LIMIT_BYTES, FORM_LIMIT_FIELDS, Form

MULTIPART = "multipart/form-data"


@dataclass(frozen=True)
class Limits:
    """How many files a form may have, the most bytes of all of them, and of one other field."""

    files: int
    bytes: int
    field_bytes: int = FORM_LIMIT_BYTES


@dataclass(frozen=True)
class Upload:
    """A file as it came; nothing of it is checked. ``name`` is only for showing."""

    name: str
    content: bytes


Uploads = Mapping[str, tuple[Upload, ...]]
"""The files of a form, by the name of their field."""


def has_files(request: Request) -> bool:
    """Whether the body is a form with files."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == MULTIPART


async def read_with_files(request: Request, limits: Limits) -> tuple[Form, Uploads]:
    """Read a form with files. A field for a file that nobody chose has no file.

    Raises
    ------
    BadInput
        The body is too large, has too many fields or files, or cannot be read.
    """
    most = limits.bytes + max(limits.field_bytes, FORM_LIMIT_BYTES)

    async def limited() -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > most:
                raise BadInput(reason("form.too-large"))
            yield chunk

    stream = limited()
    parser = MultiPartParser(
        request.headers,
        stream,  # type: ignore[arg-type]
        max_files=limits.files,
        max_fields=FORM_LIMIT_FIELDS,
        max_part_size=limits.field_bytes,
    )
    try:
        found = await parser.parse()
    except MultiPartException as error:
        raise BadInput(reason("form.unreadable")) from error
    except (KeyError, UnicodeError, ValueError) as error:  # a boundary or a name that is none
        raise BadInput(reason("form.unreadable")) from error
    finally:
        await stream.aclose()  # type: ignore[attr-defined]
    pairs: list[tuple[str, str]] = []
    files: dict[str, tuple[Upload, ...]] = {}
    try:
        for name, value in found.multi_items():
            if "\x00" in name or (isinstance(value, str) and "\x00" in value):
                raise BadInput(reason("form.unreadable"))
            if isinstance(value, UploadFile):
                content = await value.read()
                if content or value.filename:
                    called = clean(value.filename or "", line=True)[:100]
                    files[name] = (*files.get(name, ()), Upload(called, content))
            else:
                pairs.append((name, value))
    finally:
        await found.close()
    return Form(pairs), files
