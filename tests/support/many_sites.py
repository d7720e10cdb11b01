"""As many evacuation sites as a larger city has."""

from __future__ import annotations

from dataclasses import replace

from city.folder import CityFolder
from city.shelters import Shelter


def many_sites(folder: CityFolder, times: int) -> tuple[Shelter, ...]:
    """The sample's sites several times over, as many as a larger city has."""
    return tuple(
        replace(site, code=f"{site.code}-{number}", name=f"{site.name}{number}")
        for site in folder.shelters
        for number in range(times)
    )
