"""Rehearsals: a past day, replayed to a shadow desk beside the live system.

The command (this file) prepares a folder in the machine's temporary directory and starts a process
in it. That process (``app.rehearsal_desk``) is a whole service with its own database, its own
simulator instead of LINE, its own accounts and synthetic residents. It gets an environment with
nothing of the live one, and refuses settings that could reach anything real. Of the live system
only the city's folder is copied, and, for a day of the city's own, its telegrams are read.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from app.stage import Ports, environment_of, free_port, stage_settings
from city.tile_files import NAMES as TILE_FILES
from core.errors import BadInput
from simulator.agency.days import DAYS

FASTEST = 60.0
RESULTS = "rehearsals"
"""The folder of the results, within ``TODOKE_MEDIA_DIR``."""
PLAN, DAY, REPORT = "plan.json", "day.json", "report.json"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT", "TZ", "TMPDIR")
_NAME = re.compile(r"\d{8}-\d{6}-[a-z0-9-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class RehearsalPlan:
    """What a rehearsal is to be.

    Parameters
    ----------
    day
        The name of a recorded day, or the date of one of the city's own.
    speed
        How many times faster than the day was, 1 to 60.
    residents
        How many synthetic residents there are; ``share`` of those who are told something write
        back.
    until_over
        Whether it ends by itself after the last event.
    """

    day: str
    speed: float
    port: int
    simulator_port: int
    residents: int = 300
    share: float = 0.2
    seed: int = 1
    until_over: bool = False

    def checked(self) -> RehearsalPlan:
        """Return it.

        Raises
        ------
        BadInput
            A value is out of range.
        """
        if not 1 <= self.speed <= FASTEST:
            raise BadInput(f"--speed is 1 to {FASTEST:.0f}, not {self.speed:g}.")
        if not 1 <= self.residents <= 20_000:
            raise BadInput("--residents is 1 to 20000.")
        if not 0 <= self.share <= 1:
            raise BadInput("--share is 0 to 1.")
        return self


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of an environment that a shadow gets: nothing of Todoke's, no secret."""
    return {name: environment[name] for name in _PASSED_ON if name in environment}


def is_recorded(day: str) -> bool:
    return day in DAYS


def own_day(day: str) -> date:
    """Return the date that ``--day`` names.

    Raises
    ------
    BadInput
        It is neither a recorded day nor a date.
    """
    try:
        return date.fromisoformat(day)
    except ValueError:
        names = ", ".join(DAYS)
        raise BadInput(
            f"There is no day {day!r}. Recorded days: {names}. Or a date, such as 2026-06-15, of "
            "which telegrams are kept; 'todoke rehearsal days' lists them."
        ) from None


def run_rehearsal(
    plan: RehearsalPlan, *, city_folder: Path, media_dir: Path, events: list[dict[str, Any]]
) -> Path | None:
    """Run a rehearsal until it is over or told to stop; return the folder of its result.

    Parameters
    ----------
    city_folder
        Of the live city; it is copied.
    media_dir
        Where results are kept.
    events
        Telegrams of a day of the city's own (``app.rehearsal_desk.dumped_day``); empty for a
        recorded day.

    Raises
    ------
    BadInput
        A port is taken, or the shadow did not start.
    """
    plan = plan.checked()
    ports = Ports(
        free_port(plan.port, "--port"), free_port(plan.simulator_port, "--simulator-port")
    )
    with tempfile.TemporaryDirectory(prefix="todoke-rehearsal-") as name:
        state = Path(name).resolve()
        shutil.copytree(city_folder, state / "city", copy_function=_copied)
        settings = stage_settings(state, ports)
        settings.media_dir.mkdir(parents=True)
        wish = {
            "day": plan.day,
            "speed": plan.speed,
            "residents": plan.residents,
            "share": plan.share,
            "seed": plan.seed,
            "until_over": plan.until_over,
            "port": ports.service,
            "simulator_port": ports.simulator,
        }
        (state / PLAN).write_text(json.dumps(wish), encoding="utf-8")
        (state / DAY).write_text(json.dumps(events), encoding="utf-8")
        code = _run_shadow(state, {**scrubbed(os.environ), **environment_of(settings)})
        if not (state / REPORT).exists():
            raise BadInput(f"The rehearsal ended without a report, with exit code {code}.")
        return _keep(state / REPORT, media_dir, plan.day)


def _copied(source: str, target: str) -> None:
    """Copy a file of the city's folder. Map tiles can be gigabytes and are only read: a link."""
    if Path(source).name in TILE_FILES:
        Path(target).symlink_to(Path(source).resolve())
    else:
        shutil.copy2(source, target)


def _run_shadow(state: Path, environment: dict[str, str]) -> int:
    """Run the shadow's process, and pass on to it that it is to stop."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", "-m", "app.rehearsal_desk", str(state)],
        env=environment,
        start_new_session=True,
    )

    def stop(_number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if process.poll() is None:
            process.kill()


def _keep(report: Path, media_dir: Path, day: str) -> Path:
    """Put a report among the results, as JSON, CSV and a page."""
    from app.rehearsal_report import as_csv, as_html

    content = json.loads(report.read_text(encoding="utf-8"))
    word = re.sub(r"[^a-z0-9-]", "-", day.lower())[:40]
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{word}"
    folder = media_dir / RESULTS / name
    if folder.exists():
        folder = folder.with_name(f"{folder.name}-{secrets.token_hex(2)}")
    folder.mkdir(parents=True)
    (folder / REPORT).write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
    (folder / "report.csv").write_text(as_csv(content), encoding="utf-8-sig")
    (folder / "report.html").write_text(as_html(content), encoding="utf-8")
    return folder


def results(media_dir: Path, most: int = 30) -> list[tuple[str, dict[str, Any]]]:
    """Return the newest results, with their names."""
    folder = media_dir / RESULTS
    names = (
        sorted((path.name for path in folder.glob("*/")), reverse=True) if folder.is_dir() else []
    )
    found = []
    for name in names[:most]:
        with contextlib.suppress(BadInput):
            found.append((name, result(media_dir, name)))
    return found


def result(media_dir: Path, name: str) -> dict[str, Any]:
    """Return one result.

    Raises
    ------
    BadInput
        There is none of that name.
    """
    file = media_dir / RESULTS / name / REPORT
    if not _NAME.fullmatch(name):
        raise BadInput(f"There is no rehearsal {name!r}.")
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadInput(f"There is no rehearsal {name!r}.") from None
    return content
