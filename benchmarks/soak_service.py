"""The processes of a soak: started, sampled, killed without warning and started again."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.webhook import cpu_seconds, free_port
from simulator.line.client import SimulatorClient

COMMAND = (sys.executable, "-P", "-m", "app.cli")
SECRET, TOKEN = "secret-of-the-soak", "token-of-the-soak"
START_SECONDS = 300.0
COMMAND_SECONDS = 300.0
SAMPLE_SECONDS = 5.0
WARM_SECONDS = 25.0
"""Of a process's life, in which it grows because it is new."""


@dataclass
class Sample:
    """Memory and files of one process, ``age`` seconds after its start."""

    age: float
    rss_mb: float
    descriptors: int
    cpu_seconds: float
    starved_seconds: float
    """How long it was ready to run and had no core, since its start."""


@dataclass
class Life:
    """One process from its start to its end."""

    part: str
    process: asyncio.subprocess.Process
    log: Path
    started: float
    killed: bool = False
    samples: list[Sample] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def sample(self) -> None:
        """Record its current memory and files, if the system reports them (Linux)."""
        folder = Path(f"/proc/{self.process.pid}")
        try:
            pages = int((folder / "statm").read_text().split()[1])
            descriptors = sum(1 for _ in (folder / "fd").iterdir())
            starved = int((folder / "schedstat").read_text().split()[1]) / 1e9
        except OSError:
            return
        megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
        age = time.time() - self.started
        used = cpu_seconds(self.process.pid)
        self.samples.append(Sample(age, megabytes, descriptors, used, starved))

    @property
    def warm(self) -> list[Sample]:
        """The samples since it grows no more because it is new."""
        return [each for each in self.samples if each.age >= WARM_SECONDS]


@dataclass(frozen=True)
class Growth:
    """How much a minute something grows within the lives of a part, and how unsure that is."""

    slope: float
    unsure: float

    def is_over(self, most: float) -> bool:
        """Whether it surely grows by more than ``most`` a minute."""
        return self.slope - 2 * self.unsure > most

    def __str__(self) -> str:
        return f"{self.slope:+.1f} ± {2 * self.unsure:.1f}"


def growth(lives: Sequence[Life], name: str) -> Growth | None:
    """Return one slope for all lives together, each measured from its own middle."""
    pairs: list[tuple[float, float]] = []
    groups = 0
    for life in lives:
        warm = life.warm
        if len(warm) < 3:
            continue
        groups += 1
        age = statistics.fmean(each.age for each in warm)
        value = statistics.fmean(getattr(each, name) for each in warm)
        pairs += [((each.age - age) / 60, getattr(each, name) - value) for each in warm]
    spread = sum(x * x for x, _ in pairs)
    free = len(pairs) - groups - 1
    if free < 8 or not spread:
        return None
    slope = sum(x * y for x, y in pairs) / spread
    rest = sum((y - slope * x) ** 2 for x, y in pairs)
    return Growth(slope, math.sqrt(rest / free / spread))


@dataclass
class Down:
    """When no web process could answer, in seconds since 1970."""

    begin: float
    end: float = float("inf")


class Machine:
    """The service in its parts, and the simulator, which is never killed.

    Parameters
    ----------
    folder
        Where the city, the media and the logs are.
    workers
        How many worker processes there are on PostgreSQL; on SQLite one process does everything.
    """

    def __init__(self, folder: Path, database_url: str, workers: int) -> None:
        self.folder = folder
        self.database_url = database_url
        self.service_port, self.line_port = free_port(), free_port()
        self.lives: list[Life] = []
        self.downs: list[Down] = []
        self.loads: list[float] = []
        """Processes of the whole machine that want a core, over and over."""
        self.deaths: list[str] = []
        """Processes that ended by themselves."""
        self.parts: dict[str, Sequence[str]] = {"web": ("serve", "--port", str(self.service_port))}
        if not database_url.startswith("sqlite"):
            self.parts["web"] = (*self.parts["web"], "--web-only")
            self.parts["scheduler"] = ("scheduler",)
            self.parts |= {f"worker-{number}": ("worker",) for number in range(workers)}
        self.running: dict[str, Life] = {}
        self._line: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.service_port}"

    @property
    def line_url(self) -> str:
        return f"http://127.0.0.1:{self.line_port}"

    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TODOKE_")}
        return {
            **kept,
            "TODOKE_CITY": str(self.folder / "city"),
            "TODOKE_DATABASE_URL": self.database_url,
            "TODOKE_MEDIA_DIR": str(self.folder / "media"),
            "TODOKE_PUBLIC_URL": self.url,
            "TODOKE_LINE_CHANNEL_SECRET": SECRET,
            "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": TOKEN,
            "TODOKE_LINE_API_URL": self.line_url,
            "TODOKE_LINE_DATA_API_URL": self.line_url,
            "TODOKE_SECRET_KEY": "key-of-the-soak-key-of-the-soak-key",
        }

    async def run(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Run a command to its end; return its exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            cwd=self.folder,
            env=self.environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin.encode()), COMMAND_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return -1, "", f"it did not end within {COMMAND_SECONDS:.0f} s"
        return process.returncode or 0, out.decode(), err.decode()

    async def start_line(self) -> None:
        """Start the simulator, which sends its webhooks to the service."""
        with (self.folder / "log-line").open("wb") as log:
            self._line = await asyncio.create_subprocess_exec(
                *(*COMMAND, "simulator", "--port", str(self.line_port)),
                *("--webhook-url", f"{self.url}/line/webhook"),
                cwd=self.folder,
                env=self.environment(),
                stdout=log,
                stderr=log,
            )
        await self._answers(f"{self.line_url}/_simulator/faults")

    async def start(self, part: str) -> None:
        """Start a part of the service."""
        number = sum(life.part == part for life in self.lives)
        log = self.folder / f"log-{part}-{number}"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *COMMAND,
                *self.parts[part],
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=output,
            )
        life = Life(part, process, log, time.time())
        self.lives.append(life)
        self.running[part] = life

    async def start_all(self) -> None:
        for part in self.parts:
            await self.start(part)
        await self.ready()

    async def ready(self) -> None:
        await self._answers(f"{self.url}/healthz")

    async def kill(self, parts: Sequence[str], rest: float) -> None:
        """Kill parts, as a power cut would, and start them again ``rest`` seconds later."""
        down = Down(time.time())
        if "web" in parts:
            self.downs.append(down)
        for part in parts:
            life = self.running[part]
            life.sample()
            life.killed = True
            life.process.kill()
            await life.process.wait()
        await asyncio.sleep(rest)
        for part in parts:
            await self.start(part)
        if "web" in parts:
            await self.ready()
            down.end = time.time()

    async def watch(self) -> None:
        """Sample the processes' memory and files, and restart ended ones, in an endless loop."""
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            self.loads.append(os.getloadavg()[0])
            for part, life in list(self.running.items()):
                if life.alive:
                    life.sample()
                elif not life.killed and not self._stopping:
                    life.killed = True
                    said = life.log.read_text("utf-8", "replace")[-1500:]
                    self.deaths.append(f"{part} ended with {life.process.returncode}: {said}")
                    await self.start(part)

    async def stop(self) -> None:
        """Stop everything that still runs, as an administrator would."""
        self._stopping = True
        ending = [life.process for life in self.running.values() if life.alive]
        if self._line is not None and self._line.returncode is None:
            ending.append(self._line)
        for process in ending:
            process.send_signal(signal.SIGTERM)
        for process in ending:
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()

    def is_down(self, moment: float, slack: float = 0.0) -> bool:
        """Whether no web process could answer then, give or take ``slack`` seconds."""
        return any(each.begin - slack <= moment <= each.end + slack for each in self.downs)

    async def _answers(self, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    timeout = aiohttp.ClientTimeout(total=2)
                    async with http.get(url, timeout=timeout) as answer:
                        if answer.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{url} does not answer")
                await asyncio.sleep(0.1)


async def all_attempts(line: SimulatorClient, known: dict[tuple[str, float], int]) -> None:
    """Add the answers to the simulator's webhooks to ``known``, by first event and time."""
    for attempt in (await line.webhook())["attempts"]:
        known[attempt["eventIds"][0], attempt["at"]] = attempt["status"]
