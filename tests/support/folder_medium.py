"""A medium that writes each message as a file into a folder. A process that does so can be killed.

``docs/media.md`` explains it. A file is named ``<address>.<retry key>.json``. So a repeat finds the
files of the first attempt, and writes only those that are missing.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from channels.medium import Messages, compact_json
from tests.support.listed import ListMedium, Recipients


class FolderMedium(ListMedium):
    """Writes a file for each recipient. What is not about files is as in :class:`ListMedium`."""

    name = "folder"
    batch_size = 50
    key_life = timedelta(days=1)


@dataclass
class Folder(Recipients):
    """The folder, and everything that can go wrong there."""

    path: Path = field(kw_only=True)
    seconds_a_file: float = 0.0

    def has_all(self, key: str, addresses: list[str]) -> bool:
        return all(self._file(key, address).exists() for address in addresses)

    async def deliver(self, key: str, addresses: list[str], messages: Messages) -> None:
        for address in addresses:
            file = self._file(key, address)
            if file.exists():
                continue
            # Renamed when it is whole: a process that dies leaves no half file under this name.
            unfinished = file.with_suffix(".part")
            unfinished.write_bytes(compact_json(messages))
            unfinished.rename(file)
            await asyncio.sleep(self.seconds_a_file)

    def received(self) -> list[tuple[str, str]]:
        return [
            (file.name.partition(".")[0], message["title"])
            for file in self.path.glob("*.json")
            for message in json.loads(file.read_bytes())
        ]

    def files_by_key(self) -> Counter[str]:
        """Return how many files there are for each retry key."""
        return Counter(file.name.split(".")[1] for file in self.path.glob("*.json"))

    def _file(self, key: str, address: str) -> Path:
        return self.path / f"{address}.{key}.json"
