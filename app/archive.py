"""Write many files into one tar in gzip, as fast as the disk allows.

Blocks are compressed in several threads, each as its own gzip member. Data is flushed to the disk
bit by bit: a gigabyte at the end would make everybody else wait.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20
SYNC_BYTES = 32 << 20
FAST, STORED = 1, 0
"""Levels of zlib: fast, and none for compressed data."""
MOST_THREADS = 4


class PackedFile:
    """Takes bytes and writes them to ``target`` as gzip."""

    def __init__(self, target: BinaryIO, threads: ThreadPoolExecutor) -> None:
        self._target = target
        self._threads = threads
        self._block = bytearray()
        self._packed: deque[Future[bytes]] = deque()
        self._size = self._unsynced = 0
        self._level = FAST

    def level(self, level: int) -> None:
        """Set the compression level for the data that follows."""
        if level != self._level:
            self._pack()
            self._level = level

    def tell(self) -> int:
        return self._size

    def write(self, data: bytes) -> int:
        self._size += len(data)
        self._block += data
        if len(self._block) >= BLOCK:
            self._pack()
        return len(data)

    def close(self) -> None:
        """Write the rest, and wait until the disk has everything."""
        self._pack()
        while self._packed:
            self._write()
        self._sync()

    def _pack(self) -> None:
        if not self._block:
            return
        self._packed.append(self._threads.submit(_packed, bytes(self._block), self._level))
        self._block.clear()
        while len(self._packed) > 2 * MOST_THREADS:
            self._write()

    def _write(self) -> None:
        data = self._packed.popleft().result()
        self._target.write(data)
        self._unsynced += len(data)
        if self._unsynced >= SYNC_BYTES:
            self._sync()

    def _sync(self) -> None:
        self._target.flush()
        os.fdatasync(self._target.fileno())
        self._unsynced = 0


def _packed(block: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(block) + packer.flush()


class _Hashing:
    """A file that is read once, with its SHA-256 made on the way."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


class Archive:
    """A tar that is being written; ``moment`` is the date of its members."""

    def __init__(self, tar: tarfile.TarFile, packed: PackedFile, moment: int) -> None:
        self._tar = tar
        self._packed = packed
        self._moment = moment

    def add(self, path: Path, name: str, *, level: int = FAST) -> tuple[int, str]:
        """Add a file under ``name``; return its size and SHA-256."""
        self._packed.level(level)
        with path.open("rb") as source:
            member = tarfile.TarInfo(name)
            member.size = os.fstat(source.fileno()).st_size
            member.mode, member.mtime = 0o600, self._moment
            hashing = _Hashing(source)
            self._tar.addfile(member, hashing)
        self._tar.members.clear()  # type: ignore[attr-defined]  # else it keeps them all
        return member.size, hashing.digest.hexdigest()


@contextmanager
def packing(file: Path, moment: int) -> Iterator[Archive]:
    """Write an archive to ``file``; only its owner may read it."""
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    file.touch(mode=0o600)
    with file.open("wb") as target, ThreadPoolExecutor(threads) as pool:
        packed = PackedFile(target, pool)
        # "w" and not "w|", which cuts all into blocks of ten kilobytes.
        with tarfile.open(fileobj=packed, mode="w", copybufsize=BLOCK) as tar:  # type: ignore[call-overload]
            yield Archive(tar, packed, moment)
        packed.close()


def files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and its subfolders, in the order of their names, without links."""
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
