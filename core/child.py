"""Decode data from strangers in a child process, which can be killed.

A thread cannot be stopped, and it shares memory with everything. A child has kernel limits for CPU
time and memory, has no secrets in its environment, writes no files, and is killed when nobody waits
for it any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Permanent, Retryable
from core.reasons import reason

MOST_OUTPUT = 64 * 1024 * 1024
NICENESS = 5
_HOME = Path(__file__).resolve().parent.parent
_HEADER = struct.Struct(">Q")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT", "TZ")


class Exhausted(Permanent):
    """The child reached one of its limits, or crashed on its input."""


class NoTurn(Retryable):
    """The child got no CPU time before the limit. Its input may be harmless."""


@dataclass(frozen=True)
class Workshop:
    """Run one function in child processes, several at a time; later calls wait.

    Parameters
    ----------
    function
        ``module:name`` of a function from bytes and options to a JSON object and bytes. Its module
        should import little, because every child imports it again.
    processor_seconds, memory_bytes
        Limits of one child: CPU time and address space.
    patience
        Seconds of real time after which a child is killed.
    """

    function: str
    processor_seconds: int = 10
    memory_bytes: int = 768 * 1024 * 1024
    patience: float = 60.0
    at_once: int = 2
    _places: list[asyncio.Semaphore] = field(default_factory=list, repr=False)

    async def do(self, data: bytes, **options: Any) -> tuple[dict[str, Any], bytes]:
        """Return what the function makes of ``data``.

        Raises
        ------
        Exhausted
            It reached a limit or broke.
        NoTurn
            The machine was too busy; the same may succeed later.
        """
        if not self._places:
            self._places.append(asyncio.Semaphore(self.at_once))
        async with self._places[0]:
            return await self._do(data, options)

    async def _do(self, data: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        limits = [self.processor_seconds, self.memory_bytes]
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "core.child", self.function, json.dumps([*limits, options])),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=_HOME,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
        try:
            async with asyncio.timeout(self.patience):
                output, _ = await child.communicate(data)
        except TimeoutError as error:
            # Its own CPU time has a limit, so other processes used the CPU meanwhile.
            raise NoTurn(reason("child.busy", seconds=f"{self.patience:g}")) from error
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        if child.returncode == -signal.SIGXCPU:
            raise Exhausted(reason("child.processor", seconds=self.processor_seconds))
        if child.returncode != 0 or not _HEADER.size <= len(output) <= MOST_OUTPUT:
            raise Exhausted(reason("child.ended", code=child.returncode))
        [length] = _HEADER.unpack_from(output)
        body = _HEADER.size + length
        try:
            said = json.loads(output[_HEADER.size : body])
        except ValueError as error:
            raise Exhausted(reason("child.silent")) from error
        return said, output[body:]


def _serve(function: str, arguments: str) -> None:
    """The child process: import first, then run within the limits.

    It gets the CPU when the processes that answer webhooks do not need it.
    """
    os.nice(NICENESS)
    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(module), name)
    seconds, memory, options = json.loads(arguments)
    data = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said, content = work(data, **options)
    header = json.dumps(said).encode()
    sys.stdout.buffer.write(_HEADER.pack(len(header)) + header)
    sys.stdout.buffer.write(content)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
