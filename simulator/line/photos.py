"""The photos that lie ready on every phone, drawn by ``make_photos.py``."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "static" / "photos"


class ReadyPhotos:
    """Reads the ready photos by name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.jpg"))}

    def names(self) -> list[str]:
        """All names."""
        return list(self._files)

    def read(self, name: str) -> bytes:
        """The photo of that name, as JPEG.

        Raises
        ------
        KeyError
            There is none.
        """
        return self._files[name].read_bytes()
