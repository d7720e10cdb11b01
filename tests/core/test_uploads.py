"""A form with files is read within its limits, and whatever else comes is one clear refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import Request

from core.errors import BadInput
from core.uploads import Limits, Upload, has_files, read_with_files
from core.web import FORM_LIMIT_BYTES

LIMITS = Limits(files=2, bytes=1000)


def sent(body: bytes, kind: str = "multipart/form-data; boundary=edge") -> Request:
    """A request whose body comes in pieces of a few bytes."""

    async def pieces() -> AsyncIterator[dict[str, object]]:
        for start in range(0, len(body), 4096):
            yield {"type": "http.request", "body": body[start : start + 4096], "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}

    stream = pieces()

    async def receive() -> dict[str, object]:
        return await anext(stream)

    headers = [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    about = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        about += f'; filename="{filename}"\r\nContent-Type: application/octet-stream'
    return b"--edge\r\n" + about.encode() + b"\r\n\r\n" + content + b"\r\n"


END = b"--edge--\r\n"


async def test_fields_and_files_come_apart() -> None:
    body = (
        part("csrf", b"token")
        + part("where", "中央1丁目".encode())
        + part("photo", b"\xff\xd8one", "一枚目.jpg")
        + part("photo", b"two", "../../etc/passwd")
        + END
    )
    form, files = await read_with_files(sent(body), LIMITS)
    assert (form.text("csrf"), form.text("where")) == ("token", "中央1丁目")
    assert files["photo"] == (
        Upload("一枚目.jpg", b"\xff\xd8one"),
        Upload("../../etc/passwd", b"two"),
    )


async def test_a_field_without_a_chosen_file_has_none() -> None:
    form, files = await read_with_files(sent(part("photo", b"", "") + END), LIMITS)
    assert files == {} and dict(form) == {}


@pytest.mark.parametrize(
    "body",
    [
        part("photo", b"x" * (1001 + FORM_LIMIT_BYTES), "large.jpg") + END,
        part("words", b"x" * (FORM_LIMIT_BYTES + 1)) + END,
        b"".join(part("photo", b"x", f"{n}.jpg") for n in range(3)) + END,
        b"".join(part(f"f{n}", b"x") for n in range(401)) + END,
        part("nul", b"a\x00b") + END,
        b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--\r\n",
        b"no boundary at all",
        b"--edge\r\n" + b"\xff" * 9000,
    ],
    ids=["bytes", "field", "files", "fields", "nul", "nameless", "no-boundary", "rubbish"],
)
async def test_what_is_beyond_the_limits_or_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        await read_with_files(sent(body), LIMITS)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
async def test_a_form_without_a_boundary_is_refused(kind: str) -> None:
    with pytest.raises(BadInput):
        await read_with_files(sent(END, kind), LIMITS)


def test_only_the_kind_of_a_form_with_files_counts_as_one() -> None:
    assert has_files(sent(b"", "Multipart/Form-Data; boundary=x"))
    assert not has_files(sent(b"", "application/x-www-form-urlencoded"))
