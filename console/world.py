"""The world that a page of the disaster desk shows: the real one, or the drill.

A page shows one of them and says which. The choice follows what is switched on, and a link shows
the other one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from console.web import Visit
from core.errors import Refusal
from core.languages import mark
from response.models import DisasterMode
from response.modes import open_modes, real_now

REAL, DRILL = "real", "drill"
REAL_NOW = mark(
    "It is real now: what is changed in the drill does not count. Go to the real page and do it "
    "there."
)


@dataclass(frozen=True)
class World:
    """What a page shows, and the modes that are on."""

    drill: bool
    modes: tuple[DisasterMode, ...]

    @property
    def name(self) -> str:
        return DRILL if self.drill else REAL

    @property
    def other(self) -> str:
        return REAL if self.drill else DRILL

    @property
    def on(self) -> DisasterMode | None:
        """The mode that is on, in this world or the other."""
        return next(iter(self.modes), None)

    @property
    def mode(self) -> DisasterMode | None:
        """The mode that is on in this world."""
        return next((mode for mode in self.modes if mode.drill == self.drill), None)


async def world_of(visitor: Visit, session: AsyncSession) -> World:
    """Return the world that the address or the form names, else the one that is on."""
    modes = tuple(await open_modes(session))
    asked = visitor.form.text("world") or visitor.request.query_params.get("world", "")
    if asked in (REAL, DRILL):
        return World(asked == DRILL, modes)
    return World(bool(modes) and all(mode.drill for mode in modes), modes)


async def world_to_change(visitor: Visit, session: AsyncSession) -> World:
    """The same, for an act.

    Raises
    ------
    Refusal
        The page is the drill's, and meanwhile it became real.
    """
    world = await world_of(visitor, session)
    context = visitor.context
    if world.drill and await real_now(session, context.city, context.clock.now()):
        raise Refusal(REAL_NOW)
    return world
