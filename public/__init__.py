"""Public content: the city's notices as a page, as Atom and as JSON, and the shelters.

It makes pages and feeds in every language from sent and published notices. There are no scripts and
no cookies, and nothing about a visitor is stored.
"""

from __future__ import annotations

from public.pages import STATIC, router

__all__ = ["STATIC", "router"]
