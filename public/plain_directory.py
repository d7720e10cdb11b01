"""A directory of plain files that another web server serves: always whole, never half a page."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from feeds.notice_codes import read_code

TEMPORARY = ".todoke-"
"""How names of files begin that are being written. A web server does not show them."""
NOTICES = "n"
FURTHER = re.compile(r"(?:shelters|lifelines)-\d+\.[A-Za-z-]+\.html")
_MODE = 0o644


class PlainDirectory:
    """Writes files into a directory, each at once or not at all.

    A file is written under a temporary name in its own directory, brought to disk, and renamed. A
    reader gets the old or the new one. A crash, a shutdown or a full disk leaves the old one.

    Parameters
    ----------
    root
        It is made if it is missing. Files in it that Todoke did not write stay.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def codes(self) -> list[str]:
        """Return the codes of the notices that have pages here, the newest file first."""
        found: dict[str, float] = {}
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self.root / NOTICES):
                code = entry.name.partition(".")[0]
                if entry.name.endswith(".html") and read_code(code) == code:
                    with contextlib.suppress(FileNotFoundError):
                        changed = entry.stat(follow_symlinks=False).st_mtime
                        found[code] = max(found.get(code, 0.0), changed)
        return sorted(found, key=lambda code: -found[code])

    def write(self, files: Iterable[tuple[str, bytes]]) -> int:
        """Write files, in this order; return how many.

        Parameters
        ----------
        files
            Names relative to the directory, with ``/``, and contents. What others link to comes
            first: then no page links to one that is not there yet.

        Raises
        ------
        OSError
            A file could not be written, such as on a full disk. The files after it were not tried;
            all files that were there are whole.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / NOTICES).mkdir(exist_ok=True)
        self._tidy()
        written, folders = 0, set()
        for name, content in files:
            path = self.root / name
            self._replace(path, content)
            folders.add(path.parent)
            written += 1
        for folder in folders:
            _to_disk(folder)
        return written

    def remove(self, codes: Iterable[str]) -> None:
        """Remove the pages of notices that are not kept any more."""
        gone = set(codes)
        if not gone:
            return
        for entry in list(os.scandir(self.root / NOTICES)):
            if entry.name.endswith(".html") and entry.name.partition(".")[0] in gone:
                Path(entry.path).unlink(missing_ok=True)

    def drop_further(self, written: Iterable[str]) -> None:
        """Remove further pages of lists (``shelters-2.ja.html``) that were not written again."""
        known = set(written)
        for entry in list(os.scandir(self.root)):
            if FURTHER.fullmatch(entry.name) and entry.name not in known:
                Path(entry.path).unlink(missing_ok=True)

    def _replace(self, path: Path, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), _MODE)
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def _tidy(self) -> None:
        """Remove what a killed process left under temporary names."""
        for folder in (self.root, self.root / NOTICES):
            for left in folder.glob(f"{TEMPORARY}*"):
                left.unlink(missing_ok=True)


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
