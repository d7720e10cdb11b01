"""Public content: the city's notices as a page, as Atom and as JSON, and the shelters.

It makes pages and feeds in every language from sent and published notices. There are no cookies,
nothing about a visitor is stored, and only the map needs a script.
"""

from __future__ import annotations

from public.pages import MAPS, STATIC, router

__all__ = ["MAPS", "STATIC", "router"]
