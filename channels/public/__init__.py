"""What everybody may read: the city's notices as a page, as Atom and as JSON, and the shelters.

In come the notices that policy sent or published; out go pages and feeds in every language.
No script, no cookie, nothing of a visitor is kept.
"""

from __future__ import annotations

from channels.public.pages import STATIC, router

__all__ = ["STATIC", "router"]
