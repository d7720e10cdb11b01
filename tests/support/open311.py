"""What tests of Open311 share: its address, a city whose first kind asks, and a look at a page."""

from __future__ import annotations

import shutil
from pathlib import Path

from city.folder import CityFolder, load_folder
from core.clock import in_japan
from tests.support.office import Office, Page
from tests.support.project import SAMPLE_CITY

API = "/open311/v2"


def city_that_asks(folder: Path, questions: str) -> CityFolder:
    """Return the sample city, copied into a folder, whose first kind asks questions of its own."""
    copied = Path(shutil.copytree(SAMPLE_CITY, folder / "city"))
    text = (copied / "city.toml").read_text("utf-8")
    before, first, after = text.partition("[[report_categories]]")
    entry, following, rest = after.partition("\n[[")
    (copied / "city.toml").write_text(
        f"{before}{first}{entry}\n{questions}{following}{rest}", "utf-8"
    )
    return load_folder(copied)


def offered(office: Office) -> list[str]:
    """Return the kinds that programs are offered: in season, and without a message instead."""
    today = in_japan(office.clock.now()).date()
    kinds = office.context.city.kinds_offered(today)
    return [kind.code for kind in kinds if kind.message is None]


async def asked(office: Office, path: str) -> Page:
    """Ask for a page as a program without a key."""
    return await (await office.browser()).get(f"{API}/{path}")
