"""How the service's processes start next to each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.processes import Parts, assembled
from app.schema import upgrade_now
from core.errors import BadInput
from core.settings import Settings

WHOLE = Parts(web=True, work=True, schedule=True)


async def test_a_second_service_on_one_sqlite_file_does_not_begin(
    settings: Settings, tmp_path: Path
) -> None:
    """Each would send at LINE's limit. The kernel frees the lock however the first one ends."""
    settings = replace(settings, database_url=f"sqlite:///{tmp_path}/todoke.sqlite3")
    upgrade_now(settings.database_url)
    async with assembled(settings, WHOLE):
        with pytest.raises(BadInput, match=r"Another service runs on .*todoke\.sqlite3"):
            async with assembled(settings, WHOLE):
                pass
        # The first one still has it.
        with pytest.raises(BadInput):
            async with assembled(settings, WHOLE):
                pass
    async with assembled(settings, WHOLE):
        pass
