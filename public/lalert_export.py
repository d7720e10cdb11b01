"""Where L-Alert's documents go. The connection is a seam: today a folder or a file.

The commons takes documents by SOAP over a VPN or the internet, from systems that it has approved
(docs/lalert.md). Its connection specification is not public. Whoever has it writes an
:class:`Exporter`; nothing else changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from core.errors import BadInput
from public.lalert import Document


class Exporter(Protocol):
    """Hands a document over.

    A document that was handed over before (the same id and revision) must not be told again. It
    raises :class:`core.errors.Retryable` or :class:`core.errors.Permanent` if it fails.
    """

    def hand_over(self, document: Document, data: bytes) -> str:
        """Return where it went, in words for whoever asked."""
        ...


class FileExporter:
    """Writes one document to a file, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def hand_over(self, document: Document, data: bytes) -> str:
        _write(self._path, data)
        return str(self._path)


class FolderExporter:
    """Writes each document to a folder, under a name that says what it is.

    A document that is there already is left alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hand_over(self, document: Document, data: bytes) -> str:
        path = self._folder / document.file_name
        if not path.exists():
            _write(path, data)
        return str(path)


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
