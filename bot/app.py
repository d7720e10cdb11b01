"""The web application: the rooms' pages and the webhook under one roof."""

from __future__ import annotations

from fastapi import FastAPI

from bot import health, webhook
from channels import public
from channels.line import LineClient
from console import pages as console_pages
from core.context import Context


def create_app(context: Context, line: LineClient, *, demo: bool = False) -> FastAPI:
    """Join the rooms.

    Parameters
    ----------
    context
        The service's parts; pages find it as ``request.app.state.context``.
    line
        The client for LINE, or for its stand-in.
    demo
        Whether this is the demo, whose sign-in page shows its accounts.
    """
    app = FastAPI(title="Todoke", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context = context
    app.state.line = line
    app.state.demo = demo
    for router in (health.router, webhook.router, console_pages.router, public.router):
        app.include_router(router)
    return app
