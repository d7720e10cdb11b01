"""Have a text spoken by the city's own speech program (``TODOKE_SPEECH_COMMAND``).

The program is started without a shell. It gets the text on its standard input. It runs in an empty
folder, without our environment and its secrets, within the kernel's limits, and is killed with all
that it started when it takes too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from core.errors import Refusal
from core.languages import mark, tag_of

PATIENCE = 60.0
"""Seconds after which the program is killed."""
PROCESSOR_SECONDS = 60
MEMORY_BYTES = 2 * 1024**3
MOST_SOUND = 64 * 1024**2
MOST_LETTERS = 20_000
AT_ONCE = 2
_HOME = Path(__file__).resolve().parent.parent
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")

NO_PROGRAM = mark("No speech program is set up (TODOKE_SPEECH_COMMAND).")
TOO_SLOW = mark("The speech program did not finish in time.")
FAILED = mark("The speech program failed.")
NO_SOUND = mark("The speech program made no WAV file.")

log = structlog.get_logger(__name__)


@dataclass
class Speech:
    """Speaks texts.

    Parameters
    ----------
    command
        The program and its arguments. ``{language}`` in an argument becomes the language's tag,
        ``{out}`` the file to write. Without ``{out}`` the sound is read from standard output.
    """

    command: Sequence[str]
    patience: float = PATIENCE
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def wav(self, text: str, language: str) -> bytes:
        """Return a text as a WAV file.

        Raises
        ------
        Refusal
            No program is set up, or it was too slow, failed, or made something else.
        """
        if not self.command:
            raise Refusal(NO_PROGRAM)
        async with self._places:
            with tempfile.TemporaryDirectory(prefix="todoke-speech-") as folder:
                sound = await self._spoken(text[:MOST_LETTERS], language, Path(folder))
        if sound[:4] != b"RIFF" or sound[8:12] != b"WAVE":
            raise self._failure(NO_SOUND)
        return sound

    async def _spoken(self, text: str, language: str, folder: Path) -> bytes:
        out = folder / "out.wav"
        values = {"{language}": tag_of(language), "{out}": str(out)}
        arguments = []
        for argument in self.command:
            for name, value in values.items():
                argument = argument.replace(name, value)
            arguments.append(argument)
        limits = f"{PROCESSOR_SECONDS},{MEMORY_BYTES},{MOST_SOUND}"
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "core.limited", limits, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={
                **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                "PYTHONPATH": str(_HOME),
                "LANG": "C.UTF-8",
                "HOME": str(folder),
            },
            start_new_session=True,
            limit=1024 * 1024,
        )
        try:
            async with asyncio.timeout(self.patience):
                spoken = await _talk(child, text.encode())
        except TimeoutError as error:
            raise self._failure(TOO_SLOW) from error
        finally:
            # What the program itself started may still run.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await _let_go(child)
        if spoken is None:
            raise self._failure(NO_SOUND)
        if child.returncode != 0:
            raise self._failure(FAILED)
        if any("{out}" in argument for argument in self.command):
            try:
                return out.read_bytes() if out.stat().st_size <= MOST_SOUND else b""
            except OSError as error:
                raise self._failure(NO_SOUND) from error
        return spoken

    def _failure(self, message: str) -> Refusal:
        log.warning("speech.failed", reason=message, name=self.command[0])
        return Refusal(message)


async def _let_go(child: asyncio.subprocess.Process) -> None:
    """Wait for the end of a killed program. What it still said is read, or its pipe stays open."""
    assert child.stdout is not None
    while await child.stdout.read(65536):
        pass
    await child.wait()


async def _talk(child: asyncio.subprocess.Process, text: bytes) -> bytes | None:
    """Give the program the text, and return what it answers; None if that is too much."""
    assert child.stdin is not None and child.stdout is not None

    async def tell() -> None:
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            child.stdin.write(text)
            await child.stdin.drain()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            child.stdin.close()
            await child.stdin.wait_closed()

    async def hear() -> bytes | None:
        assert child.stdout is not None
        heard = bytearray()
        while part := await child.stdout.read(65536):
            heard += part
            if len(heard) > MOST_SOUND:
                return None
        return bytes(heard)

    telling = asyncio.create_task(tell())
    try:
        heard = await hear()
        if heard is not None:
            await telling
            await child.wait()
    finally:
        telling.cancel()
    return heard
